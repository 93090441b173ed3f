/** How often the log hears of a fetch, in milliseconds. */
const EVERY_MS = 5_000;

/** Says in the log how far a fetch is. */
export class Progress {
  readonly #total: number;
  readonly #timer: NodeJS.Timeout;
  #done = 0;

  constructor(total: number, write: (text: string) => void, everyMs: number = EVERY_MS) {
    this.#total = total;
    let before = 0;
    this.#timer = setInterval(() => {
      const perSecond = Math.max(0, this.#done - before) / (everyMs / 1000);
      before = this.#done;
      write(`Fetched ${this.#describe()}, ${formatBytes(perSecond)} a second`);
    }, everyMs).unref();
  }

  add(bytes: number): void {
    this.#done += bytes;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #describe(): string {
    const percent = this.#total === 0 ? 100 : Math.floor((100 * this.#done) / this.#total);
    return `${formatBytes(this.#done)} of ${formatBytes(this.#total)} (${percent} %)`;
  }
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}
