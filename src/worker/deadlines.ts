import { timerMs } from "../timer.ts";
import type { Job } from "./job.ts";

/** The scoring deadlines of what one worker has begun. One timer for all of them, looked at when it fires: arming one per
 *  request costs more than the request. */
export class Deadlines {
  readonly #timeoutMs: number;
  readonly #begun: ReadonlyMap<number, Job>;
  readonly #onExpired: (job: Job) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param timeoutMs limit of one run() in milliseconds; 0: none
   *  @param begun what the worker has begun, by id */
  constructor(timeoutMs: number, begun: ReadonlyMap<number, Job>, onExpired: (job: Job) => void) {
    this.#timeoutMs = timeoutMs;
    this.#begun = begun;
    this.#onExpired = onExpired;
  }

  /** Something has begun. */
  arm(): void {
    if (this.#timeoutMs > 0 && this.#timer === undefined) {
      this.#timer = setTimeout(this.#check, timerMs(this.#timeoutMs));
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #check = (): void => {
    const now = performance.now();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const job of this.#begun.values()) {
      if (job.streaming || job.expired) continue;
      const leftMs = job.begunAt + this.#timeoutMs - now;
      if (leftMs <= 0) this.#onExpired(job);
      else nextMs = Math.min(nextMs, leftMs);
    }
    this.#timer = nextMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(this.#check, timerMs(nextMs));
  };
}
