import { DeadlineError, FrameError, ScoreTimeoutError, WorkerExitError } from "../core/errors.ts";
import { endOf, type RunEnd } from "../core/events.ts";
import { FrameWriter } from "../protocol/frame.ts";
import {
  creditPayload,
  Frame,
  type InterruptReason,
  jsonPayload,
  metaPrefix,
  STREAM_CREDIT_BYTES,
} from "../protocol/messages.ts";
import { expectBegun, expectNoStream, expectStream, readError, readIds, readResponse, readResult } from "./answer.ts";
import { ChunkStream } from "./chunk-stream.ts";
import { Deadlines } from "./deadlines.ts";
import type { Job } from "./job.ts";
import { LifeSigns } from "./life-signs.ts";
import { Nudger } from "./nudger.ts";
import type { Holder } from "./pending.ts";
import { runMeta, takesBodyAlone } from "./run-meta.ts";
import { Window } from "./window.ts";
import type { WorkerEvents, WorkerLink, WorkerOptions } from "./worker-link.ts";

/** The front's view of one ready worker: which requests it has begun, which wait in its pipe, their deadlines and
 *  answers. Knows no process: bytes come in through `receive` and go out through the link. What it may conclude from which
 *  frame stands in docs/worker-protocol.md, §4. */
export class Worker implements Holder<Job> {
  readonly #link: WorkerLink;
  readonly #options: WorkerOptions;
  readonly #events: WorkerEvents;
  readonly #writer: FrameWriter;
  /** Sent at once, or said to have begun; by id. */
  readonly #begun = new Map<number, Job>();
  readonly #deadlines: Deadlines;
  readonly #nudger: Nudger;
  /** Waiting in its pipe. */
  readonly #window: Window;
  #recalling = false;
  #stopped = false;
  readonly #life = new LifeSigns();
  #answered = 0;

  constructor(link: WorkerLink, options: WorkerOptions, events: WorkerEvents) {
    this.#link = link;
    this.#options = options;
    this.#events = events;
    this.#writer = new FrameWriter((buffers) => link.write(buffers), setImmediate);
    this.#nudger = new Nudger(this.#writer, () => link.nudge());
    this.#window = new Window((jobs) => events.onRecalled(jobs));
    this.#deadlines = new Deadlines(options.timeoutMs, this.#begun, {
      onExpired: (job) => {
        job.reject(new ScoreTimeoutError(options.timeoutMs));
        this.#interrupt(job, "deadline");
      },
      askForLife: () => this.recall(),
      onHopeless: () => link.kill(),
    });
  }

  /** Requests answered so far. */
  get answered(): number {
    return this.#answered;
  }

  get unanswered(): number {
    return this.#begun.size + this.#window.length;
  }

  /** True when a request sent now would be begun at once. */
  get isIdle(): boolean {
    return this.#isOpen && this.#begun.size < this.#options.concurrency && this.#window.length === 0;
  }

  /** True when a request of so many bytes may wait in its pipe. */
  hasWindow(bytes: number): boolean {
    return this.#window.hasRoom(bytes) && this.#isOpen && !this.#recalling;
  }

  get #isOpen(): boolean {
    return !this.#deadlines.isHung && !this.#stopped;
  }

  get hasWaiting(): boolean {
    return this.#window.length > 0;
  }

  /** True when requests wait in its pipe behind others that were begun `ms` milliseconds ago or earlier. */
  isStuckFor(ms: number, now: number): boolean {
    if (this.#recalling || !this.#window.hasWaited(ms, now)) return false;
    return [...this.#begun.values()].every(({ begunAt }) => now - begunAt >= ms);
  }

  /** True while its script runs for nobody: the request was answered, or its client has left. */
  get runsOn(): boolean {
    return [...this.#begun.values()].some(({ interrupted }) => interrupted);
  }

  /** Ends it although it may be busy, unless somebody still waits for an answer from it. */
  killIfUseless(): void {
    for (const job of this.#begun.values()) if (!job.interrupted) return;
    this.#stopped = true;
    this.#link.kill();
  }

  /** Sends a request, to be begun at once where there is room, else to wait in the pipe. */
  send(job: Job): void {
    const now = performance.now();
    job.id = this.#events.newId();
    job.holder = this;
    job.leaseEndsAt = 0;
    let beginBy = 0;
    if (this.unanswered < this.#options.concurrency) this.#begin(job, now);
    else beginBy = this.#window.add(job, now);
    this.#window.bytes += job.bytes;
    const { body } = job.call;
    if (takesBodyAlone(this.#options)) this.#writer.send(Frame.RUN, job.id, body, undefined, beginBy);
    else this.#writer.send(Frame.RUN_META, job.id, body, metaPrefix(runMeta(job.call, this.#options)), beginBy);
    // A worker with nothing else to do need not wait for what else this turn may bring.
    if (this.unanswered === 1) this.#writer.flush();
  }

  /** Asks for the requests it has not begun: another worker has nothing to do. */
  recall(): void {
    this.#recalling = true;
    this.#window.shut();
    this.#writer.send(Frame.RECALL, 0);
    this.#nudger.nudge(() => this.#recalling);
  }

  /** Handles one frame that the ready worker sent. @throws FrameError when it makes no sense */
  receive(type: number, id: number, payload: Buffer): void {
    if (type === Frame.BEGUN) {
      this.#hasBegun(id);
      return;
    }
    if (type === Frame.RECALLED) {
      this.#recalled(readIds(payload));
      return;
    }
    const job = expectBegun(this.#begun.get(id), type, id);
    switch (type) {
      case Frame.RESULT: {
        expectNoStream(job, type);
        const { body, execMs } = readResult(payload);
        this.#window.ran(execMs);
        // Name by name: to spread the outcome made a request 6 µs longer.
        job.resolve({ kind: "json", body, execMs, queueMs: job.queueMs, worker: this.#link.pid });
        this.#end(job, "ok", execMs);
        return;
      }
      case Frame.RESPONSE:
        expectNoStream(job, type);
        this.#respond(job, payload);
        return;
      case Frame.CHUNK: {
        const stream = expectStream(job, type);
        if (!stream.push(payload)) throw new FrameError("ERR_FRAME", `a worker sent more of a stream than its credit`);
        this.#sendHead(job);
        return;
      }
      case Frame.END: {
        const stream = expectStream(job, type);
        this.#sendHead(job);
        stream.end();
        this.#end(job, "ok");
        return;
      }
      case Frame.ERROR: {
        const error = readError(payload, this.#options.timeoutMs);
        job.stream?.end(error);
        if (job.expired && error.report !== undefined) this.#events.onInterrupted(error.report);
        job.reject(error);
        this.#end(job, endOf(error.code));
        return;
      }
      default:
        throw new FrameError("ERR_FRAME", `a ready worker sent a frame of unknown type ${type}`);
    }
  }

  /** The process has ended, and all that it wrote has been received: fails what it had begun, and returns what it had not,
   *  in order. */
  exited(error: WorkerExitError): Job[] {
    this.#stopped = true;
    this.#deadlines.stop();
    for (const job of this.#begun.values()) {
      job.stream?.end(error);
      // Each of its own, for it says how long its run() took.
      job.reject(new WorkerExitError(error.code, error.message, error));
      this.#tellEnd(job, "worker_exit");
    }
    this.#begun.clear();
    return this.#window.takeAll();
  }

  /** Lets it finish what it has, then exit. */
  stop(): void {
    this.#stopped = true;
    this.#writer.send(Frame.STOP, 0);
    this.#writer.flush();
  }

  /** Gives it nothing more, and takes back what waits in its pipe. */
  retire(): void {
    this.#stopped = true;
    if (this.hasWaiting) this.recall();
  }

  /** Asks it for a sign of life, which a request that it gets meanwhile is, too. @returns false: there was none in time */
  showsLife(withinMs: number): Promise<boolean> {
    this.#writer.send(Frame.RECALL, 0);
    return this.#life.within(withinMs, () => this.unanswered > 0 || this.#stopped);
  }

  #begin(job: Job, now: number): void {
    job.begunAt = now;
    job.ranFrom = now;
    job.queueMs = now - job.queuedAt;
    job.worker = this.#link.pid;
    job.room?.leave(job);
    this.#begun.set(job.id, job);
    this.#deadlines.arm();
    this.#events.onBegun?.(job);
  }

  /** BEGUN. One for an unknown id is about a request that was taken back, which the worker is about to find out. */
  #hasBegun(id: number): void {
    const job = this.#window.take(id);
    if (job === undefined) return;
    this.#begin(job, performance.now());
    if (this.#begun.size > this.#options.concurrency) {
      throw new FrameError("ERR_FRAME", `a worker has begun ${this.#begun.size} requests at a time`);
    }
    // Its client left, or it had waited for too long, while BEGUN was on its way.
    if (job.settled) this.givenUp(job);
  }

  #respond(job: Job, payload: Buffer): void {
    const { meta, body } = readResponse(payload);
    const { status, headers, execMs, fromScript } = meta;
    const { queueMs } = job;
    const worker = this.#link.pid;
    this.#window.ran(execMs);
    if (!meta.stream) {
      job.resolve({ kind: "response", status, headers, body, execMs, fromScript, queueMs, worker });
      this.#end(job, "ok", execMs);
      return;
    }
    job.streaming = true;
    job.stream = new ChunkStream(
      STREAM_CREDIT_BYTES,
      (bytes) => this.#writer.send(Frame.CREDIT, job.id, creditPayload(bytes)),
      () => this.#abandon(job),
    );
    if (job.settled) void job.stream.return();
    else job.head = { kind: "response", status, headers, body: job.stream, execMs, fromScript, queueMs, worker };
  }

  /** Answers with a stream whose first chunk has come, or that has none. */
  #sendHead(job: Job): void {
    const { head } = job;
    if (head === undefined) return;
    job.head = undefined;
    if (job.settled) void job.stream?.return();
    else job.resolve(head);
  }

  /** A stream that nobody reads any more comes under the scoring deadline again: its script may not heed the interrupt. */
  #abandon(job: Job): void {
    this.#applyDeadline(job);
    this.#interrupt(job, "client-gone");
  }

  #applyDeadline(job: Job): void {
    job.streaming = false;
    job.begunAt = performance.now();
    this.#deadlines.arm();
  }

  #end(job: Job, end: RunEnd, runMs?: number): void {
    this.#tellEnd(job, end, runMs);
    this.#begun.delete(job.id);
    this.#answered++;
    this.#window.bytes -= job.bytes;
    this.#deadlines.ended();
    if (!this.#deadlines.isHung) this.#events.onFree();
  }

  /** What its client got counts, whatever came of the script later. */
  #tellEnd(job: Job, end: RunEnd, runMs?: number): void {
    this.#events.onEnded?.(job, job.cutShort ?? end, runMs ?? performance.now() - job.ranFrom);
  }

  /** Nobody waits for a request any more: stops it, or has it given back unrun. */
  givenUp(job: Job): void {
    if (this.#begun.get(job.id) !== job) {
      this.#writer.send(Frame.RECALL, job.id);
      this.#nudger.nudgeSoon(() => this.#window.includes(job));
      return;
    }
    if (job.streaming) this.#applyDeadline(job);
    const { reason } = job.call.signal ?? {};
    if (reason instanceof DeadlineError) {
      this.#interrupt(job, "deadline", reason.limitMs);
      this.#deadlines.endSoon(job);
    } else this.#interrupt(job, "client-gone");
  }

  #interrupt(job: Job, reason: InterruptReason, timeoutMs = this.#options.timeoutMs): void {
    job.interrupted = true;
    job.cutShort ??= reason === "deadline" ? "timeout" : "interrupted";
    this.#writer.send(Frame.INTERRUPT, job.id, jsonPayload({ reason, timeoutMs }));
    this.#nudger.nudge(() => this.#begun.get(job.id) === job);
  }

  #recalled(ids: readonly number[]): void {
    this.#recalling = false;
    this.#deadlines.showsLife();
    this.#life.show();
    const back: Job[] = [];
    for (const id of ids) {
      const job = this.#window.take(id) ?? this.#takeUnrun(id);
      if (job === undefined) continue;
      this.#window.bytes -= job.bytes;
      back.push(job);
    }
    this.#events.onRecalled(back);
  }

  /** A request that was said to have begun, and whose lease was over before it could be run. */
  #takeUnrun(id: number): Job | undefined {
    const job = this.#begun.get(id);
    if (job === undefined) return undefined;
    if (job.leaseEndsAt === 0) {
      throw new FrameError("ERR_FRAME", `a worker gave back request ${id}, which it was to begin at once`);
    }
    this.#begun.delete(id);
    job.ranFrom = 0;
    return job;
  }
}
