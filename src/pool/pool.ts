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
  SilentWorker,
} from "../core/types.ts";
import { type Failed, PROTOCOL_VERSION, type Ready, type StartOptions } from "../protocol/messages.ts";
import { factsOf } from "../protocol/wire-schemas.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Endings } from "./endings.ts";
import { createIds, Job } from "./job.ts";
import { LoadGate } from "./load-gate.ts";
import type { PoolOptions } from "./pool-options.ts";
import { createPreload, type Preload } from "./preload.ts";
import { type ProcessEvents, WorkerProcess } from "./process.ts";
import { WaitingRoom } from "./queue.ts";
import { recordTeller, type TellRecords } from "./records.ts";
import { leastNeeded, loadOf, Slot, servingState, silentOf } from "./slot.ts";
import { reportFailure, toExit, toStartFailure } from "./start-failure.ts";
import { StoppedWatch } from "./stopped-watch.ts";
import { Worker } from "./worker.ts";

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
  readonly #newId = createIds();
  #starting: Promise<ScriptFacts> | undefined;
  #started: { resolve: (facts: ScriptFacts) => void; reject: (error: ScoreError) => void } | undefined;
  readonly #gate: LoadGate;
  #failure: ScoreError | undefined;
  #closed: Promise<void> | undefined;
  #isHurried = false;
  readonly #endings: Endings;
  #workerCount: number;

  constructor(options: PoolOptions, log: Log, events: Events) {
    this.#options = options;
    this.#log = log;
    this.#events = events;
    this.#tellRecords = recordTeller(events);
    this.#start = { protocol: PROTOCOL_VERSION, ...options.start, ...(this.#tellRecords && { records: true }) };
    this.#workerCount = options.workerCount;
    this.#room = new WaitingRoom(options, () => this.#endings.check());
    this.#gate = new LoadGate(this.#room);
    this.#dispatcher = new Dispatcher(this.#slots, this.#room, () => this.#endings.check());
    this.#endings = new Endings(this.#slots, () => this.#dispatcher.pending);
    this.#stoppedWatch = new StoppedWatch(() => [...this.#slots, this.#preload].flatMap((of) => of?.process ?? []));
    if (options.preload) this.#preload = createPreload(options, this.#start, events, (failed) => this.#report(failed));
  }

  get state(): RuntimeState {
    if (this.#closed !== undefined) return "stopping";
    return servingState(this.#slots) ?? (this.#failure === undefined ? "loading" : "failed");
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
      const { restart, start } = this.#options;
      this.#grow(this.#workerCount);
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
    return this.#endings.settle(graceMs);
  }

  resize(workers: number): void {
    if (this.#closed !== undefined) return;
    this.#workerCount = workers;
    if (this.#starting === undefined) return;
    const kept = this.#slots.filter(({ isRetired }) => !isRetired);
    for (const slot of leastNeeded(kept, kept.length - workers)) this.#retire(slot);
    this.#grow(workers - kept.length);
    this.#settleStart();
  }

  silentWorkers(withinMs: number, startMs: number): Promise<readonly SilentWorker[]> {
    return silentOf(this.#slots, withinMs, startMs);
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
    if (servingState(this.#slots) === undefined) this.#room.rejectAll(stopping());
    await this.#endings.drained(graceMs);
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
    this.#endings.hurry();
    for (const { process } of this.#slots) process?.kill("the server is stopping");
  }

  /** Why nothing can be taken now. */
  #turnAway(): ScoreError | undefined {
    if (this.#closed !== undefined) return stopping();
    this.#reviveByRequest();
    return this.#failure !== undefined && this.state === "failed" ? this.#failure : undefined;
  }

  #grow(count: number): void {
    for (let left = count; left > 0; left--) {
      const slot = new Slot();
      this.#slots.push(slot);
      this.#spawn(slot);
    }
  }

  /** What it runs may finish, and what waits in its pipe goes elsewhere. */
  #retire(slot: Slot): void {
    const { process, worker } = slot;
    slot.isRetired = true;
    clearTimeout(slot.restartTimer);
    if (process === undefined) this.#remove(slot);
    else if (worker === undefined) process.kill("fewer workers are wanted");
    else this.#endings.retire(slot);
  }

  #remove(slot: Slot): void {
    this.#slots.splice(this.#slots.indexOf(slot), 1);
    if (this.#slots.length === 0) this.#preload?.rest();
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
      onOutput: this.#options.onOutput,
      onExit: (error) => this.#exited(slot, error),
    };
    slot.process = new WorkerProcess(command, this.#start, workerTimeoutMs, events, this.#preload?.launch ?? launch);
  }

  #ready(slot: Slot, { meta, traces }: Ready): void {
    // It is about to be ended.
    if (slot.isRetired) return;
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
        newId: this.#newId,
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

  #report(failed: Failed): ScoreError {
    return reportFailure(failed, this.#options.start.modelDir, this.#log);
  }

  #exited(slot: Slot, exit: ScoreError): void {
    // What the preload process said of its failure is how all end that it was to fork.
    const { worker, hadWork, reported = /^ERR_(SCRIPT|PROTOCOL)/.test(exit.code) ? exit : undefined } = slot.clear();
    const back = worker?.exited(toExit(exit)) ?? [];
    if (this.#closed !== undefined) {
      for (const job of back) job.reject(stopping());
      this.#endings.check();
      return;
    }
    if (slot.isRetired) {
      if (hadWork) this.#events.workerEnded?.({ exit, restart: undefined });
      this.#remove(slot);
      this.#dispatcher.putBack(back);
      return;
    }
    const failure = reported ?? toStartFailure(exit);
    if (worker === undefined && this.#gate.facts === undefined && !slot.mayRetryFirstStart(reported)) {
      // A script that never came up will not come up by itself: the host decides what becomes of the server.
      slot.firstFailure = failure;
      slot.firstExit = exit;
      this.#settleStart(failure);
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

  /** Ends start() when all first starts have come to an end. @param failure the last of them */
  #settleStart(failure?: ScoreError): void {
    const slots = this.#slots.filter(({ isRetired }) => !isRetired);
    if (slots.some(({ hasServed, firstFailure }) => !hasServed && firstFailure === undefined)) return;
    const { facts } = this.#gate;
    const reason = failure ?? slots.at(-1)?.firstFailure;
    if (facts !== undefined) this.#started?.resolve(facts);
    else if (reason !== undefined) {
      this.#fail(reason);
      this.#started?.reject(reason);
    }
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
