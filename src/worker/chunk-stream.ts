import type { ScoreError } from "../errors.ts";
import { STREAM_CREDIT_BYTES } from "./protocol.ts";

/** The front's end of a streamed answer: chunks are pushed in by the pipe and pulled out by the host, and what was
 *  pulled is reported as credit, so that back-pressure reaches the script. */
export class ChunkStream implements AsyncIterableIterator<Uint8Array> {
  readonly #grant: (bytes: number) => void;
  readonly #abandon: () => void;
  #chunks: Uint8Array[] = [];
  #taken = 0;
  #ended = false;
  #error: ScoreError | undefined;
  #wake: (() => void) | undefined;

  /** @param grant tells the worker that it may send so many more bytes
   *  @param abandon tells it that nobody reads any more */
  constructor(grant: (bytes: number) => void, abandon: () => void) {
    this.#grant = grant;
    this.#abandon = abandon;
  }

  push(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#chunks.push(chunk);
    this.#signal();
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
      if (this.#taken >= STREAM_CREDIT_BYTES / 4 && !this.#ended) {
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
