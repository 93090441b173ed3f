import type { Job } from "./job.ts";
import type { WaitingRoom } from "./queue.ts";
import type { Slot } from "./slot.ts";
import type { Worker } from "./worker.ts";

/** A worker whose run() has gone on for so many milliseconds gives back what waits in its pipe to an idle one: several
 *  times what the window takes for a short run(). */
const RECALL_AFTER_MS = 5;

/** Decides which worker a request goes to, and when. */
export class Dispatcher {
  readonly #slots: readonly Slot[];
  readonly #room: WaitingRoom;
  readonly #onIdle: () => void;
  #recallTimer: NodeJS.Timeout | undefined;

  /** @param onIdle called when there may be nothing left to do */
  constructor(slots: readonly Slot[], room: WaitingRoom, onIdle: () => void) {
    this.#slots = slots;
    this.#room = room;
    this.#onIdle = onIdle;
  }

  /** Sends a new request to an idle worker, or lets it wait: in a worker's pipe or in the queue. Without room to wait it is
   *  rejected. */
  add(job: Job): void {
    const idle = this.#room.length === 0 ? this.#idle() : undefined;
    if (idle !== undefined) {
      idle.send(job);
      return;
    }
    if (!this.#room.enter(job)) return;
    const worker = this.#room.length === 0 ? this.#withWindow(job.bytes) : undefined;
    if (worker !== undefined) worker.send(job);
    else this.#room.push(job);
  }

  /** Gives what a worker had not begun to others. */
  putBack(jobs: readonly Job[]): void {
    this.#room.putBack(jobs);
    this.pump();
  }

  /** A worker may have room: sends what waits in the queue. */
  pump(): void {
    while (this.#room.length > 0) {
      const worker = this.#idle() ?? this.#withWindow(this.#room.first!.bytes);
      if (worker === undefined) break;
      worker.send(this.#room.shift()!);
    }
    this.#considerRecall();
    this.#onIdle();
  }

  /** What is under way or waits. */
  get pending(): number {
    return this.#slots.reduce((sum, { worker }) => sum + (worker?.unanswered ?? 0), this.#room.length);
  }

  stop(): void {
    clearTimeout(this.#recallTimer);
  }

  #idle(): Worker | undefined {
    let best: Worker | undefined;
    for (const { worker } of this.#slots) {
      if (worker?.isIdle && (best === undefined || worker.unanswered < best.unanswered)) best = worker;
    }
    return best;
  }

  /** The emptiest of the workers in whose pipe so many bytes may wait. */
  #withWindow(bytes: number): Worker | undefined {
    let best: Worker | undefined;
    for (const { worker } of this.#slots) {
      if (worker?.hasWindow(bytes) && (best === undefined || worker.unanswered < best.unanswered)) best = worker;
    }
    return best;
  }

  /** While one worker has nothing to do, nobody waits in another's pipe behind a run() that turned out slow. */
  #considerRecall(): void {
    if (this.#slots.length < 2 || this.#recallTimer !== undefined || this.#idle() === undefined) return;
    if (!this.#slots.some(({ worker }) => worker?.hasWaiting)) return;
    this.#recallTimer = setTimeout(() => {
      this.#recallTimer = undefined;
      if (this.#room.length > 0 || this.#idle() === undefined) return;
      const now = performance.now();
      for (const { worker } of this.#slots) if (worker?.isStuckFor(RECALL_AFTER_MS, now)) worker.recall();
      this.#considerRecall();
    }, RECALL_AFTER_MS);
  }
}
