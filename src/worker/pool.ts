import {
  OverloadError,
  type ScoreError,
  ScriptInitError,
  ScriptLoadError,
  ScriptShapeError,
  toScoreError,
  WorkerExitError,
} from "../errors.ts";
import type { Log } from "../log/logger.ts";
import { logModelDirectory } from "../script/model-directory.ts";
import type { StartupLog } from "../startup.ts";
import type { RunCall, RunOutcome, RuntimeState, ScoreRuntime, ScriptFacts, ScriptTakes } from "../types.ts";
import { Job } from "./job.ts";
import { Preload } from "./preload.ts";
import { type ProcessEvents, type WorkerCommand, WorkerProcess } from "./process.ts";
import { type Failed, type Loaded, PROTOCOL_VERSION, type StartOptions } from "./protocol.ts";
import { JobQueue, type QueueOptions, RETRY_AFTER_SECONDS } from "./queue.ts";
import { fromWireSchemas } from "./wire-schemas.ts";
import { Worker } from "./worker.ts";

export interface PoolOptions extends QueueOptions {
  readonly command: WorkerCommand;
  readonly start: Omit<StartOptions, "protocol">;
  readonly workerCount: number;
  /** True: one process loads the script, and the workers are forked off it. */
  readonly preload?: boolean;
  /** Limit of one run() in milliseconds; 0: none. */
  readonly scoringTimeoutMs: number;
  /** A process that has not reported itself after so many milliseconds is killed. */
  readonly workerTimeoutMs: number;
  /** When a worker that died is replaced. `paced`: at once, or after a growing pause when it had not answered anything.
   *  `by-requests`: at once, but after several such deaths in a row only when the next request comes; nothing happens by
   *  the clock then, which a host that is frozen between requests needs. */
  readonly restart?: "paced" | "by-requests";
}

/** First pause before a worker that died without answering anything is started again, in milliseconds; it doubles. */
const RESTART_MIN_MS = 100;
const RESTART_MAX_MS = 30_000;

/** Deaths in a row without an answer after which `by-requests` waits for a request. */
const EAGER_RESTARTS = 2;

/** A worker whose run() has gone on for so many milliseconds gives back what waits in its pipe to an idle one: several
 *  times what the window takes for a short run(). */
const RECALL_AFTER_MS = 5;

const FAILURE_CLASSES = {
  protocol: [ScriptLoadError, "ERR_PROTOCOL_VERSION"],
  load: [ScriptLoadError, "ERR_SCRIPT_LOAD"],
  shape: [ScriptShapeError, "ERR_SCRIPT_SHAPE"],
  init: [ScriptInitError, "ERR_SCRIPT_INIT"],
} as const;

/** One place for a worker: the process that fills it now, and how its predecessors fared. */
interface Slot {
  process: WorkerProcess | undefined;
  worker: Worker | undefined;
  failure: ScoreError | undefined;
  /** Deaths in a row without a single answer. */
  deaths: number;
  wasReady: boolean;
  restartTimer: NodeJS.Timeout | undefined;
  /** Settles the first start of this slot. */
  started: { resolve: (facts: ScriptFacts) => void; reject: (error: ScoreError) => void };
}

/** Runs a score script in `workerCount` processes: queue, order, deadlines, replacement (docs/architecture.md). */
export class WorkerPool implements ScoreRuntime {
  readonly #options: PoolOptions;
  readonly #log: Log;
  readonly #startup: StartupLog;
  readonly #slots: Slot[] = [];
  readonly #preload: Preload | undefined;
  readonly #queue: JobQueue;
  #recallTimer: NodeJS.Timeout | undefined;
  #nextId = 1;
  #starting: Promise<ScriptFacts> | undefined;
  #closing = false;
  #drained: (() => void) | undefined;
  #settled: (() => void) | undefined;
  #failure: ScoreError | undefined;

  constructor(options: PoolOptions, log: Log, startup: StartupLog) {
    this.#options = options;
    this.#log = log;
    this.#startup = startup;
    this.#queue = new JobQueue(options, () => this.#checkDrained());
    if (options.preload) this.#preload = this.#createPreload();
  }

  get state(): RuntimeState {
    if (this.#closing) return "stopping";
    const ready = this.#slots.filter((slot) => slot.worker !== undefined);
    if (ready.length > 0) return ready.some((slot) => slot.worker?.isIdle) ? "ready" : "busy";
    return this.#failure === undefined ? "loading" : "failed";
  }

  get initialised(): boolean {
    return this.#slots.some((slot) => slot.wasReady);
  }

  get failure(): ScoreError | undefined {
    return this.#failure;
  }

  start(): Promise<ScriptFacts> {
    if (this.#starting === undefined) {
      const starts = Array.from({ length: this.#options.workerCount }, () => this.#addSlot());
      this.#starting = Promise.all(starts).then((facts) => facts[0]!);
    }
    return this.#starting;
  }

  run(call: RunCall): Promise<RunOutcome> {
    if (this.#closing)
      return Promise.reject(new OverloadError("ERR_STOPPING", "The server is stopping.", RETRY_AFTER_SECONDS));
    this.#reviveByRequest();
    if (this.#failure !== undefined && this.state === "failed") return Promise.reject(this.#failure);
    const job = new Job(this.#nextId, call, performance.now());
    this.#nextId = this.#nextId === 0xffff_ffff ? 1 : this.#nextId + 1;
    const worker = this.#queue.length === 0 ? this.#choose(call.body.length) : undefined;
    if (worker !== undefined) worker.send(job);
    else this.#queue.push(job);
    return job.outcome;
  }

  settle(graceMs: number): Promise<void> | undefined {
    if (!this.#runsOn) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        for (const { worker } of this.#slots) if (worker?.runsOn) worker.killIfUseless();
      }, graceMs);
      this.#settled = () => {
        clearTimeout(timer);
        this.#settled = undefined;
        resolve();
      };
    });
  }

  get #runsOn(): boolean {
    return this.#slots.some(({ worker }) => worker?.runsOn);
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    for (const slot of this.#slots) clearTimeout(slot.restartTimer);
    if (this.#pending > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#drained = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#queue.rejectAll(new OverloadError("ERR_STOPPING", "The server is stopping.", RETRY_AFTER_SECONDS));
    clearTimeout(this.#recallTimer);
    const processes = this.#slots.flatMap(({ process }) => process ?? []);
    for (const { worker, process } of this.#slots) {
      if (worker === undefined || worker.unanswered > 0) process?.kill("the server is stopping");
      else worker.stop();
    }
    await Promise.all(processes.map((process) => process.ended()));
    await this.#preload?.close();
  }

  get #pending(): number {
    return this.#slots.reduce((sum, { worker }) => sum + (worker?.unanswered ?? 0), this.#queue.length);
  }

  // ---- requests --------------------------------------------------------------------------------------------------------

  /** The worker a request of so many bytes goes to now: an idle one, else the emptiest open window. */
  #choose(bytes: number): Worker | undefined {
    let best: Worker | undefined;
    for (const { worker } of this.#slots) {
      if (worker?.isIdle) {
        if (best === undefined || worker.unanswered < best.unanswered) best = worker;
      }
    }
    if (best !== undefined) return best;
    for (const { worker } of this.#slots) {
      if (worker?.hasWindow(bytes) && (best === undefined || worker.unanswered < best.unanswered)) best = worker;
    }
    return best;
  }

  /** Gives what a worker had not begun to others. */
  #requeue(jobs: readonly Job[]): void {
    this.#queue.putBack(jobs);
    this.#pump();
  }

  #pump(): void {
    while (this.#queue.length > 0) {
      const worker = this.#choose(this.#queue.first!.call.body.length);
      if (worker === undefined) return;
      worker.send(this.#queue.shift()!);
    }
    this.#considerRecall();
    this.#checkDrained();
  }

  #checkDrained(): void {
    if (this.#settled !== undefined && !this.#runsOn) this.#settled();
    if (this.#drained !== undefined && this.#pending === 0) this.#drained();
  }

  /** While one worker has nothing to do, nobody waits in another's pipe behind a run() that turned out slow. */
  #considerRecall(): void {
    if (this.#slots.length < 2 || this.#recallTimer !== undefined || !this.#hasIdle()) return;
    if (!this.#slots.some(({ worker }) => worker?.hasWaiting)) return;
    this.#recallTimer = setTimeout(() => {
      this.#recallTimer = undefined;
      if (this.#queue.length > 0 || !this.#hasIdle()) return;
      const now = performance.now();
      for (const { worker } of this.#slots) if (worker?.isStuckFor(RECALL_AFTER_MS, now)) worker.recall();
      this.#considerRecall();
    }, RECALL_AFTER_MS);
  }

  #hasIdle(): boolean {
    return this.#slots.some(({ worker }) => worker?.isIdle);
  }

  // ---- workers ------------------------------------------------------------------------------------------------------

  #addSlot(): Promise<ScriptFacts> {
    return new Promise((resolve, reject) => {
      const slot: Slot = {
        process: undefined,
        worker: undefined,
        failure: undefined,
        deaths: 0,
        wasReady: false,
        restartTimer: undefined,
        started: { resolve, reject },
      };
      this.#slots.push(slot);
      this.#spawn(slot);
    });
  }

  #spawn(slot: Slot): void {
    const { command, start, workerTimeoutMs } = this.#options;
    let facts: Loaded | undefined;
    slot.failure = undefined;
    slot.restartTimer = undefined;
    if (this.#preload === undefined) this.#startup.starting();
    try {
      const events: ProcessEvents = {
        onLoaded: (loaded) => {
          facts = loaded;
        },
        onReady: ({ meta = facts!.takes }) => this.#ready(slot, facts!, meta),
        onFailed: (failed) => {
          slot.failure = this.#report(failed);
        },
        onFrame: (type, id, payload) => slot.worker!.receive(type, id, payload),
        onExit: (error) => this.#exited(slot, error),
      };
      const options = { protocol: PROTOCOL_VERSION, ...start };
      slot.process = new WorkerProcess(command, options, workerTimeoutMs, events, this.#preload?.launch);
    } catch (error) {
      this.#exited(slot, command.onMissing(error as Error));
    }
  }

  /** What is said of the script's start is said of the preload process, once (contract PROC-2, BAN-8). */
  #createPreload(): Preload {
    const { command, start, workerTimeoutMs } = this.#options;
    const options = { command, start: { protocol: PROTOCOL_VERSION, ...start }, helloMs: workerTimeoutMs };
    return new Preload(options, {
      onStarting: () => this.#startup.starting(),
      onReady: (pid, loaded) => this.#startup.ready(pid, factsOf(loaded)),
      onFailed: (failed) => this.#report(failed),
      onExit: ({ message }) => {
        this.#log.server.error(`The preload process is gone: ${message}. The next worker starts another.`);
      },
    });
  }

  #ready(slot: Slot, facts: Loaded, takes: ScriptTakes): void {
    const { scoringTimeoutMs, start } = this.#options;
    const concurrency = facts.concurrent ? start.concurrency : 1;
    slot.worker = new Worker(
      slot.process!,
      { takes, concurrency, timeoutMs: scoringTimeoutMs },
      {
        onFree: () => this.#pump(),
        onRecalled: (jobs) => this.#requeue(jobs),
        onInterrupted: ({ traceback }) =>
          this.#log.server.error(`run() was stopped at its deadline here: ${traceback}\n`),
      },
    );
    slot.wasReady = true;
    this.#failure = undefined;
    const script = factsOf(facts);
    if (this.#preload === undefined) this.#startup.ready(slot.process!.pid!, script);
    slot.started.resolve(script);
    this.#pump();
  }

  /** Writes what the worker wants logged, and gives the failure as an error. */
  #report({ stage, error: report, records }: Failed): ScoreError {
    const { server } = this.#log;
    for (const { level, message } of records) {
      if (level === "INFO") server.info(message);
      else if (level === "WARNING") server.warning(message);
      else if (level === "CRITICAL") server.critical(message);
      else server.error(message);
    }
    if (stage === "init") logModelDirectory(this.#options.start.modelDir, server);
    const [Failure, code] = FAILURE_CLASSES[stage];
    return new Failure(code, `${report.type}: ${report.message}`, { report });
  }

  #exited(slot: Slot, exit: ScoreError): void {
    const { worker } = slot;
    slot.worker = undefined;
    slot.process = undefined;
    const back = worker?.exited(toExit(exit)) ?? [];
    if (this.#closing) {
      for (const job of back) job.reject(exit);
      this.#checkDrained();
      return;
    }
    if (worker === undefined) {
      this.#failure = slot.failure ?? exit;
      slot.started.reject(this.#failure);
      if (this.state === "failed") this.#queue.rejectAll(this.#failure);
      // A script that never came up will not come up by itself: the host decides what becomes of the server.
      if (!slot.wasReady) return;
    }
    slot.deaths = worker !== undefined && worker.answered > 0 ? 0 : slot.deaths + 1;
    const pauseMs = slot.deaths === 0 ? 0 : Math.min(RESTART_MAX_MS, RESTART_MIN_MS * 2 ** (slot.deaths - 1));
    if (this.#options.restart === "by-requests") {
      const waits = slot.deaths > EAGER_RESTARTS && this.#queue.length + back.length === 0;
      this.#log.server.error(`${capitalise(exit.message)}; starting another${waits ? " with the next request" : ""}.`);
      if (!waits) this.#spawn(slot);
    } else {
      this.#log.server.error(`${capitalise(exit.message)}; starting another${pauseMs > 0 ? ` in ${pauseMs} ms` : ""}.`);
      slot.restartTimer = setTimeout(() => this.#spawn(slot), pauseMs);
    }
    this.#requeue(back);
  }

  /** Starts workers anew whose restart was left to the next request. */
  #reviveByRequest(): void {
    if (this.#options.restart !== "by-requests") return;
    for (const slot of this.#slots) {
      if (slot.process !== undefined || !slot.wasReady) continue;
      this.#failure = undefined;
      this.#spawn(slot);
    }
  }
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function toExit(error: ScoreError): WorkerExitError {
  return error instanceof WorkerExitError
    ? error
    : new WorkerExitError("ERR_WORKER_EXIT", toScoreError(error).message, { cause: error });
}

function factsOf({ takes, concurrent, input, schemas }: Loaded): ScriptFacts {
  return { takes, concurrent, input, ...(schemas === undefined ? {} : { schemas: fromWireSchemas(schemas) }) };
}
