import { abandon, unlessAborted } from "../core/cancel.ts";
import { abortError, OverloadError, ScoreError, ScoreTimeoutError, stopping, toScoreError } from "../core/errors.ts";
import type { Events } from "../core/events.ts";
import type { Log } from "../core/log.ts";
import { timerMs } from "../core/timer.ts";
import type {
  CancelSignal,
  RunCall,
  RunOutcome,
  RuntimeLoad,
  RuntimeState,
  ScoreRuntime,
  ScriptFacts,
} from "../core/types.ts";
import { hasTracing } from "./active-span.ts";
import { type JavaScriptOptions, type LoadedScript, loadJavaScript } from "./javascript.ts";
import { clientGone, deadlinePassed, LazySignal } from "./lazy-signal.ts";
import type { Recorder } from "./recorded.ts";

export interface InProcessOptions extends JavaScriptOptions {
  /** Limit of one run() in milliseconds; 0: none. A run() that blocks the event loop cannot be stopped here. */
  readonly scoringTimeoutMs: number;
  /** Requests that may be under way at a time. */
  readonly maxQueue: number;
  /** Loads what is served in place of a script. Default: the score script is loaded. */
  readonly load?: ((log: Log) => Promise<LoadedScript>) | undefined;
}

/** Runs a JavaScript score script in this process: for cloud functions, where the host is one request's process anyway,
 *  and for the least time per request. The script can block the server; workers cannot. */
export class InProcessRuntime implements ScoreRuntime {
  readonly #options: InProcessOptions;
  readonly #log: Log;
  readonly #events: Events;
  /** True: somebody wants to know of runs. */
  readonly #isWatched: boolean;
  /** Where somebody wants to know of the script's records. */
  #recorder: Recorder | undefined;
  /** The script, whether or not its init() has been done. */
  #imported: LoadedScript | undefined;
  /** The script once its init() has been done. */
  #script: LoadedScript | undefined;
  #starting: Promise<ScriptFacts> | undefined;
  /** The start that is under way: there is never more than one. */
  #attempt: Promise<ScriptFacts> | undefined;
  #failure: ScoreError | undefined;
  /** Undefined: nobody was told of a run() yet. */
  #runAnnounced: typeof import("./announced.ts")["runAnnounced"] | undefined;
  /** Undefined: nothing has surrounded a run() yet. */
  #runSurrounded: typeof import("./surroundings.ts")["runSurrounded"] | undefined;
  #closing = false;
  #underWay = 0;
  #drained: (() => void) | undefined;

  constructor(options: InProcessOptions, log: Log, events: Events) {
    this.#options = options;
    this.#log = log;
    this.#events = events;
    this.#isWatched = [events.requestQueued, events.runBegun, events.runEnded].some(
      (listener) => listener !== undefined,
    );
  }

  get state(): RuntimeState {
    if (this.#closing) return "stopping";
    if (this.#script !== undefined) return "ready";
    return this.#failure === undefined || this.#attempt !== undefined ? "loading" : "failed";
  }

  get facts(): ScriptFacts | undefined {
    return this.#script?.facts;
  }

  get initialised(): boolean {
    return this.#script !== undefined;
  }

  get failure(): ScoreError | undefined {
    return this.#failure;
  }

  get load(): RuntimeLoad {
    const { state } = this;
    const workers = {
      starting: state === "loading" ? 1 : 0,
      idle: state === "ready" && this.#underWay === 0 ? 1 : 0,
      busy: this.#script !== undefined && this.#underWay > 0 ? 1 : 0,
      dead: state === "failed" ? 1 : 0,
    };
    const unanswered = this.#underWay;
    const waiting = this.#script === undefined ? unanswered : 0;
    return { waiting, waitingBytes: 0, unanswered, workers, pids: [] };
  }

  start(): Promise<ScriptFacts> {
    this.#starting ??= this.#up();
    return this.#starting;
  }

  whenLoaded(_bodyBytes: number, signal?: CancelSignal): Promise<ScriptFacts> {
    return unlessAborted(this.#up(), signal);
  }

  async run(call: RunCall): Promise<RunOutcome> {
    if (this.#closing) throw stopping();
    if (this.#underWay >= this.#options.maxQueue) {
      throw new OverloadError("ERR_OVERLOAD", `${this.#underWay} requests are under way already; try again later.`);
    }
    this.#underWay++;
    try {
      const queuedAt = this.#isWatched ? performance.now() : 0;
      this.#events.requestQueued?.({ call, queuedAt });
      if (this.#script === undefined) await unlessAborted(this.#up(), call.signal);
      const script = this.#script!;
      const begunAt = performance.now();
      try {
        return await (this.#isWatched ? this.#announced(script, call, queuedAt) : this.#runNow(script, call));
      } catch (error) {
        if (error instanceof ScoreError) error.ran = { execMs: performance.now() - begunAt };
        throw error;
      }
    } finally {
      this.#underWay--;
      if (this.#underWay === 0) this.#drained?.();
    }
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    if (this.#underWay > 0) await this.#drain(graceMs);
    this.#recorder?.end();
  }

  async #drain(graceMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#drained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** The script's facts once it can run. An init() that has failed is called again for whoever asks next; whoever asks
   *  meanwhile waits for the same call. A script that could not be imported stays so: Node keeps a module that failed. */
  #up(): Promise<ScriptFacts> {
    if (this.#script !== undefined) return Promise.resolve(this.#script.facts);
    if (this.#failure !== undefined && this.#imported === undefined) return Promise.reject(this.#failure);
    this.#attempt ??= this.#load().finally(() => {
      this.#attempt = undefined;
    });
    return this.#attempt;
  }

  async #load(): Promise<ScriptFacts> {
    try {
      if (this.#imported === undefined) {
        this.#events.scriptStarting?.(undefined);
        this.#imported = await this.#loadNow(await this.#recordedLog());
      }
      const script = this.#imported;
      await script.init();
      this.#script = script;
      this.#failure = undefined;
      this.#events.scriptReady?.({ pid: process.pid, facts: script.facts });
      return script.facts;
    } catch (error) {
      this.#failure = toScoreError(error);
      const { code, name, message, report } = this.#failure;
      const fields = this.#log.fields?.ofError(code, report?.type ?? name, report?.location);
      this.#log.server.error(report?.traceback ?? message, fields);
      if (code === "ERR_SCRIPT_INIT") await this.#logModelDirectory();
      throw this.#failure;
    }
  }

  #loadNow(log: Log): Promise<LoadedScript> {
    const { load } = this.#options;
    return load === undefined ? loadJavaScript(this.#options, log) : load(log);
  }

  /** The script's log, whose records are told to whoever wants to know of them. */
  async #recordedLog(): Promise<Log> {
    const { scriptRecord } = this.#events;
    if (scriptRecord === undefined) return this.#log;
    this.#recorder = (await import("./recorded.ts")).recordHere(this.#log, scriptRecord);
    return this.#recorder.logOf(this.#log);
  }

  async #logModelDirectory(): Promise<void> {
    try {
      const { logModelDirectory } = await import("./model-directory.ts");
      logModelDirectory(this.#options.modelDir, this.#log.server);
    } catch {
      // Only help, and the failure itself is in the log.
    }
  }

  async #announced(script: LoadedScript, call: RunCall, queuedAt: number): Promise<RunOutcome> {
    this.#runAnnounced ??= (await import("./announced.ts")).runAnnounced;
    return this.#runAnnounced(this.#events, call, queuedAt, () => this.#runNow(script, call));
  }

  #runNow(script: LoadedScript, call: RunCall): RunOutcome | Promise<RunOutcome> {
    const lazy = new LazySignal();
    // Never taken away: the client may leave while the answer is streamed, or while the script works on behind it.
    const onAbort = (): void => lazy.abort(reasonOf(abortError(call.signal?.reason)));
    call.signal?.addEventListener("abort", onAbort);
    if (call.signal?.aborted) onAbort();
    const input = { ...call, signal: () => lazy.signal() };
    if (this.#recorder !== undefined && call.log !== undefined) input.log = this.#recorder.logOf(call.log);
    const outcome = this.#hasSurroundings() ? this.#runWithin(call, () => script.run(input)) : script.run(input);
    return outcome instanceof Promise ? this.#bounded(outcome, call, lazy) : outcome;
  }

  /** A script may set up its tracing library whenever it likes. */
  #hasSurroundings(): boolean {
    return this.#log.fields !== undefined || this.#recorder !== undefined || hasTracing();
  }

  #runWithin(call: RunCall, run: () => RunOutcome | Promise<RunOutcome>): RunOutcome | Promise<RunOutcome> {
    const fields = (this.#log.fields ?? this.#recorder)?.ofCall(call);
    if (this.#runSurrounded !== undefined) return this.#runSurrounded(call, fields, run);
    return import("./surroundings.ts").then(({ runSurrounded }) => {
      this.#runSurrounded = runSurrounded;
      return runSurrounded(call, fields, run);
    });
  }

  /** The outcome, or the reason why nobody waits for it any longer. */
  #bounded(outcome: Promise<RunOutcome>, call: RunCall, lazy: LazySignal): Promise<RunOutcome> {
    const { scoringTimeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      let isGivenUp = false;
      const giveUp = (error: ScoreError): void => {
        isGivenUp = true;
        lazy.abort(reasonOf(error));
        reject(error);
      };
      const onAbort = (): void => giveUp(abortError(call.signal?.reason));
      const timer =
        scoringTimeoutMs > 0
          ? setTimeout(() => giveUp(new ScoreTimeoutError(scoringTimeoutMs)), timerMs(scoringTimeoutMs))
          : undefined;
      call.signal?.addEventListener("abort", onAbort);
      if (call.signal?.aborted) onAbort();
      outcome
        .then((value) => (isGivenUp ? abandon(value.body) : resolve(value)), reject)
        .finally(() => {
          clearTimeout(timer);
          call.signal?.removeEventListener("abort", onAbort);
        });
    });
  }
}

function reasonOf(error: ScoreError): DOMException {
  return error.code === "ERR_CLIENT_GONE" ? clientGone() : deadlinePassed();
}
