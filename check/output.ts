// What a script writes while it is checked: passed on at once, its end kept for reports.
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** Characters that are kept. */
const KEPT_CHARS = 64 * 1024;

export class Output {
  readonly #write: (text: string) => void;
  readonly #open = new Set<Promise<void>>();
  #kept = "";
  #isCut = false;
  /** True: what comes is of no interest, as the same requests have been made before. */
  isMuted = false;

  /** @param write gets everything, at once */
  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  add(text: string): void {
    if (this.isMuted) return;
    this.#write(text);
    this.#kept += text;
    if (this.#kept.length <= 2 * KEPT_CHARS) return;
    this.#kept = this.#kept.slice(-KEPT_CHARS);
    this.#isCut = true;
  }

  /** Reads a stream to its end. */
  take(stream: Readable): void {
    const decoder = new StringDecoder("utf8");
    stream.on("data", (chunk: Buffer) => this.add(decoder.write(chunk)));
    const closed = new Promise<void>((resolve) => {
      stream.once("close", resolve).once("error", () => resolve());
    });
    this.#open.add(closed);
    void closed.then(() => this.#open.delete(closed));
  }

  /** Resolves when all streams have ended. What a script has started may hold one of them: that is not waited for. */
  async ended(withinMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([Promise.all(this.#open), late]);
    clearTimeout(timer);
  }

  get text(): string {
    const kept = this.#kept.slice(-KEPT_CHARS);
    return this.#isCut || kept.length < this.#kept.length ? `…${kept}` : kept;
  }
}
