import type { ScoreError } from "../core/errors.ts";

/** The front's end of a streamed answer: chunks are pushed in by the pipe and pulled out by the host, and what was
 *  pulled is reported as credit, so that back-pressure reaches the script. */
export class ChunkStream implements AsyncIterableIterator<Uint8Array> {
  readonly #quarter: number;
  readonly #grant: (bytes: number) => void;
  readonly #abandon: () => void;
  #chunks: Uint8Array[] = [];
  /** Bytes the worker may still send. */
  #credit: number;
  #taken = 0;
  #ended = false;
  #error: ScoreError | undefined;
  #wake: (() => void) | undefined;

  /** @param credit bytes that the worker may send before any are granted
   *  @param grant tells the worker that it may send so many more bytes
   *  @param abandon tells it that nobody reads any more */
  constructor(credit: number, grant: (bytes: number) => void, abandon: () => void) {
    this.#credit = credit;
    this.#quarter = credit / 4;
    this.#grant = grant;
    this.#abandon = abandon;
  }

  /** @returns false for what the worker must not send: more than its credit (which one chunk may overdraw), or nothing */
  push(chunk: Uint8Array): boolean {
    if (chunk.length === 0 || this.#credit <= 0) return false;
    this.#credit -= chunk.length;
    if (this.#ended) return true;
    this.#chunks.push(chunk);
    this.#signal();
    return true;
  }

  end(error?: ScoreError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#signal();
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (this.#chunks.length === 0 && !this.#ended) {
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#taken += chunk.length;
      // Credit goes back in quarters, so that it costs a frame per 64 KiB and the worker never runs dry in between.
      if (this.#taken >= this.#quarter && !this.#ended) {
        this.#credit += this.#taken;
        this.#grant(this.#taken);
        this.#taken = 0;
      }
      return { value: chunk, done: false };
    }
    if (this.#error !== undefined) throw this.#error;
    return { value: undefined, done: true };
  }

  /** The host stops reading: its client has gone. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    const running = !this.#ended;
    this.#ended = true;
    this.#chunks = [];
    if (running) this.#abandon();
    this.#signal();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #signal(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
