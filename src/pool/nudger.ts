import type { FrameWriter } from "../protocol/frame.ts";

/** A signal that comes just before a blocking call is not noticed until that call is over (seen: 1 in 1000), so a worker
 *  that did not react is nudged again after so many milliseconds. */
const NUDGE_AGAIN_MS = [50, 500];

/** Makes a worker whose script is busy look at its pipe. */
export class Nudger {
  readonly #writer: FrameWriter;
  readonly #signal: () => void;
  #isPending = false;

  /** @param signal makes a synchronous script look at its pipe */
  constructor(writer: FrameWriter, signal: () => void) {
    this.#writer = writer;
    this.#signal = signal;
  }

  /** Sends what the worker should see at once and wakes it, again while it `isDeaf`. */
  nudge(isDeaf: () => boolean): void {
    this.#writer.flush();
    this.#signal();
    for (const ms of NUDGE_AGAIN_MS) setTimeout(() => isDeaf() && this.#signal(), ms).unref();
  }

  /** One nudge for all that is asked for in one turn of the event loop. */
  nudgeSoon(isDeaf: () => boolean): void {
    if (this.#isPending) return;
    this.#isPending = true;
    setImmediate(() => {
      this.#isPending = false;
      if (isDeaf()) this.nudge(isDeaf);
    });
  }
}
