import { dirname } from "node:path";
import { ERROR_CODES, type ErrorCode, ScoreError, stopping, toScoreError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { messageOf, property } from "../core/thrown.ts";
import type {
  CancelSignal,
  RunCall,
  RunOutcome,
  RuntimeLoad,
  RuntimeState,
  ScoreRuntime,
  ScriptFacts,
  SilentWorker,
} from "../core/types.ts";
import { Pending } from "../pool/pending.ts";
import { type QueueOptions, WaitingRoom } from "../pool/queue.ts";
import { loadOf } from "../pool/slot.ts";

/** What is to be known of the settings. */
export interface ModelSettings extends QueueOptions {
  readonly modelUri: string | null;
  readonly modelCache: string | null;
  readonly modelDir: string | null;
  readonly appRoot: string;
  readonly entryScript: string | null;
  readonly workerEnv: Readonly<Record<string, string>>;
}

/** How long a fetch that failed is left alone before a request begins another, in milliseconds. */
const RETRY_MS = 1_000;

/** The runtime that `create` makes; where the settings name a model to fetch, it is made when the model is there, and the
 *  script is told its folder. */
export function withModel<S extends ModelSettings>(
  settings: S,
  log: Log,
  create: (settings: S) => ScoreRuntime,
): ScoreRuntime {
  return settings.modelUri === null ? create(settings) : new FetchingRuntime(settings, log, create);
}

class FetchingRuntime<S extends ModelSettings> implements ScoreRuntime {
  readonly #settings: S;
  readonly #log: Log;
  readonly #create: (settings: S) => ScoreRuntime;
  readonly #room: WaitingRoom;
  /** Requests that wait for the model. */
  readonly #waiting = new Set<Pending<ScoreRuntime>>();
  readonly #stop = new AbortController();
  #starting: Promise<ScriptFacts> | undefined;
  #attempt: Promise<ScoreRuntime> | undefined;
  #inner: ScoreRuntime | undefined;
  #failure: ScoreError | undefined;
  #failedAt = 0;
  #closed: Promise<void> | undefined;
  #workers: number | undefined;

  constructor(settings: S, log: Log, create: (settings: S) => ScoreRuntime) {
    this.#settings = settings;
    this.#log = log;
    this.#create = create;
    this.#room = new WaitingRoom(settings, () => {});
  }

  get state(): RuntimeState {
    if (this.#closed !== undefined) return "stopping";
    return this.#inner?.state ?? (this.#failure === undefined ? "loading" : "failed");
  }

  get facts(): ScriptFacts | undefined {
    return this.#inner?.facts;
  }

  get initialised(): boolean {
    return this.#inner?.initialised ?? false;
  }

  get failure(): Error | undefined {
    return this.#inner === undefined ? this.#failure : this.#inner.failure;
  }

  get load(): RuntimeLoad | undefined {
    return this.#inner === undefined ? loadOf([], this.#room) : this.#inner.load;
  }

  start(): Promise<ScriptFacts> {
    this.#starting ??= this.#load().then((inner) => inner.start());
    return this.#starting;
  }

  async run(call: RunCall): Promise<RunOutcome> {
    const inner = this.#inner ?? (await this.#wait(call.body.length, call.signal));
    return inner.run(call);
  }

  refusal(bodyBytes: number): Error | undefined {
    return this.#inner === undefined
      ? (this.#turnAway() ?? this.#room.refusal(bodyBytes))
      : this.#inner.refusal?.(bodyBytes);
  }

  async whenLoaded(bodyBytes: number, signal?: CancelSignal): Promise<ScriptFacts> {
    const inner = this.#inner ?? (await this.#wait(bodyBytes, signal));
    return inner.whenLoaded?.(bodyBytes, signal) ?? inner.start();
  }

  settle(graceMs: number): Promise<void> | undefined {
    return this.#inner?.settle?.(graceMs);
  }

  resize(workers: number): void {
    this.#workers = workers;
    this.#inner?.resize?.(workers);
  }

  async silentWorkers(withinMs: number, startMs: number): Promise<readonly SilentWorker[]> {
    return (await this.#inner?.silentWorkers?.(withinMs, startMs)) ?? [];
  }

  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#end(graceMs);
    // A second call with 0 ends what the first one waits for.
    if (graceMs === 0) void this.#inner?.close(0);
    return this.#closed;
  }

  async #end(graceMs: number): Promise<void> {
    this.#stop.abort(stopping());
    // What has been fetched is kept, and the next start goes on from there.
    await this.#attempt?.catch(() => {});
    await this.#inner?.close(graceMs);
  }

  /** Waits for the model, with the bounds of waiting for a worker. */
  #wait(bytes: number, signal: CancelSignal | undefined): Promise<ScoreRuntime> {
    const refused = this.#turnAway();
    if (refused !== undefined) return Promise.reject(refused);
    const pending = new Pending<ScoreRuntime>(bytes, signal, performance.now());
    if (this.#room.enter(pending)) {
      pending.holder = { givenUp: () => this.#waiting.delete(pending) };
      this.#waiting.add(pending);
    }
    // Whoever waits is told of a failure.
    this.#load().catch(() => {});
    return pending.outcome;
  }

  /** Why nothing can be taken now. */
  #turnAway(): ScoreError | undefined {
    if (this.#closed !== undefined) return stopping();
    return performance.now() - this.#failedAt < RETRY_MS ? this.#failure : undefined;
  }

  /** Fetches the model and starts the script; anew after a failure. */
  #load(): Promise<ScoreRuntime> {
    this.#attempt ??= this.#begin().catch((error: unknown) => {
      this.#attempt = undefined;
      this.#failedAt = performance.now();
      this.#failure = toFailure(error);
      if (this.#closed === undefined) this.#log.server.error(this.#failure.message);
      for (const pending of this.#waiting) pending.reject(this.#failure);
      this.#waiting.clear();
      throw this.#failure;
    });
    return this.#attempt;
  }

  async #begin(): Promise<ScoreRuntime> {
    const { modelUri: uri, modelCache: cache, modelDir, appRoot, entryScript, workerEnv } = this.#settings;
    const { signal } = this.#stop;
    if (modelDir) this.#log.server.warning(`--model_dir ${modelDir} has no effect, as --model_uri names a model.`);
    const packageFolders = [...(entryScript === null ? [] : [dirname(entryScript)]), appRoot];
    const { fetchModel } = await import("./fetch.ts");
    const folder = await fetchModel({ uri: uri!, cache, packageFolders, env: workerEnv }, this.#log, signal);
    signal.throwIfAborted();
    // The address may hold a key, which is none of the script's business.
    const { SCOREFN_MODEL_URI: _, ...env } = workerEnv;
    const ready = { modelUri: null, modelDir: folder, workerEnv: { ...env, AZUREML_MODEL_DIR: folder } };
    this.#inner = this.#create({ ...this.#settings, ...ready });
    if (this.#workers !== undefined) this.#inner.resize?.(this.#workers);
    // Its failure is told by start(), and to every request.
    this.#inner.start().catch(() => {});
    for (const pending of this.#waiting) pending.resolve(this.#inner);
    this.#waiting.clear();
    return this.#inner;
  }
}

/** What fetches models may be a bundle of its own, whose errors are of other classes than those here. */
function toFailure(error: unknown): ScoreError {
  const code = property(error, "code") as ErrorCode;
  const isOurs = String(code).startsWith("ERR_MODEL_") && code in ERROR_CODES;
  return isOurs ? new ScoreError(code, messageOf(error), { cause: property(error, "cause") }) : toScoreError(error);
}
