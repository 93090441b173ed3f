import type { ScoreError } from "../core/errors.ts";
import type { RunEnd } from "../core/events.ts";
import type { RunCall, RunOutcome } from "../core/types.ts";
import type { ChunkStream } from "./chunk-stream.ts";
import { Pending } from "./pending.ts";

/** One request on its way through queue, pipe and worker. */
export class Job extends Pending<RunOutcome> {
  readonly call: RunCall;
  /** Its number on the wire: a new one each time it is sent. */
  id = 0;
  /** Until when it may wait in the pipe it was sent to, on the clock of `performance.now()`. */
  leaseEndsAt = 0;
  /** When the worker began it, or began to count as having begun it; 0 before that. */
  begunAt = 0;
  /** As `begunAt`, whatever deadlines it has come under since; 0 again when it is given back unrun. */
  ranFrom = 0;
  /** How long it had waited by then, in milliseconds. */
  queueMs = 0;
  /** Process id of the worker that began it. */
  worker: number | undefined;
  /** True once its answer streams: the scoring deadline no longer applies (contract OUT-6). */
  streaming = false;
  /** True once its deadline has passed and the worker was interrupted. */
  expired = false;
  /** True once the worker was told to give it up; it runs on until the worker says that it has. */
  interrupted = false;
  /** Why it was told so first, which is what its client has seen. */
  cutShort: RunEnd | undefined;
  /** Its streamed answer. */
  stream: ChunkStream | undefined;
  /** The streamed answer until its first chunk comes: a script that fails before it can still be answered 500. */
  head: RunOutcome | undefined;

  constructor(call: RunCall, now: number) {
    super(call.body.length, call.signal, now);
    this.call = call;
  }

  override reject(error: ScoreError): void {
    if (!this.settled && this.ranFrom > 0) {
      const { queueMs, worker } = this;
      error.ran = { execMs: performance.now() - this.ranFrom, queueMs, worker };
    }
    super.reject(error);
  }
}

/** Numbers for requests on the wire. None is that of a request that is under way. */
export function createIds(): () => number {
  let last = 0;
  return () => {
    last = last === 0xffff_ffff ? 1 : last + 1;
    return last;
  };
}
