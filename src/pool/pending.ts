import { abortError, type ScoreError } from "../core/errors.ts";
import type { CancelSignal } from "../core/types.ts";

/** Counts what waits; told when something waits no longer. */
export interface Room {
  leave(waiter: Waiter): void;
}

/** Has a request that waits, or that runs. */
export interface Holder<P> {
  /** Nobody waits for it any more. */
  givenUp(pending: P): void;
}

/** What a room knows of a request that waits in it. */
export interface Waiter {
  /** Size of its body. */
  readonly bytes: number;
  /** When it came to the pool, on the clock of `performance.now()`. */
  readonly queuedAt: number;
  /** Where it counts as waiting; undefined once it has begun. */
  room: Room | undefined;
  /** Its neighbours in the room. */
  next: Waiter | undefined;
  previous: Waiter | undefined;
  reject(error: ScoreError): void;
  /** Rejects it and lets its holder know: its client has left, or it has waited for too long. */
  giveUp(error: ScoreError): void;
}

/** Something a client waits for. It is settled exactly once; later attempts do nothing. */
export class Pending<T> implements Waiter {
  readonly bytes: number;
  readonly queuedAt: number;
  readonly outcome: Promise<T>;
  settled = false;
  room: Room | undefined;
  /** Who has it now. */
  holder: Holder<this> | undefined;
  next: Waiter | undefined;
  previous: Waiter | undefined;
  readonly #signal: CancelSignal | undefined;
  #resolve!: (outcome: T) => void;
  #reject!: (error: ScoreError) => void;
  readonly #onAbort: (() => void) | undefined;

  constructor(bytes: number, signal: CancelSignal | undefined, now: number) {
    this.bytes = bytes;
    this.queuedAt = now;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (signal !== undefined) {
      this.#signal = signal;
      this.#onAbort = () => this.giveUp(abortError(signal.reason));
      signal.addEventListener("abort", this.#onAbort);
    }
  }

  resolve(outcome: T): void {
    if (this.#settle()) this.#resolve(outcome);
  }

  reject(error: ScoreError): void {
    if (this.#settle()) this.#reject(error);
  }

  giveUp(error: ScoreError): void {
    if (this.settled) return;
    this.reject(error);
    this.holder?.givenUp(this);
  }

  #settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);
    this.room?.leave(this);
    return true;
  }
}
