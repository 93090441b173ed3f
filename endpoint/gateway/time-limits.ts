import { DeadlineError } from "../../src/host.ts";

/** Longest time setTimeout takes, in milliseconds. */
const MAX_TIMER_MS = 0x7fff_ffff;

/** Something whose time is limited. */
export interface Limited {
  /** On the clock of `performance.now()`, in milliseconds. */
  readonly dueAt: number;
  readonly limitMs: number;
  expire(error: DeadlineError): void;
}

/** Ends what takes too long. One timer for all: one for each request would cost more than the rest of the gateway. */
export class TimeLimits {
  readonly #running = new Set<Limited>();
  #timer: NodeJS.Timeout | undefined;
  #firesAt = Number.POSITIVE_INFINITY;

  add(limited: Limited): void {
    this.#running.add(limited);
    if (limited.dueAt < this.#firesAt) this.#arm(limited.dueAt);
  }

  delete(limited: Limited): void {
    this.#running.delete(limited);
  }

  #arm(dueAt: number): void {
    clearTimeout(this.#timer);
    this.#firesAt = dueAt;
    const ms = Math.min(Math.max(0, Math.ceil(dueAt - performance.now())), MAX_TIMER_MS);
    this.#timer = setTimeout(this.#fire, ms);
    // Who waits for an answer keeps the process; a limit need not.
    this.#timer.unref();
  }

  // Between a timer and an immediate the event loop reads what has come in, so that a process that stood still takes no
  // answer for late that was there in time.
  readonly #fire = (): void => {
    setImmediate(this.#expire);
  };

  readonly #expire = (): void => {
    const now = performance.now();
    let nextAt = Number.POSITIVE_INFINITY;
    for (const limited of this.#running) {
      if (limited.dueAt > now) {
        nextAt = Math.min(nextAt, limited.dueAt);
        continue;
      }
      this.#running.delete(limited);
      limited.expire(new DeadlineError(limited.limitMs));
    }
    clearTimeout(this.#timer);
    this.#firesAt = Number.POSITIVE_INFINITY;
    if (nextAt !== Number.POSITIVE_INFINITY) this.#arm(nextAt);
  };
}
