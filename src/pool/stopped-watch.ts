import { statOf } from "./proc-stat.ts";

/** How often the processes are looked at, in milliseconds. */
const LOOK_MS = 2_000;

/** A process that is found stopped so many times in a row is given up: 4 to 6 seconds. */
const LOOKS = 3;

export interface Watched {
  readonly pid: number | undefined;
  kill(reason: string): void;
  noteChildren(): void;
}

/** Looks at the workers from time to time. Ends processes that somebody has stopped (SIGSTOP): they show no sign of life, and their requests would wait for the
 *  scoring deadline. Elsewhere than on Linux nothing tells a stopped process from a busy one, so they do wait for it. */
export class StoppedWatch {
  readonly #processes: () => Iterable<Watched>;
  readonly #stateOf: (pid: number) => string | undefined;
  #looks = new Map<number, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    processes: () => Iterable<Watched>,
    stateOf: (pid: number) => string | undefined = (pid) => statOf(pid)?.state,
  ) {
    this.#processes = processes;
    this.#stateOf = stateOf;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.look(), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  look(): void {
    const looks = new Map<number, number>();
    for (const process of this.#processes()) {
      const { pid } = process;
      process.noteChildren();
      if (pid === undefined || this.#stateOf(pid) !== "T") continue;
      const count = (this.#looks.get(pid) ?? 0) + 1;
      looks.set(pid, count);
      if (count >= LOOKS) process.kill(`it had been stopped for more than ${((LOOKS - 1) * LOOK_MS) / 1000} s`);
    }
    this.#looks = looks;
  }
}
