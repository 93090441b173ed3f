// Keeps what passes of a stream, up to a size.
import type { BodyStream } from "../../src/host.ts";

/** Room at first, in bytes; it doubles as needed. A piece kept as it came would hold on to the larger memory it is cut from. */
const FIRST_BYTES = 4_096;

/** Bytes of a body as they come. */
export class Collected {
  readonly #maxBytes: number;
  #room: Buffer | undefined = Buffer.allocUnsafeSlow(0);
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of memory. */
  get size(): number {
    return this.#room?.length ?? 0;
  }

  add(chunk: Uint8Array): void {
    if (this.#room === undefined) return;
    const length = this.#length + chunk.length;
    if (length > this.#maxBytes) {
      this.#room = undefined;
      return;
    }
    if (length > this.#room.length) {
      const bytes = Math.min(this.#maxBytes, Math.max(length, FIRST_BYTES, 2 * this.#room.length));
      const larger = Buffer.allocUnsafeSlow(bytes);
      this.#room.copy(larger, 0, 0, this.#length);
      this.#room = larger;
    }
    this.#room.set(chunk, this.#length);
    this.#length = length;
  }

  /** Undefined: it was larger than may be kept. */
  body(): Buffer | undefined {
    return this.#room?.subarray(0, this.#length);
  }
}

export interface Onlooker {
  chunk(chunk: Uint8Array): void;
  /** Called once. @param isComplete false: it failed, or its reader has left */
  end(isComplete: boolean): void;
}

/** The same stream, each piece of which is seen as it passes: nothing is held back, nothing read ahead. */
export function observed(stream: BodyStream, onlooker: Onlooker): BodyStream {
  let isOver = false;
  const end = (isComplete: boolean): void => {
    if (isOver) return;
    isOver = true;
    onlooker.end(isComplete);
  };
  return {
    [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
      const chunks = stream[Symbol.asyncIterator]();
      const see = (item: IteratorResult<Uint8Array>): IteratorResult<Uint8Array> => {
        if (item.done === true) end(true);
        else if (!isOver) onlooker.chunk(item.value);
        return item;
      };
      const fail = (error: unknown): never => {
        end(false);
        throw error;
      };
      return {
        next: () => chunks.next().then(see, fail),
        async return(value?: unknown) {
          end(false);
          return (await chunks.return?.(value)) ?? { done: true, value: undefined };
        },
      };
    },
  };
}
