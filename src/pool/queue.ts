import { OverloadError, type ScoreError } from "../core/errors.ts";
import { afterReading, timerMs } from "../core/timer.ts";
import type { Job } from "./job.ts";
import type { Holder, Room, Waiter } from "./pending.ts";

export interface QueueOptions {
  /** Requests that may wait for a worker. */
  readonly maxQueue: number;
  /** Bytes of bodies that may wait for a worker; 0: no bound. */
  readonly maxQueueBytes: number;
  /** Milliseconds a request may wait for a worker; 0: no bound. */
  readonly queueTimeoutMs: number;
}

/** All requests that wait, for the script to load or for a worker, in the queue or in a worker's pipe: the one place that
 *  knows how many may, and for how long. Those in the queue are kept in order. */
export class WaitingRoom implements Room, Holder<Job> {
  readonly #options: QueueOptions;
  readonly #onLeft: () => void;
  /** Ends of a list in the order in which they came: its links are the requests' own, so that waiting allocates nothing. */
  #first: Waiter | undefined;
  #last: Waiter | undefined;
  #size = 0;
  #bytes = 0;
  #queue: Job[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param onLeft called when a queued request is wanted no longer */
  constructor(options: QueueOptions, onLeft: () => void) {
    this.#options = options;
    this.#onLeft = onLeft;
  }

  /** Requests that wait, wherever. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of their bodies. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Requests in the queue. */
  get length(): number {
    return this.#queue.length;
  }

  get first(): Job | undefined {
    return this.#queue[0];
  }

  /** Why one more request with so many bytes could not wait. One body alone may be of any size: it could never be served
   *  otherwise. */
  refusal(bytes: number): OverloadError | undefined {
    const { maxQueue, maxQueueBytes } = this.#options;
    const size = this.#size;
    if (size >= maxQueue) return overload(`${size} requests are waiting already; try again later.`);
    if (maxQueueBytes > 0 && this.#bytes > 0 && this.#bytes + bytes > maxQueueBytes) {
      return overload(`${this.#bytes} bytes of requests are waiting already; try again later.`);
    }
    return undefined;
  }

  /** Lets a request wait, unless there is no room: then it is rejected. @returns whether it waits */
  enter(waiter: Waiter): boolean {
    const refusal = this.refusal(waiter.bytes);
    if (refusal !== undefined) {
      waiter.reject(refusal);
      return false;
    }
    this.#insert(waiter, this.#last);
    this.#armTimer();
    return true;
  }

  /** It has begun, or is wanted no longer. */
  leave(waiter: Waiter): void {
    if (waiter.room !== this) return;
    const { previous, next } = waiter;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    waiter.previous = undefined;
    waiter.next = undefined;
    waiter.room = undefined;
    this.#size--;
    this.#bytes -= waiter.bytes;
  }

  /** Puts a request that waits at the end of the queue. */
  push(job: Job): void {
    job.holder = this;
    this.#queue.push(job);
  }

  /** Puts requests that have waited before at the head, in order, whatever room there is. */
  putBack(jobs: readonly Job[]): void {
    const alive = jobs.filter((job) => !job.settled);
    for (const job of alive) {
      job.holder = this;
      if (job.room === undefined) this.#addFirst(job);
    }
    this.#queue.unshift(...alive);
  }

  shift(): Job | undefined {
    return this.#queue.shift();
  }

  /** Rejects what is in the queue. */
  rejectAll(error: ScoreError): void {
    const jobs = this.#queue;
    this.#queue = [];
    for (const job of jobs) job.reject(error);
  }

  /** It came before all others, and was said to have begun. */
  #addFirst(waiter: Waiter): void {
    this.#insert(waiter, undefined);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armTimer();
  }

  #insert(waiter: Waiter, previous: Waiter | undefined): void {
    const next = previous === undefined ? this.#first : previous.next;
    waiter.previous = previous;
    waiter.next = next;
    if (previous === undefined) this.#first = waiter;
    else previous.next = waiter;
    if (next === undefined) this.#last = waiter;
    else next.previous = waiter;
    waiter.room = this;
    this.#size++;
    this.#bytes += waiter.bytes;
  }

  /** A queued request is wanted no longer. */
  givenUp(job: Job): void {
    const index = this.#queue.indexOf(job);
    if (index >= 0) this.#queue.splice(index, 1);
    this.#onLeft();
  }

  #armTimer(): void {
    const { queueTimeoutMs } = this.#options;
    if (queueTimeoutMs === 0 || this.#timer !== undefined) return;
    const first = this.#first;
    if (first === undefined) return;
    const waitMs = Math.max(0, first.queuedAt + queueTimeoutMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // A process that was held up has yet to read that they have begun: see `afterReading`.
      afterReading(() => this.#endWaits(queueTimeoutMs));
    }, timerMs(waitMs)).unref();
  }

  #endWaits(queueTimeoutMs: number): void {
    const oldest = performance.now() - queueTimeoutMs;
    for (let waiter = this.#first; waiter !== undefined && waiter.queuedAt <= oldest; waiter = this.#first) {
      this.leave(waiter);
      waiter.giveUp(overload(`No worker was free within ${queueTimeoutMs} ms; try again later.`));
    }
    this.#armTimer();
  }
}

function overload(message: string): OverloadError {
  return new OverloadError("ERR_OVERLOAD", message);
}
