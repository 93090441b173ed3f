import { timerMs } from "../core/timer.ts";
import { laggingMonotonicMs } from "../protocol/clock.ts";
import { LEASE_MS, toBeginBy } from "../protocol/messages.ts";
import type { Job } from "./job.ts";

/** Requests that may wait in the pipe behind those begun, while the script is quick: waking a process costs more than
 *  a short run(), and 16 waiting requests make the wake-ups rare. */
export const WINDOW_REQUESTS = 16;

/** Bytes of bodies that may wait in the pipe: less than a socket buffer, so that an INTERRUPT is never stuck behind. */
export const WINDOW_BYTES = 65_536;

/** The window is open while the moving average of run()'s time stays below so many milliseconds. */
export const WINDOW_RUN_MS = 1;

/** Weight of the newest run() in the moving average. */
const AVERAGE_WEIGHT = 0.25;

/** The requests that wait in one worker's pipe, each for the time of its lease (docs/worker-protocol.md, §4). */
export class Window {
  readonly #onLeaseOver: (jobs: Job[]) => void;
  /** In the order in which they were sent. */
  #jobs: Job[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Moving average of run()'s time; infinite until the first answer, so that the window starts closed. */
  #averageMs = Number.POSITIVE_INFINITY;
  /** Bytes of all bodies that were sent and are not answered. */
  bytes = 0;

  /** @param onLeaseOver is given, in order, what has not begun within its lease, and never will */
  constructor(onLeaseOver: (jobs: Job[]) => void) {
    this.#onLeaseOver = onLeaseOver;
  }

  get length(): number {
    return this.#jobs.length;
  }

  /** True when a request of so many bytes may wait here. */
  hasRoom(bytes: number): boolean {
    return this.#averageMs < WINDOW_RUN_MS && this.#jobs.length < WINDOW_REQUESTS && this.bytes + bytes <= WINDOW_BYTES;
  }

  /** Learns how long a run() took, in milliseconds: a slow one closes the window at once. */
  ran(execMs: number): void {
    const slow = execMs >= WINDOW_RUN_MS || this.#averageMs === Number.POSITIVE_INFINITY;
    this.#averageMs = slow ? execMs : this.#averageMs + AVERAGE_WEIGHT * (execMs - this.#averageMs);
  }

  /** Lets nothing in until the next answer: what runs now is slow, whatever was before. */
  shut(): void {
    this.#averageMs = Number.POSITIVE_INFINITY;
  }

  /** Lets a request wait. @returns "begin by" for its frame */
  add(job: Job, now: number): number {
    job.leaseEndsAt = now + LEASE_MS;
    this.#jobs.push(job);
    this.#armTimer(now);
    return toBeginBy(laggingMonotonicMs(now) + LEASE_MS);
  }

  take(id: number): Job | undefined {
    // A worker begins in order, so the first is the usual one.
    if (this.#jobs[0]?.id === id) return this.#jobs.shift();
    const index = this.#jobs.findIndex((job) => job.id === id);
    return index < 0 ? undefined : this.#jobs.splice(index, 1)[0];
  }

  takeAll(): Job[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const jobs = this.#jobs;
    this.#jobs = [];
    return jobs;
  }

  includes(job: Job): boolean {
    return this.#jobs.includes(job);
  }

  /** True when something has waited for so many milliseconds. */
  hasWaited(ms: number, now: number): boolean {
    const first = this.#jobs[0];
    return first !== undefined && now - (first.leaseEndsAt - LEASE_MS) >= ms;
  }

  #armTimer(now: number): void {
    const first = this.#jobs[0];
    if (first === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(this.#checkLeases, timerMs(first.leaseEndsAt - now)).unref();
  }

  readonly #checkLeases = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    // Between a timer and an immediate the event loop reads what the pipes hold: all that the worker wrote up to `now`.
    setImmediate(() => this.#endLeases(now));
  };

  #endLeases(now: number): void {
    const over = this.#jobs.filter((job) => job.leaseEndsAt <= now);
    if (over.length > 0) {
      this.#jobs = this.#jobs.filter((job) => job.leaseEndsAt > now);
      for (const job of over) this.bytes -= job.bytes;
      this.shut();
    }
    this.#armTimer(performance.now());
    if (over.length > 0) this.#onLeaseOver(over);
  }
}
