import { OverloadError, type ScoreError } from "../errors.ts";
import { timerMs } from "../timer.ts";
import type { Job } from "./job.ts";
import type { Room, Waiter } from "./pending.ts";

/** What a client is told to wait before it comes back, in seconds. */
export const RETRY_AFTER_SECONDS = 1;

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
export class WaitingRoom implements Room {
  readonly #options: QueueOptions;
  readonly #onLeft: () => void;
  /** In the order in which they came. */
  #waiting = new Set<Waiter>();
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
    return this.#waiting.size;
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
    const { size } = this.#waiting;
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
    this.#add(waiter);
    return true;
  }

  /** It has begun, or is wanted no longer. */
  leave(waiter: Waiter): void {
    if (!this.#waiting.delete(waiter)) return;
    waiter.room = undefined;
    this.#bytes -= waiter.bytes;
  }

  /** Puts a request that waits at the end of the queue. */
  push(job: Job): void {
    job.onGivenUp = () => this.#forget(job);
    this.#queue.push(job);
  }

  /** Puts requests that have waited before at the head, in order, whatever room there is. */
  putBack(jobs: readonly Job[]): void {
    const alive = jobs.filter((job) => !job.settled);
    for (const job of alive) {
      job.onGivenUp = () => this.#forget(job);
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

  #add(waiter: Waiter): void {
    this.#waiting.add(waiter);
    waiter.room = this;
    this.#bytes += waiter.bytes;
    this.#armTimer();
  }

  /** For a request that came before all others and was said to have begun; rare, so it may cost. */
  #addFirst(waiter: Waiter): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const others = [...this.#waiting];
    this.#waiting = new Set();
    this.#add(waiter);
    for (const other of others) this.#waiting.add(other);
  }

  #forget(job: Job): void {
    const index = this.#queue.indexOf(job);
    if (index >= 0) this.#queue.splice(index, 1);
    this.#onLeft();
  }

  #armTimer(): void {
    const { queueTimeoutMs } = this.#options;
    if (queueTimeoutMs === 0 || this.#timer !== undefined) return;
    const first = this.#waiting.values().next().value;
    if (first === undefined) return;
    const waitMs = Math.max(0, first.queuedAt + queueTimeoutMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const oldest = performance.now() - queueTimeoutMs;
      for (const waiter of this.#waiting) {
        if (waiter.queuedAt > oldest) break;
        waiter.giveUp(overload(`No worker was free within ${queueTimeoutMs} ms; try again later.`));
      }
      this.#armTimer();
    }, timerMs(waitMs)).unref();
  }
}

function overload(message: string): OverloadError {
  return new OverloadError("ERR_OVERLOAD", message, RETRY_AFTER_SECONDS);
}
