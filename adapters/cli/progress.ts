// How far a command is that takes long. On a terminal one line, drawn anew; elsewhere a line for each step that takes more than
// a second. What is quick shows nothing. It never writes to stdout, where results go.

export interface Progress {
  /** What begins; the step before has ended. @param detail how far it is: the same step goes on when only this is another */
  step(text: string, detail?: string): void;
  /** Writes something else, for which the line makes room. */
  beside(text: string, write: (text: string) => void): void;
  /** Nothing is written any more, and nothing of it is left on a terminal. */
  end(): void;
}

interface LiveOptions {
  readonly write: (text: string) => void;
  /** Columns of the terminal, asked each time: it may get another size. */
  readonly columns?: () => number | undefined;
  /** Time in milliseconds. Default: the clock of the process. */
  readonly now?: () => number;
}

/** What takes less is not worth a word, in milliseconds. */
const QUIET_MS = 1_000;
/** How often the line is drawn, in milliseconds. */
const DRAW_MS = 120;
const MS_PER_SECOND = 1_000;
const USUAL_COLUMNS = 80;
/** With fewer nothing can be told. */
const LEAST_COLUMNS = 12;

const FRAMES = ["-", "\\", "|", "/"];
/** To the beginning of the line, and away with all of it. */
const ERASE = "\r\u001b[2K";
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** For what is to say nothing. */
const NO_PROGRESS: Progress = { step: () => {}, beside: (text, write) => write(text), end: () => {} };

type Environment = Readonly<Record<string, string | undefined>>;

/** For a stream; `isQuiet`: nothing. @param env of the process */
export function progressTo(stream: NodeJS.WriteStream, env: Environment, isQuiet = false): Progress {
  if (isQuiet) return NO_PROGRESS;
  return liveProgress(stream, env) ?? new StepLines((text) => stream.write(text));
}

/** One line that is drawn anew. @returns undefined where that cannot be, or nobody looks */
export function liveProgress(stream: NodeJS.WriteStream, env: Environment): Progress | undefined {
  if (!stream.isTTY || env.CI || env.TERM === "dumb") return undefined;
  return new LiveLine({ write: (text) => stream.write(text), columns: () => stream.columns });
}

export class StepLines implements Progress {
  readonly #write: (text: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #text: string | undefined;
  #isEnded = false;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  step(text: string): void {
    if (this.#isEnded || text === this.#text) return;
    clearTimeout(this.#timer);
    this.#text = text;
    this.#timer = setTimeout(() => this.#write(`${shown(text)} ...\n`), QUIET_MS).unref();
  }

  beside(text: string, write: (text: string) => void): void {
    write(text);
  }

  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#timer);
  }
}

export class LiveLine implements Progress {
  readonly #write: (text: string) => void;
  readonly #columns: () => number | undefined;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #text = "";
  #detail: string | undefined;
  #startedAt = 0;
  #frame = 0;
  #isDrawn = false;
  /** Something else was written, and its line has not ended: to draw would take it away. */
  #isHeldUp = false;
  #isEnded = false;

  constructor({ write, columns = () => undefined, now = () => performance.now() }: LiveOptions) {
    this.#write = write;
    this.#columns = columns;
    this.#now = now;
  }

  step(text: string, detail?: string): void {
    if (this.#isEnded) return;
    if (text !== this.#text) this.#startedAt = this.#now();
    this.#text = text;
    this.#detail = detail;
    // Once there is a line it tells of quick steps, too.
    if (this.#isDrawn) this.#draw();
    else if (this.#timer === undefined) this.#begin();
  }

  beside(text: string, write: (text: string) => void): void {
    if (text === "") return;
    this.#erase();
    write(text);
    this.#isHeldUp = !text.endsWith("\n");
  }

  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    this.#erase();
    process.off("exit", this.#onExit);
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }

  #begin(): void {
    process.once("exit", this.#onExit);
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    const tick = (): void => {
      this.#draw();
      this.#timer = setTimeout(tick, DRAW_MS).unref();
    };
    this.#timer = setTimeout(tick, QUIET_MS).unref();
  }

  #draw(): void {
    if (this.#isHeldUp) return;
    const frame = FRAMES[this.#frame++ % FRAMES.length]!;
    const seconds = Math.floor((this.#now() - this.#startedAt) / MS_PER_SECOND);
    const tail = seconds < 1 ? "" : ` ${seconds} s`;
    // The last column stays free: some terminals break the line there.
    const room = Math.max(LEAST_COLUMNS, this.#columns() ?? USUAL_COLUMNS) - frame.length - 1 - tail.length - 1;
    const text = this.#detail === undefined ? this.#text : `${this.#text}: ${this.#detail}`;
    this.#isDrawn = true;
    this.#write(`${ERASE}${frame} ${cut(shown(text), room)}${tail}`);
  }

  #erase(): void {
    if (this.#isDrawn) this.#write(ERASE);
    this.#isDrawn = false;
  }

  readonly #onExit = (): void => this.end();

  /** The line goes, and the signal does what it would have done. */
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.end();
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
}

/** One line, whatever it was. */
function shown(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();
}

/** As much as fits. */
function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = "";
  // Room for the mark of what is missing.
  for (const character of text) {
    if (widthOf(kept + character) > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** Characters beyond the Latin ones may be two columns wide. */
const FIRST_WIDE = 0x300;

function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += character.codePointAt(0)! < FIRST_WIDE ? 1 : 2;
  return width;
}
