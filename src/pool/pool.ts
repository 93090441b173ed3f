import { RETRY_AFTER_SECONDS, type ScoreError, stopping } from "../core/errors.ts";
import type { Events } from "../core/events.ts";
import type { Log } from "../core/log.ts";
import type {
  CancelSignal,
  RunCall,
  RunOutcome,
  RuntimeLoad,
  RuntimeState,
  ScoreRuntime,
  ScriptFacts,
} from "../core/types.ts";
import { type Failed, PROTOCOL_VERSION, type Ready, type StartOptions } from "../protocol/messages.ts";
import { factsOf } from "../protocol/wire-schemas.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Job } from "./job.ts";
import { LoadGate } from "./load-gate.ts";
import type { PoolOptions } from "./pool-options.ts";
import { Preload } from "./preload.ts";
import { type ProcessEvents, WorkerProcess } from "./process.ts";
import { WaitingRoom } from "./queue.ts";
import { recordTeller, type TellRecords } from "./records.ts";
import { loadOf, Slot } from "./slot.ts";
import { reportFailure, toExit, toStartFailure } from "./start-failure.ts";
import { StoppedWatch } from "./stopped-watch.ts";
import { Worker } from "./worker.ts";

export type { PoolOptions } from "./pool-options.ts";

/** Deaths in a row without an answer after which `by-requests` waits for a request. */
const EAGER_RESTARTS = 2;

/** Runs a score script in `workerCount` processes: their life, and what is told of it (docs/architecture.md). */
export class WorkerPool implements ScoreRuntime {
  readonly #options: PoolOptions;
  readonly #log: Log;
  readonly #events: Events;
  readonly #slots: Slot[] = [];
  readonly #preload: Preload | undefined;
  readonly #room: WaitingRoom;
  readonly #dispatcher: Dispatcher;
  readonly #stoppedWatch: StoppedWatch;
  readonly #start: StartOptions;
  readonly #tellRecords: TellRecords;
  #lastId = 0;
  #starting: Promise<ScriptFacts> | undefined;
  #started: { resolve: (facts: ScriptFacts) => void; reject: (error: ScoreError) => void } | undefined;
  readonly #gate: LoadGate;
  #failure: ScoreError | undefined;
  #closed: Promise<void> | undefined;
  #isHurried = false;
  #drained: (() => void) | undefined;
  #settled: (() => void)[] = [];

  constructor(options: PoolOptions, log: Log, events: Events) {
    this.#options = options;
    this.#log = log;
    this.#events = events;
    this.#tellRecords = recordTeller(events);
    this.#start = { protocol: PROTOCOL_VERSION, ...options.start, ...(this.#tellRecords && { records: true }) };
    this.#room = new WaitingRoom(options, () => this.#checkDrained());
    this.#gate = new LoadGate(this.#room);
    this.#dispatcher = new Dispatcher(this.#slots, this.#room, () => this.#checkDrained());
    this.#stoppedWatch = new StoppedWatch(() => [...this.#slots, this.#preload].flatMap((of) => of?.process ?? []));
    if (options.preload) this.#preload = this.#createPreload();
  }

  get state(): RuntimeState {
    if (this.#closed !== undefined) return "stopping";
    let serves = false;
    for (const { worker } of this.#slots) {
      if (worker?.isIdle) return "ready";
      serves ||= worker !== undefined;
    }
    if (serves) return "busy";
    return this.#failure === undefined ? "loading" : "failed";
  }

  get facts(): ScriptFacts | undefined {
    return this.#gate.facts;
  }

  get initialised(): boolean {
    return this.#gate.facts !== undefined;
  }

  get failure(): ScoreError | undefined {
    return this.#failure;
  }

  get load(): RuntimeLoad {
    return loadOf(this.#slots, this.#room);
  }

  /** Resolves when every worker is ready, or has failed while another is ready. */
  start(): Promise<ScriptFacts> {
    if (this.#starting === undefined && this.#closed !== undefined) return Promise.reject(stopping());
    if (this.#starting === undefined) {
      this.#starting = new Promise((resolve, reject) => {
        this.#started = { resolve, reject };
      });
      const { workerCount, restart, start } = this.#options;
      this.#slots.push(...Array.from({ length: workerCount }, () => new Slot()));
      for (const slot of this.#slots) this.#spawn(slot);
      // A host that is frozen between requests finds its workers stopped, and a debugger stops them on purpose.
      if (restart !== "by-requests" && start.debugPort === undefined) this.#stoppedWatch.start();
    }
    return this.#starting;
  }

  refusal(bodyBytes: number): ScoreError | undefined {
    if (this.#closed !== undefined) return stopping();
    if (this.#failure !== undefined && this.state === "failed" && !this.#waitsForRequest) return this.#failure;
    return this.state === "ready" ? undefined : this.#room.refusal(bodyBytes);
  }

  whenLoaded(bodyBytes: number, signal?: CancelSignal): Promise<ScriptFacts> {
    if (this.#gate.facts !== undefined) return Promise.resolve(this.#gate.facts);
    this.start().catch(() => {});
    const refused = this.#turnAway();
    if (refused !== undefined) return Promise.reject(refused);
    return this.#gate.wait(bodyBytes, signal);
  }

  run(call: RunCall): Promise<RunOutcome> {
    const refused = this.#turnAway();
    if (refused !== undefined) return Promise.reject(refused);
    const job = new Job(call, performance.now());
    this.#events.requestQueued?.({ call, queuedAt: job.queuedAt });
    this.#dispatcher.add(job);
    return job.outcome;
  }

  settle(graceMs: number): Promise<void> | undefined {
    if (!this.#runsOn) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        for (const { worker } of this.#slots) if (worker?.runsOn) worker.killIfUseless();
      }, graceMs);
      this.#settled.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  get #runsOn(): boolean {
    return this.#slots.some(({ worker }) => worker?.runsOn);
  }

  /** A second call with 0 ends what the first one waits for. */
  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#end(graceMs);
    if (graceMs === 0) this.#hurry();
    return this.#closed;
  }

  async #end(graceMs: number): Promise<void> {
    this.#stoppedWatch.stop();
    for (const slot of this.#slots) clearTimeout(slot.restartTimer);
    this.#gate.rejectAll(stopping());
    // Nobody would ever take what waits for a script that is loading.
    if (!this.#slots.some(({ worker }) => worker !== undefined)) this.#room.rejectAll(stopping());
    if (this.#dispatcher.pending > 0 && graceMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#drained = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#room.rejectAll(stopping());
    this.#dispatcher.stop();
    const processes = this.#slots.flatMap(({ process }) => process ?? []);
    for (const { worker, process } of this.#slots) {
      if (worker === undefined || worker.unanswered > 0 || this.#isHurried) process?.kill("the server is stopping");
      else worker.stop();
    }
    await Promise.all(processes.map((process) => process.ended()));
    await this.#preload?.close();
  }

  #hurry(): void {
    this.#isHurried = true;
    this.#drained?.();
    for (const { process } of this.#slots) process?.kill("the server is stopping");
  }

  #checkDrained(): void {
    if (this.#settled.length > 0 && !this.#runsOn) {
      for (const resolve of this.#settled.splice(0)) resolve();
    }
    if (this.#drained !== undefined && this.#dispatcher.pending === 0) this.#drained();
  }

  /** Why nothing can be taken now. */
  #turnAway(): ScoreError | undefined {
    if (this.#closed !== undefined) return stopping();
    this.#reviveByRequest();
    return this.#failure !== undefined && this.state === "failed" ? this.#failure : undefined;
  }

  #spawn(slot: Slot): void {
    const { command, workerTimeoutMs, launch } = this.#options;
    slot.restartTimer = undefined;
    slot.startedAt = performance.now();
    this.#events.workerStarting?.(undefined);
    if (this.#preload === undefined) this.#events.scriptStarting?.(undefined);
    const events: ProcessEvents = {
      onLoaded: (loaded) => {
        slot.facts = loaded;
      },
      onReady: (ready) => this.#ready(slot, ready),
      onFailed: (failed) => {
        slot.reported = this.#report(failed);
      },
      onFrame: (type, id, payload) => slot.worker!.receive(type, id, payload),
      onRecords: this.#tellRecords,
      onExit: (error) => this.#exited(slot, error),
    };
    slot.process = new WorkerProcess(command, this.#start, workerTimeoutMs, events, this.#preload?.launch ?? launch);
  }

  /** What is said of the script's start is said of the preload process, once (contract PROC-2, BAN-8). */
  #createPreload(): Preload {
    const { command, workerTimeoutMs: helloMs } = this.#options;
    const options = { command, start: this.#start, helloMs };
    return new Preload(options, {
      onStarting: () => this.#events.scriptStarting?.(undefined),
      onReady: (pid, loaded) => this.#events.scriptReady?.({ pid, facts: factsOf(loaded) }),
      onFailed: (failed) => this.#report(failed),
      onRecords: this.#tellRecords,
      onExit: (exit) => this.#events.preloadEnded?.({ exit }),
    });
  }

  #ready(slot: Slot, { meta, traces }: Ready): void {
    const { scoringTimeoutMs: timeoutMs } = this.#options;
    const { logFormat, records, concurrency: most } = this.#start;
    const { concurrent, takes } = slot.facts!;
    const pid = slot.process!.pid!;
    const { runBegun, runEnded } = this.#events;
    const concurrency = concurrent ? most : 1;
    const logsIds = logFormat === "json" || records;
    const worker = new Worker(
      slot.process!,
      { takes: meta ?? takes, concurrency, timeoutMs, logsIds, traces },
      {
        newId: () => this.#newId(),
        onFree: () => this.#dispatcher.pump(),
        onRecalled: (jobs) => this.#dispatcher.putBack(jobs),
        onInterrupted: ({ traceback }) => this.#events.runInterrupted?.({ traceback }),
        onBegun: runBegun && (({ call, queuedAt, begunAt }) => runBegun({ call, pid, queuedAt, begunAt })),
        onEnded: runEnded && (({ call }, end, runMs) => runEnded({ call, pid, end, runMs })),
      },
    );
    const facts = factsOf(slot.facts!);
    if (this.#preload === undefined) this.#events.scriptReady?.({ pid, facts });
    this.#events.workerReady?.({ pid, startMs: performance.now() - slot.startedAt });
    slot.ready(worker);
    this.#failure = undefined;
    if (this.#gate.facts === undefined) this.#loaded(facts);
    this.#settleStart();
    this.#dispatcher.pump();
  }

  /** The first worker is ready. */
  #loaded(facts: ScriptFacts): void {
    this.#gate.open(facts);
    // What failed beside it was no fault of the script.
    for (const slot of this.#slots) if (slot.firstExit !== undefined) this.#restart(slot, slot.firstExit);
  }

  #newId(): number {
    this.#lastId = this.#lastId === 0xffff_ffff ? 1 : this.#lastId + 1;
    return this.#lastId;
  }

  #report(failed: Failed): ScoreError {
    return reportFailure(failed, this.#options.start.modelDir, this.#log);
  }

  #exited(slot: Slot, exit: ScoreError): void {
    // What the preload process said of its failure is how all end that it was to fork.
    const { worker, reported = /^ERR_(SCRIPT|PROTOCOL)/.test(exit.code) ? exit : undefined } = slot.clear();
    const back = worker?.exited(toExit(exit)) ?? [];
    if (this.#closed !== undefined) {
      for (const job of back) job.reject(stopping());
      this.#checkDrained();
      return;
    }
    const failure = reported ?? toStartFailure(exit);
    if (worker === undefined && this.#gate.facts === undefined && !slot.mayRetryFirstStart(reported)) {
      // A script that never came up will not come up by itself: the host decides what becomes of the server.
      slot.firstFailure = failure;
      slot.firstExit = exit;
      if (this.#slots.every(({ firstFailure }) => firstFailure !== undefined)) this.#fail(failure);
      this.#settleStart();
      return;
    }
    this.#restart(slot, exit, back.length);
    if (worker === undefined && this.#gate.facts !== undefined && this.state !== "ready" && this.state !== "busy") {
      failure.retryAfterSeconds = Math.max(RETRY_AFTER_SECONDS, Math.ceil(slot.pauseMs / 1000));
      this.#fail(failure);
    }
    this.#dispatcher.putBack(back);
  }

  /** Nobody is there to take requests, and nobody will be soon. */
  #fail(failure: ScoreError): void {
    this.#failure = failure;
    this.#room.rejectAll(failure);
    this.#gate.rejectAll(failure);
  }

  /** Ends start() when all first starts have come to an end. */
  #settleStart(): void {
    if (!this.#slots.every(({ hasServed, firstFailure }) => hasServed || firstFailure !== undefined)) return;
    if (this.#gate.facts !== undefined) this.#started?.resolve(this.#gate.facts);
    else this.#started?.reject(this.#failure!);
  }

  /** @param back requests that the process which ended gives back */
  #restart(slot: Slot, exit: ScoreError, back = 0): void {
    const byRequests = this.#options.restart === "by-requests";
    const waits = byRequests && slot.deaths > EAGER_RESTARTS && this.#room.size + back === 0;
    const pauseMs = byRequests ? 0 : slot.pauseMs;
    this.#events.workerEnded?.({ exit, restart: waits ? "with the next request" : pauseMs });
    // Not here: a start that fails at once would come back to here.
    if (!waits) slot.restartTimer = setTimeout(() => this.#spawn(slot), pauseMs);
  }

  /** True when a worker is started by the next request. */
  get #waitsForRequest(): boolean {
    return this.#options.restart === "by-requests" && this.#slots.some((slot) => slot.isResting);
  }

  /** Starts workers anew whose restart was left to the next request. */
  #reviveByRequest(): void {
    if (!this.#waitsForRequest) return;
    this.#failure = undefined;
    for (const slot of this.#slots) {
      if (!slot.isResting) continue;
      slot.firstFailure = undefined;
      slot.firstExit = undefined;
      this.#spawn(slot);
    }
  }
}
