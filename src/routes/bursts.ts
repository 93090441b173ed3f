/** Period that lines of one kind are summed up over, in milliseconds. */
const PERIOD_MS = 1_000;

/** Kinds that are told apart at a time; a client can make kinds up, for some texts quote it. */
const MAX_KINDS = 100;
const OTHERS = "others";

interface Burst {
  /** Writes the line that stands for all. */
  write: (line: string) => void;
  last: string;
  count: number;
  readonly timer: NodeJS.Timeout;
}

/** Sums up lines that come in bursts: the first of a kind is written at once; those that follow are counted, and one line a
 *  second says how many there were. Under overload the log would else cost more than the refusals that it tells of. */
export class Bursts {
  readonly #bursts = new Map<string, Burst>();

  /** @param kind what makes two lines alike   @returns false: the line is counted, and not written itself */
  add(kind: string, line: string, write: (line: string) => void): boolean {
    const known = this.#bursts.has(kind) || this.#bursts.size < MAX_KINDS ? kind : OTHERS;
    const burst = this.#bursts.get(known);
    if (burst === undefined) {
      const timer = setInterval(() => this.#endPeriod(known), PERIOD_MS).unref();
      this.#bursts.set(known, { write, last: line, count: 0, timer });
      write(line);
      return true;
    }
    burst.write = write;
    burst.last = line;
    burst.count++;
    return false;
  }

  /** Writes what is counted so far. */
  flush(): void {
    for (const kind of [...this.#bursts.keys()]) {
      this.#endPeriod(kind);
      this.#endPeriod(kind);
    }
  }

  #endPeriod(kind: string): void {
    const burst = this.#bursts.get(kind);
    if (burst === undefined) return;
    const { count, last } = burst;
    if (count === 0) {
      clearInterval(burst.timer);
      this.#bursts.delete(kind);
      return;
    }
    burst.count = 0;
    burst.write(count === 1 ? last : `${last} (the last of ${count} like it within a second)`);
  }
}
