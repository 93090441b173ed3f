// Whoever follows the log of a deployment: each takes its lines at its own pace, and none delays the deployment or the others.

/** What waits for a slow reader, in lines and in characters; lines beyond it are left out and counted. */
const MAX_LINES = 5_000;
const MAX_CHARS = 4_194_304;

/** What a reader gets at a time, in characters: enough that the way costs little. */
const BATCH_CHARS = 65_536;

/** Lines, and how many that came after them were left out because the reader was slower. */
export interface Batch {
  readonly lines: readonly string[];
  readonly leftOut: number;
}

export class Followers {
  readonly #all: Map<string, Set<Follower>> = new Map();

  /** A deployment has written a line. */
  add(deployment: string, line: string): void {
    const followers = this.#all.get(deployment);
    if (followers !== undefined) for (const follower of followers) follower.add(line);
  }

  /** What the deployment has written, and what it goes on to write until it goes.
   *  @param last gives what it has written: asked in the same turn, so that no line is missed or comes twice
   *  @param signal aborts when the reader has left */
  async *follow(deployment: string, last: () => readonly string[], signal: AbortSignal): AsyncGenerator<Batch> {
    const follower = new Follower(last());
    const followers = this.#all.get(deployment) ?? new Set();
    this.#all.set(deployment, followers.add(follower));
    const leave = (): void => follower.end();
    signal.addEventListener("abort", leave);
    try {
      while (!signal.aborted && (await follower.hasMore())) yield follower.take();
    } finally {
      signal.removeEventListener("abort", leave);
      followers.delete(follower);
      if (followers.size === 0 && this.#all.get(deployment) === followers) this.#all.delete(deployment);
    }
  }

  /** The deployment has gone, and writes nothing more. */
  end(deployment: string): void {
    for (const follower of this.#all.get(deployment) ?? []) follower.end();
    this.#all.delete(deployment);
  }
}

class Follower {
  #lines: string[];
  /** Index of the next line that is to be taken. */
  #next = 0;
  #chars: number;
  #leftOut = 0;
  #isEnded = false;
  #wake: () => void = () => {};

  constructor(first: readonly string[]) {
    this.#lines = [...first];
    this.#chars = first.reduce((sum, line) => sum + line.length, 0);
  }

  add(line: string): void {
    const isFull = this.#lines.length - this.#next >= MAX_LINES || this.#chars >= MAX_CHARS;
    // After the first line that is left out, all are until the reader has come so far: what is missing is in one place.
    if (isFull || this.#leftOut > 0) this.#leftOut++;
    else {
      this.#lines.push(line);
      this.#chars += line.length;
    }
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** Resolves when there is something to take. @returns false when nothing more comes */
  async hasMore(): Promise<boolean> {
    while (this.#next === this.#lines.length && this.#leftOut === 0 && !this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#next < this.#lines.length || this.#leftOut > 0;
  }

  take(): Batch {
    const lines: string[] = [];
    let chars = 0;
    while (this.#next < this.#lines.length && chars < BATCH_CHARS) {
      const line = this.#lines[this.#next++]!;
      lines.push(line);
      chars += line.length;
    }
    this.#chars -= chars;
    if (this.#next < this.#lines.length) return { lines, leftOut: 0 };
    [this.#lines, this.#next] = [[], 0];
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return { lines, leftOut };
  }
}
