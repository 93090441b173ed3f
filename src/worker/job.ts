import { abortError, type ScoreError } from "../errors.ts";
import type { RunCall, RunOutcome } from "../types.ts";

/** One request on its way through queue, pipe and worker. It is settled exactly once; later attempts do nothing. */
export class Job {
  readonly id: number;
  readonly call: RunCall;
  /** When it came to the pool; kept when it returns to the queue. Milliseconds of `performance.now()`. */
  readonly queuedAt: number;
  readonly outcome: Promise<RunOutcome>;
  /** When the worker began it; 0 before that. */
  begunAt = 0;
  /** True once its answer streams: the scoring deadline no longer applies (contract OUT-6). */
  streaming = false;
  /** True once its deadline has passed and the worker was interrupted. */
  expired = false;
  /** True once the worker was told to give it up; it runs on until the worker says that it has. */
  interrupted = false;
  settled = false;
  /** What to do when the client leaves; set by whoever holds the job. */
  onCancel: ((job: Job) => void) | undefined;
  #resolve!: (outcome: RunOutcome) => void;
  #reject!: (error: ScoreError) => void;
  readonly #onAbort: (() => void) | undefined;

  constructor(id: number, call: RunCall, now: number) {
    this.id = id;
    this.call = call;
    this.queuedAt = now;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (call.signal !== undefined) {
      this.#onAbort = () => this.#cancel();
      call.signal.addEventListener("abort", this.#onAbort);
    }
  }

  resolve(outcome: RunOutcome): void {
    if (this.#settle()) this.#resolve(outcome);
  }

  reject(error: ScoreError): void {
    if (this.#settle()) this.#reject(error);
  }

  #cancel(): void {
    if (this.settled) return;
    const holder = this.onCancel;
    this.reject(abortError(this.call.signal?.reason));
    holder?.(this);
  }

  #settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    if (this.#onAbort !== undefined) this.call.signal?.removeEventListener("abort", this.#onAbort);
    return true;
  }
}
