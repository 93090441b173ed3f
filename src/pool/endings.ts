import type { Slot } from "./slot.ts";

/** Those who wait until something has come to its end: all that is under way, what runs on for nobody, what a worker that is
 *  no longer wanted has begun. */
export class Endings {
  readonly #slots: readonly Slot[];
  readonly #pending: () => number;
  #drained: (() => void) | undefined;
  #settled: (() => void)[] = [];
  /** Places whose workers are to stop when they have nothing left to do. */
  #retired: Slot[] = [];

  /** @param pending how much is under way or waits */
  constructor(slots: readonly Slot[], pending: () => number) {
    this.#slots = slots;
    this.#pending = pending;
  }

  /** As in `ScoreRuntime`. */
  settle(graceMs: number): Promise<void> | undefined {
    if (!this.#runsOn) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        for (const { worker } of this.#slots) if (worker?.runsOn) worker.killIfUseless();
      }, graceMs);
      this.#settled.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Resolves when nothing is under way, or after so many milliseconds. */
  async drained(graceMs: number): Promise<void> {
    if (this.#pending() === 0 || graceMs === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#drained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Its worker gets nothing new, and stops when it has answered what it has begun. */
  retire(slot: Slot): void {
    this.#retired.push(slot);
    slot.worker!.retire();
    this.check();
  }

  /** Ends the wait of `drained`. */
  hurry(): void {
    this.#drained?.();
  }

  /** Something has ended. */
  check(): void {
    if (this.#settled.length > 0 && !this.#runsOn) {
      for (const resolve of this.#settled.splice(0)) resolve();
    }
    if (this.#retired.length > 0) this.#retired = this.#retired.filter((slot) => !stopped(slot));
    if (this.#drained !== undefined && this.#pending() === 0) this.#drained();
  }

  get #runsOn(): boolean {
    return this.#slots.some(({ worker }) => worker?.runsOn);
  }
}

/** Stops its worker if it has nothing left to do. @returns false when it has */
function stopped({ worker, process }: Slot): boolean {
  if (worker !== undefined && worker.unanswered > 0) return false;
  worker?.stop();
  void process?.ended();
  return true;
}
