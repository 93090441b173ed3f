import type { ScaleSettings } from "../types.ts";

type TargetUtilization = Extract<ScaleSettings, { readonly type: "target_utilization" }>;

/** Fewer instances must have been enough for so many milliseconds before any of them ends: to start one again costs an
 *  init(). */
export const SCALE_DOWN_MS = 60_000;

/** So many milliseconds without a request is nobody interested. */
export const IDLE_MS = 300_000;

/** What is looked at each `polling_interval`. */
export interface Demand {
  /** On the clock of `performance.now()`. */
  readonly now: number;
  /** Requests that run or wait. */
  readonly inFlight: number;
  /** All requests that have ever come: a quick one is not seen in flight. */
  readonly accepted: number;
  readonly instances: number;
}

/** How many instances there are to be: so many that requests which run or wait take up `target_utilization_percentage` of
 *  what may run. More at once, fewer only after a while, none only when nobody has asked for long. */
export class Scaling {
  readonly #settings: TargetUtilization;
  readonly #perInstance: number;
  readonly #downMs: number;
  readonly #idleMs: number;
  /** What was wanted lately, falling: an earlier wish that a later one exceeds is over. */
  #wishes: { readonly at: number; readonly instances: number }[] = [];
  #accepted = 0;
  #askedAt = Number.NEGATIVE_INFINITY;

  /** @param perInstance requests that may run on one */
  constructor(
    settings: TargetUtilization,
    perInstance: number,
    downMs: number = SCALE_DOWN_MS,
    idleMs: number = IDLE_MS,
  ) {
    this.#settings = settings;
    this.#perInstance = perInstance;
    this.#downMs = downMs;
    this.#idleMs = idleMs;
  }

  next({ now, inFlight, accepted, instances }: Demand): number {
    const { minInstances, maxInstances, targetUtilizationPercentage } = this.#settings;
    if (inFlight > 0 || accepted !== this.#accepted || this.#askedAt === Number.NEGATIVE_INFINITY) this.#askedAt = now;
    this.#accepted = accepted;
    const least = Math.max(1, minInstances);
    const used = (inFlight * 100) / (this.#perInstance * targetUtilizationPercentage);
    const wanted = Math.min(Math.max(least, Math.ceil(used)), Math.max(1, maxInstances));
    this.#wishes = this.#wishes.filter((wish) => now - wish.at < this.#downMs && wish.instances > wanted);
    this.#wishes.push({ at: now, instances: wanted });
    if (minInstances === 0 && now - this.#askedAt >= this.#idleMs) return 0;
    if (instances === 0) return inFlight > 0 ? wanted : 0;
    return Math.max(wanted, Math.min(instances, this.#wishes[0]!.instances));
  }
}
