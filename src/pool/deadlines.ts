import { afterReading, timerMs } from "../core/timer.ts";
import type { Job } from "./job.ts";

/** How long an interrupted run() may take to come back before its worker is killed, in milliseconds; and how long a worker
 *  in which others run besides may take to give a sign of life. */
export const INTERRUPT_GRACE_MS = 2_000;

export interface DeadlineEvents {
  /** Its time is over. */
  onExpired(job: Job): void;
  /** Asks the worker for a sign of life, which is told by `showsLife`. */
  askForLife(): void;
  /** Nobody can get an answer from the worker any more. */
  onHopeless(): void;
}

/** The scoring deadlines of what one worker has begun, and what becomes of a worker that does not heed them. */
export class Deadlines {
  readonly #timeoutMs: number;
  readonly #begun: ReadonlyMap<number, Job>;
  readonly #events: DeadlineEvents;
  // One timer for all deadlines, looked at when it fires: arming one per request costs more than the request.
  #timer: NodeJS.Timeout | undefined;
  #isHung = false;
  #isAsked = false;
  #hasStopped = false;

  /** @param timeoutMs limit of one run() in milliseconds; 0: none
   *  @param begun what the worker has begun, by id */
  constructor(timeoutMs: number, begun: ReadonlyMap<number, Job>, events: DeadlineEvents) {
    this.#timeoutMs = timeoutMs;
    this.#begun = begun;
    this.#events = events;
  }

  /** An interrupted run() did not come back in time: the worker gets no more requests, and is ended, unless it does. */
  get isHung(): boolean {
    return this.#isHung;
  }

  /** Something has begun. */
  arm(): void {
    if (this.#timeoutMs > 0 && this.#timer === undefined) {
      this.#timer = setTimeout(this.#check, timerMs(this.#timeoutMs));
    }
  }

  /** Something has ended. */
  ended(): void {
    if (this.#isHung) this.#endIfHopeless();
  }

  /** The worker has answered `askForLife`. */
  showsLife(): void {
    this.#isAsked = false;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#hasStopped = true;
  }

  readonly #check = (): void => afterReading(() => this.#expireAll());

  #expireAll(): void {
    if (this.#hasStopped) return;
    const now = performance.now();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const job of this.#begun.values()) {
      if (job.streaming || job.expired) continue;
      const leftMs = job.begunAt + this.#timeoutMs - now;
      if (leftMs <= 0) this.#expire(job);
      else nextMs = Math.min(nextMs, leftMs);
    }
    this.#timer = nextMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(this.#check, timerMs(nextMs));
  }

  #expire(job: Job): void {
    this.#events.onExpired(job);
    this.endSoon(job);
  }

  /** The worker has been told that the time of a request is over: also of one whose host has set it a limit of its own. */
  endSoon(job: Job): void {
    job.expired = true;
    this.#afterGrace(() => {
      if (this.#begun.get(job.id) !== job) return;
      this.#isHung = true;
      this.#endIfHopeless();
      this.#askForLife();
    });
  }

  /** Ends a hung worker in which nothing else runs; forgives one that came back. */
  #endIfHopeless(): void {
    const begun = [...this.#begun.values()];
    if (!begun.some((job) => job.expired)) this.#isHung = false;
    else if (begun.every((job) => job.expired)) this.#events.onHopeless();
  }

  /** What runs besides may finish as long as the worker is alive: a blocked event loop takes all with it. */
  #askForLife(): void {
    if (!this.#isHung || this.#isAsked) return;
    this.#isAsked = true;
    this.#events.askForLife();
    this.#afterGrace(() => {
      if (this.#isAsked && this.#isHung) this.#events.onHopeless();
      else this.#askForLife();
    });
  }

  #afterGrace(act: () => void): void {
    const actNow = (): void => {
      if (!this.#hasStopped) act();
    };
    setTimeout(() => afterReading(actNow), INTERRUPT_GRACE_MS).unref();
  }
}
