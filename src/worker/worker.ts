import {
  BadInputError,
  DeadlineError,
  FrameError,
  ResultError,
  ScoreTimeoutError,
  ScriptRunError,
  type WorkerExitError,
} from "../errors.ts";
import { timerMs } from "../timer.ts";
import type { ErrorReport, RunOutcome, ScriptTakes } from "../types.ts";
import { ChunkStream } from "./chunk-stream.ts";
import { FrameWriter } from "./frame.ts";
import type { Job } from "./job.ts";
import {
  creditPayload,
  Frame,
  type InterruptReason,
  jsonPayload,
  metaPrefix,
  parseJson,
  type ResponseMeta,
  type RunError,
  type RunMeta,
  splitMeta,
} from "./protocol.ts";

/** Requests that may wait in the pipe behind those begun, while the script is quick: waking a process costs more than
 *  a short run(), and 16 waiting requests make the wake-ups rare. */
export const WINDOW_REQUESTS = 16;

/** Bytes of bodies that may wait in the pipe: less than a socket buffer, so that an INTERRUPT is never stuck behind. */
export const WINDOW_BYTES = 65_536;

/** The window is open while the moving average of run()'s time stays below so many milliseconds. */
export const WINDOW_RUN_MS = 1;

/** How long an interrupted run() may take to come back before its worker is killed, in milliseconds. */
export const INTERRUPT_GRACE_MS = 2_000;

/** A signal that comes just before a blocking call is not noticed until that call is over (seen: 1 in 1000), so a worker
 *  that did not react is nudged again after so many milliseconds. */
const NUDGE_AGAIN_MS = [50, 500];

/** Weight of the newest run() in the moving average. */
const AVERAGE_WEIGHT = 0.25;

/** What a worker needs of its process. */
export interface WorkerLink {
  /** Hands the bytes of one turn to the pipe. */
  write(buffers: readonly Uint8Array[]): void;
  /** Makes a synchronous script look at its pipe. */
  nudge(): void;
  /** Ends the process at once. */
  kill(): void;
}

export interface WorkerOptions {
  readonly takes: ScriptTakes;
  /** Requests begun at a time. */
  readonly concurrency: number;
  /** Limit of one run() in milliseconds; 0: none. */
  readonly timeoutMs: number;
}

/** What the worker tells the pool. */
export interface WorkerEvents {
  /** It has room for another request. */
  onFree(): void;
  /** It gives these back, in order; it had not begun them. */
  onRecalled(jobs: Job[]): void;
  /** A run() that was interrupted at its deadline came back, long answered; the report tells where it was. */
  onInterrupted(report: ErrorReport): void;
}

/** The front's view of one ready worker: which requests it has begun, which wait in its pipe, their deadlines and
 *  answers. Knows no process: bytes come in through `feed` and go out through the link. */
export class Worker {
  readonly #link: WorkerLink;
  readonly #options: WorkerOptions;
  readonly #events: WorkerEvents;
  readonly #writer: FrameWriter;
  readonly #begun = new Map<number, Job>();
  readonly #streams = new Map<number, ChunkStream>();
  /** Streamed answers whose first chunk has not come: a script that fails before it can still be answered 500. */
  readonly #heads = new Map<number, RunOutcome>();
  #ahead: Job[] = [];
  #pipeBytes = 0;
  /** Moving average of run()'s time; infinite until the first answer, so that the window starts closed. */
  #averageMs = Number.POSITIVE_INFINITY;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #recalling = false;
  /** An interrupted run() did not come back in time: no more requests for this worker, and its end, unless it does. */
  #hung = false;
  #stopped = false;
  #answered = 0;

  constructor(link: WorkerLink, options: WorkerOptions, events: WorkerEvents) {
    this.#link = link;
    this.#options = options;
    this.#events = events;
    this.#writer = new FrameWriter((buffers) => link.write(buffers), setImmediate);
  }

  /** Requests answered so far. */
  get answered(): number {
    return this.#answered;
  }

  get unanswered(): number {
    return this.#begun.size + this.#ahead.length;
  }

  /** True when a request sent now would be begun at once. */
  get isIdle(): boolean {
    return this.#isOpen && this.#begun.size < this.#options.concurrency && this.#ahead.length === 0;
  }

  /** True when a request of so many bytes may wait in its pipe. */
  hasWindow(bytes: number): boolean {
    return (
      this.#averageMs < WINDOW_RUN_MS &&
      this.#ahead.length < WINDOW_REQUESTS &&
      this.#pipeBytes + bytes <= WINDOW_BYTES &&
      this.#isOpen &&
      !this.#recalling
    );
  }

  get #isOpen(): boolean {
    return !this.#hung && !this.#stopped;
  }

  /** True when requests wait in its pipe behind one that was begun `ms` milliseconds ago or earlier. */
  isStuckFor(ms: number, now: number): boolean {
    if (this.#ahead.length === 0 || this.#recalling) return false;
    for (const job of this.#begun.values()) if (now - job.begunAt < ms) return false;
    return true;
  }

  /** True while its script runs for nobody: the request was answered, or its client has left. */
  get runsOn(): boolean {
    for (const job of this.#begun.values()) if (job.interrupted) return true;
    return false;
  }

  /** Ends it although it may be busy, unless somebody still waits for an answer from it. */
  killIfUseless(): void {
    for (const job of this.#begun.values()) if (!job.interrupted) return;
    this.#stopped = true;
    this.#link.kill();
  }

  get hasWaiting(): boolean {
    return this.#ahead.length > 0;
  }

  send(job: Job): void {
    const { call } = job;
    job.onCancel = this.#cancel;
    this.#pipeBytes += call.body.length;
    if (this.#begun.size < this.#options.concurrency) this.#begin(job, performance.now());
    else this.#ahead.push(job);
    if (this.#options.takes === "body") this.#writer.send(Frame.RUN, job.id, call.body);
    else this.#writer.send(Frame.RUN_META, job.id, call.body, metaPrefix(this.#meta(job)));
    // A worker with nothing else to do need not wait for what else this turn may bring.
    if (this.unanswered === 1) this.#writer.flush();
  }

  /** Asks for the requests it has not begun: another worker has nothing to do. */
  recall(): void {
    this.#recalling = true;
    this.#writer.send(Frame.RECALL, 0);
    this.#nudge(() => this.#recalling);
  }

  /** Handles one frame that the ready worker sent. @throws FrameError when it makes no sense */
  receive(type: number, id: number, payload: Buffer): void {
    if (type === Frame.RECALLED) {
      this.#recalled(parseJson<{ ids: number[] }>(payload).ids);
      return;
    }
    const job = this.#begun.get(id);
    if (job === undefined)
      throw new FrameError("ERR_FRAME", `frame ${type} answers request ${id}, which has not begun`);
    switch (type) {
      case Frame.RESULT: {
        const execMs = payload.readDoubleLE(0);
        this.#ran(execMs);
        job.resolve({ kind: "json", body: payload.subarray(8), execMs });
        this.#end(job);
        return;
      }
      case Frame.RESPONSE: {
        const { meta, body } = splitMeta<ResponseMeta>(payload);
        this.#ran(meta.execMs);
        const { status, headers, execMs, fromScript } = meta;
        if (!meta.stream) {
          job.resolve({ kind: "response", status, headers, body, execMs, fromScript });
          this.#end(job);
          return;
        }
        job.streaming = true;
        const stream = new ChunkStream(
          (bytes) => this.#writer.send(Frame.CREDIT, id, creditPayload(bytes)),
          () => this.#abandon(job),
        );
        this.#streams.set(id, stream);
        if (job.settled) void stream.return();
        else this.#heads.set(id, { kind: "response", status, headers, body: stream, execMs, fromScript });
        return;
      }
      case Frame.CHUNK:
        this.#streams.get(id)?.push(payload);
        this.#sendHead(job);
        return;
      case Frame.END:
        this.#sendHead(job);
        this.#streams.get(id)?.end();
        this.#end(job);
        return;
      case Frame.ERROR: {
        const error = toError(parseJson<RunError>(payload), this.#options.timeoutMs);
        this.#streams.get(id)?.end(error);
        if (job.expired && error.report !== undefined) this.#events.onInterrupted(error.report);
        job.reject(error);
        this.#end(job);
        return;
      }
      default:
        throw new FrameError("ERR_FRAME", `a ready worker sent a frame of unknown type ${type}`);
    }
  }

  /** The process has ended: fails what it had begun, and returns what it had not, in order. */
  exited(error: WorkerExitError): Job[] {
    this.#stopped = true;
    clearTimeout(this.#deadlineTimer);
    for (const job of this.#begun.values()) {
      this.#streams.get(job.id)?.end(error);
      job.reject(error);
    }
    this.#begun.clear();
    this.#streams.clear();
    this.#heads.clear();
    return this.#takeAhead();
  }

  /** Lets it finish what it has, then exit. */
  stop(): void {
    this.#stopped = true;
    this.#writer.send(Frame.STOP, 0);
    this.#writer.flush();
  }

  #meta(job: Job): RunMeta {
    const { headers, requestId, method, path, query, remoteAddress } = job.call;
    if (this.#options.takes !== "request") return { headers, requestId };
    return { headers, requestId, method, path, query, ...(remoteAddress !== undefined && { remoteAddress }) };
  }

  #begin(job: Job, now: number): void {
    job.begunAt = now;
    this.#begun.set(job.id, job);
    this.#armDeadline();
  }

  #armDeadline(): void {
    const { timeoutMs } = this.#options;
    if (timeoutMs > 0 && this.#deadlineTimer === undefined) {
      this.#deadlineTimer = setTimeout(this.#checkDeadlines, timerMs(timeoutMs));
    }
  }

  /** Answers with a stream whose first chunk has come, or that has none. */
  #sendHead(job: Job): void {
    const head = this.#heads.get(job.id);
    if (head === undefined) return;
    this.#heads.delete(job.id);
    if (job.settled) void this.#streams.get(job.id)?.return();
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
    this.#armDeadline();
  }

  #ran(execMs: number): void {
    const slow = execMs >= WINDOW_RUN_MS || this.#averageMs === Number.POSITIVE_INFINITY;
    this.#averageMs = slow ? execMs : this.#averageMs + AVERAGE_WEIGHT * (execMs - this.#averageMs);
  }

  #end(job: Job): void {
    this.#begun.delete(job.id);
    this.#streams.delete(job.id);
    this.#heads.delete(job.id);
    this.#answered++;
    this.#pipeBytes -= job.call.body.length;
    const next = this.#ahead.shift();
    if (next !== undefined) this.#begin(next, performance.now());
    if (this.#hung) this.#killIfHopeless();
    if (this.#isOpen) this.#events.onFree();
  }

  // One timer for all deadlines, looked at when it fires: arming one per request costs more than the request.
  readonly #checkDeadlines = (): void => {
    const { timeoutMs } = this.#options;
    const now = performance.now();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const job of this.#begun.values()) {
      if (job.streaming || job.expired) continue;
      const leftMs = job.begunAt + timeoutMs - now;
      if (leftMs <= 0) this.#expire(job);
      else nextMs = Math.min(nextMs, leftMs);
    }
    this.#deadlineTimer =
      nextMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(this.#checkDeadlines, timerMs(nextMs));
  };

  #expire(job: Job): void {
    job.expired = true;
    job.reject(new ScoreTimeoutError(this.#options.timeoutMs));
    this.#interrupt(job, "deadline");
    setTimeout(() => {
      if (!this.#begun.has(job.id)) return;
      this.#hung = true;
      this.#killIfHopeless();
    }, INTERRUPT_GRACE_MS);
  }

  /** Kills a hung worker as soon as nobody can get an answer from it any more; forgives one that came back. */
  #killIfHopeless(): void {
    const begun = [...this.#begun.values()];
    if (!begun.some((job) => job.expired)) this.#hung = false;
    else if (begun.every((job) => job.expired)) this.#link.kill();
  }

  readonly #cancel = (job: Job): void => {
    if (!this.#begun.has(job.id)) return;
    if (job.streaming) this.#applyDeadline(job);
    const { reason } = job.call.signal ?? {};
    if (reason instanceof DeadlineError) this.#interrupt(job, "deadline", reason.limitMs);
    else this.#interrupt(job, "client-gone");
  };

  #interrupt(job: Job, reason: InterruptReason, timeoutMs = this.#options.timeoutMs): void {
    job.interrupted = true;
    this.#writer.send(Frame.INTERRUPT, job.id, jsonPayload({ reason, timeoutMs }));
    this.#nudge(() => this.#begun.get(job.id) === job);
  }

  /** Sends what it should see at once and wakes it, again while it `isDeaf`. */
  #nudge(isDeaf: () => boolean): void {
    this.#writer.flush();
    this.#link.nudge();
    for (const ms of NUDGE_AGAIN_MS) setTimeout(() => isDeaf() && this.#link.nudge(), ms).unref();
  }

  #recalled(ids: readonly number[]): void {
    this.#recalling = false;
    const given = new Set(ids);
    const back = this.#ahead.filter((job) => given.has(job.id));
    this.#ahead = this.#ahead.filter((job) => !given.has(job.id));
    for (const job of back) this.#pipeBytes -= job.call.body.length;
    this.#events.onRecalled(back);
  }

  #takeAhead(): Job[] {
    const back = this.#ahead;
    this.#ahead = [];
    return back;
  }
}

function toError({ kind, error: report }: RunError, timeoutMs: number) {
  switch (kind) {
    case "input":
      return new BadInputError("ERR_BAD_INPUT", report.message, { report });
    case "result":
      return new ResultError("ERR_RESULT", report.message, { report });
    case "interrupted":
      return new ScoreTimeoutError(timeoutMs, { report });
    default:
      return new ScriptRunError("ERR_SCRIPT_RUN", `${report.type}: ${report.message}`, { report });
  }
}
