import { OverloadError, type ScoreError } from "../errors.ts";
import { timerMs } from "../timer.ts";
import type { Job } from "./job.ts";

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

/** Requests that wait for a worker, in order, each for a bounded time. */
export class JobQueue {
  readonly #options: QueueOptions;
  readonly #onLeft: () => void;
  #jobs: Job[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param onLeft called when a client has left while its request was waiting */
  constructor(options: QueueOptions, onLeft: () => void) {
    this.#options = options;
    this.#onLeft = onLeft;
  }

  get length(): number {
    return this.#jobs.length;
  }

  get first(): Job | undefined {
    return this.#jobs[0];
  }

  /** Puts a request at the end; turns it away when there is no room. */
  push(job: Job): void {
    if (this.#jobs.length >= this.#options.maxQueue) {
      job.reject(overload(`${this.#jobs.length} requests are waiting already; try again later.`));
      return;
    }
    job.onCancel = this.#forget;
    this.#jobs.push(job);
    this.#armTimer();
  }

  /** Puts requests that have waited before at the head, in order, whatever room there is. */
  putBack(jobs: readonly Job[]): void {
    const alive = jobs.filter((job) => !job.settled);
    for (const job of alive) job.onCancel = this.#forget;
    this.#jobs.unshift(...alive);
    this.#armTimer();
  }

  shift(): Job | undefined {
    return this.#jobs.shift();
  }

  rejectAll(error: ScoreError): void {
    const jobs = this.#jobs;
    this.#jobs = [];
    for (const job of jobs) job.reject(error);
  }

  readonly #forget = (job: Job): void => {
    const index = this.#jobs.indexOf(job);
    if (index >= 0) this.#jobs.splice(index, 1);
    this.#onLeft();
  };

  #armTimer(): void {
    const { queueTimeoutMs } = this.#options;
    const first = this.#jobs[0];
    if (queueTimeoutMs === 0 || first === undefined || this.#timer !== undefined) return;
    const waitMs = Math.max(0, first.queuedAt + queueTimeoutMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const oldest = performance.now() - queueTimeoutMs;
      while (this.#jobs.length > 0 && this.#jobs[0]!.queuedAt <= oldest) {
        this.#jobs.shift()!.reject(overload(`No worker was free within ${queueTimeoutMs} ms; try again later.`));
      }
      this.#armTimer();
    }, timerMs(waitMs));
  }
}

function overload(message: string): OverloadError {
  return new OverloadError("ERR_OVERLOAD", message, RETRY_AFTER_SECONDS);
}
