// The world of the model: a clock, and an event loop that turns only when it is told to. Globals that the front uses are
// replaced while a walk runs, so that real front code lives in it.

/** A random number generator with a seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number in [0, below). */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  unref(): Timer;
}

/** Something the poll phase of the event loop looks at: a pipe, the end of a process. */
export interface Pollable {
  readonly isPending: boolean;
  poll(): void;
}

export class World {
  now = 0;
  readonly random: Random;
  readonly pollables: Set<Pollable> = new Set();
  readonly #timers = new Set<Timer>();
  #immediates: (() => void)[] = [];
  #order = 0;
  #hrtime: unknown;
  readonly #globals: Record<string, unknown> = {};

  constructor(random: Random) {
    this.random = random;
  }

  /** Puts this world's clock and event loop in the place of Node's. */
  enter(): void {
    const replacements: Record<string, unknown> = {
      setTimeout: (run: () => void, ms = 0) => this.#addTimer(run, ms),
      clearTimeout: (timer: Timer | undefined) => timer !== undefined && this.#timers.delete(timer),
      setImmediate: (run: () => void) => this.#immediates.push(run),
      performance: { now: () => this.now },
    };
    for (const [name, value] of Object.entries(replacements)) {
      this.#globals[name] = Reflect.get(globalThis, name);
      Reflect.set(globalThis, name, value);
    }
    this.#hrtime = process.hrtime;
    const hrtime = (): [number, number] => [Math.floor(this.now / 1_000), Math.round((this.now % 1_000) * 1e6)];
    Reflect.set(process, "hrtime", hrtime);
  }

  leave(): void {
    for (const [name, value] of Object.entries(this.#globals)) Reflect.set(globalThis, name, value);
    Reflect.set(process, "hrtime", this.#hrtime);
  }

  /** One turn of the front's event loop: timers, what the pipes hold, immediates.
   *  @param between happens between the timers and the pipes, for the workers do not wait for the front */
  async turn(between: () => void = () => {}): Promise<void> {
    const due = [...this.#timers].filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at || a.order - b.order);
    for (const timer of due) if (this.#timers.delete(timer)) timer.run();
    await settle();
    between();
    // In any order, as epoll tells them.
    const pollables = [...this.pollables].filter(({ isPending }) => isPending);
    for (let left = pollables.length; left > 0; left--) {
      const index = this.random.below(left);
      const [pollable] = pollables.splice(index, 1);
      pollable!.poll();
      await settle();
    }
    const immediates = this.#immediates;
    this.#immediates = [];
    for (const run of immediates) run();
    await settle();
  }

  /** True when turning it again would bring nothing before the clock goes on. */
  get isQuiet(): boolean {
    if (this.#immediates.length > 0) return false;
    for (const pollable of this.pollables) if (pollable.isPending) return false;
    return true;
  }

  get nextTimerAt(): number | undefined {
    let next: number | undefined;
    for (const { at } of this.#timers) if (next === undefined || at < next) next = at;
    return next;
  }

  #addTimer(run: () => void, ms: number): Timer {
    const timer: Timer = { at: this.now + Math.max(1, ms), order: this.#order++, run, unref: () => timer };
    this.#timers.add(timer);
    return timer;
  }
}

/** Lets promises that are settled be noticed. */
async function settle(): Promise<void> {
  for (let tick = 0; tick < 4; tick++) await null;
}
