import { abortError, OverloadError, type ScoreError, ScoreTimeoutError, toScoreError } from "../core/errors.ts";
import type { Events } from "../core/events.ts";
import type { Log } from "../core/log.ts";
import { timerMs } from "../core/timer.ts";
import type { CancelSignal, RunCall, RunOutcome, RuntimeState, ScoreRuntime, ScriptFacts } from "../core/types.ts";
import { streamWithFields, withFields } from "../log/ambient.ts";
import { type CallIds, callFields, errorFields } from "../log/fields.ts";
import type { ScriptInput } from "./input.ts";
import { type JavaScriptOptions, type LoadedScript, loadJavaScript } from "./javascript.ts";
import { clientGone, deadlinePassed, LazySignal } from "./lazy-signal.ts";
import { logModelDirectory } from "./model-directory.ts";

export interface InProcessOptions extends JavaScriptOptions {
  /** Limit of one run() in milliseconds; 0: none. A run() that blocks the event loop cannot be stopped here. */
  readonly scoringTimeoutMs: number;
  /** Requests that may be under way at a time. */
  readonly maxQueue: number;
}

/** Runs a JavaScript score script in this process: for cloud functions, where the host is one request's process anyway,
 *  and for the least time per request. The script can block the server; workers cannot. */
export class InProcessRuntime implements ScoreRuntime {
  readonly #options: InProcessOptions;
  readonly #log: Log;
  readonly #events: Events;
  /** The script, whether or not its init() has been done. */
  #imported: LoadedScript | undefined;
  /** The script once its init() has been done. */
  #script: LoadedScript | undefined;
  #starting: Promise<ScriptFacts> | undefined;
  /** The start that is under way: there is never more than one. */
  #attempt: Promise<ScriptFacts> | undefined;
  #failure: ScoreError | undefined;
  #closing = false;
  #underWay = 0;
  #drained: (() => void) | undefined;

  constructor(options: InProcessOptions, log: Log, events: Events) {
    this.#options = options;
    this.#log = log;
    this.#events = events;
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

  start(): Promise<ScriptFacts> {
    this.#starting ??= this.#up();
    return this.#starting;
  }

  whenLoaded(_bodyBytes: number, signal?: CancelSignal): Promise<ScriptFacts> {
    return unlessAborted(this.#up(), signal);
  }

  async run(call: RunCall): Promise<RunOutcome> {
    if (this.#closing) throw new OverloadError("ERR_STOPPING", "The server is stopping.", 1);
    if (this.#underWay >= this.#options.maxQueue) {
      throw new OverloadError("ERR_OVERLOAD", `${this.#underWay} requests are under way already; try again later.`, 1);
    }
    this.#underWay++;
    try {
      if (this.#script === undefined) await unlessAborted(this.#up(), call.signal);
      return await this.#runNow(this.#script!, call);
    } finally {
      this.#underWay--;
      if (this.#underWay === 0) this.#drained?.();
    }
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    if (this.#underWay === 0) return;
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
        this.#imported = await loadJavaScript(this.#options, this.#log);
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
      this.#log.server.error(report?.traceback ?? message, errorFields(code, report?.type ?? name, report?.location));
      if (this.#failure.code === "ERR_SCRIPT_INIT") logModelDirectory(this.#options.modelDir, this.#log.server);
      throw this.#failure;
    }
  }

  #runNow(script: LoadedScript, call: RunCall): RunOutcome | Promise<RunOutcome> {
    const lazy = new LazySignal();
    // Never taken away: the client may leave while the answer is streamed, or while the script works on behind it.
    const onAbort = (): void => lazy.abort(reasonOf(abortError(call.signal?.reason)));
    call.signal?.addEventListener("abort", onAbort);
    if (call.signal?.aborted) onAbort();
    const input = { ...call, signal: () => lazy.signal() };
    const outcome = this.#log.format === "json" ? runWithFields(script, input) : script.run(input);
    return outcome instanceof Promise ? this.#bounded(outcome, call, lazy) : outcome;
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
        .then((value) => (isGivenUp ? abandon(value) : resolve(value)), reject)
        .finally(() => {
          clearTimeout(timer);
          call.signal?.removeEventListener("abort", onAbort);
        });
    });
  }
}

/** Runs with the ids of the request in all that the script logs. */
function runWithFields(script: LoadedScript, input: ScriptInput & CallIds): RunOutcome | Promise<RunOutcome> {
  const fields = callFields(input);
  const withBody = (outcome: RunOutcome): RunOutcome => {
    const { body } = outcome;
    if (outcome.kind === "json" || typeof body !== "object" || !(Symbol.asyncIterator in body)) return outcome;
    return { ...outcome, body: streamWithFields(fields, body) };
  };
  const outcome = withFields(fields, () => script.run(input));
  return outcome instanceof Promise ? outcome.then(withBody) : withBody(outcome);
}

/** The promise's outcome, unless the request is given up before. */
function unlessAborted<T>(promise: Promise<T>, signal: CancelSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortError(signal.reason));
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    void promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Closes a stream that nobody will read, so that the script's `finally` runs. */
function abandon(outcome: RunOutcome): void {
  const { body } = outcome;
  if (typeof body !== "object" || !(Symbol.asyncIterator in body)) return;
  void Promise.resolve(body[Symbol.asyncIterator]().return?.()).catch(() => {});
}

function reasonOf(error: ScoreError): DOMException {
  return error.code === "ERR_CLIENT_GONE" ? clientGone() : deadlinePassed();
}
