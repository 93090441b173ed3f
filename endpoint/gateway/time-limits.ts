import { DeadlineError, timerMs } from "../../src/host.ts";

/** Something whose time is limited. */
export abstract class Limited {
  /** On the clock of `performance.now()`, in milliseconds. */
  readonly dueAt: number;
  readonly limitMs: number;
  /** Neighbours in the list of what runs, which is `TimeLimits`'s. */
  previous: Limited | undefined;
  next: Limited | undefined;

  constructor(at: number, limitMs: number) {
    this.dueAt = at + limitMs;
    this.limitMs = limitMs;
  }

  abstract expire(error: DeadlineError): void;
}

/** Ends what takes too long. One timer for all: one for each request would cost more than the rest of the gateway. */
export class TimeLimits {
  /** A list through the things themselves: a Set makes a new table every few requests, for the garbage collector to clear up. */
  #first: Limited | undefined;
  #timer: NodeJS.Timeout | undefined;
  #firesAt = Number.POSITIVE_INFINITY;

  add(limited: Limited): void {
    limited.next = this.#first;
    if (this.#first !== undefined) this.#first.previous = limited;
    this.#first = limited;
    if (limited.dueAt < this.#firesAt) this.#arm(limited.dueAt);
  }

  delete(limited: Limited): void {
    const { previous, next } = limited;
    if (previous !== undefined) previous.next = next;
    else if (this.#first === limited) this.#first = next;
    if (next !== undefined) next.previous = previous;
    limited.previous = undefined;
    limited.next = undefined;
  }

  #arm(dueAt: number): void {
    clearTimeout(this.#timer);
    this.#firesAt = dueAt;
    this.#timer = setTimeout(this.#fire, timerMs(Math.max(0, dueAt - performance.now())));
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
    const expired: Limited[] = [];
    for (let limited = this.#first; limited !== undefined; limited = limited.next) {
      if (limited.dueAt > now) nextAt = Math.min(nextAt, limited.dueAt);
      else expired.push(limited);
    }
    for (const limited of expired) this.delete(limited);
    clearTimeout(this.#timer);
    this.#firesAt = Number.POSITIVE_INFINITY;
    if (nextAt !== Number.POSITIVE_INFINITY) this.#arm(nextAt);
    // One that ends may end others, or bring new ones.
    for (const limited of expired) limited.expire(new DeadlineError(limited.limitMs));
  };
}
