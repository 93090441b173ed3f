// Probes as Kubernetes counts them (contract DP-21, DP-22), but for the first wait: what is up is asked at once (DP-24).
import type { Probe } from "../types.ts";

/** Seconds from the start after which a probe that has never succeeded gives up. */
export function patienceOf({ initialDelay, failureThreshold, period, timeout }: Probe): number {
  return initialDelay + (failureThreshold - 1) * period + timeout;
}

/** In the words of the YAML file. */
export function describeProbe({ initialDelay, period, timeout, failureThreshold }: Probe): string {
  return `initial_delay ${initialDelay}, period ${period}, timeout ${timeout}, failure_threshold ${failureThreshold}`;
}

/** Whether what is asked counts as up: so many successes or failures in a row change that. */
export class ProbeCount {
  readonly #probe: Probe;
  #isUp: boolean;
  /** Results in a row that contradict it. */
  #against = 0;

  constructor(probe: Probe, isUp: boolean) {
    this.#probe = probe;
    this.#isUp = isUp;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** @returns whether that has changed something */
  add(succeeded: boolean): boolean {
    const { successThreshold, failureThreshold } = this.#probe;
    this.#against = succeeded === this.#isUp ? 0 : this.#against + 1;
    if (this.#against < (this.#isUp ? failureThreshold : successThreshold)) return false;
    this.#isUp = !this.#isUp;
    this.#against = 0;
    return true;
  }
}

/** How often each of several things has failed in a row. What fails no more is forgotten. */
export class FailureCounts<K> {
  readonly #threshold: number;
  #counts = new Map<K, number>();

  constructor({ failureThreshold }: Probe) {
    this.#threshold = failureThreshold;
  }

  /** @param failed this time   @returns those that have failed often enough, which count from 0 again */
  add(failed: readonly K[]): readonly K[] {
    const counts = new Map(failed.map((key) => [key, (this.#counts.get(key) ?? 0) + 1]));
    const given = failed.filter((key) => counts.get(key)! >= this.#threshold);
    for (const key of given) counts.delete(key);
    this.#counts = counts;
    return given;
  }
}

const MS_PER_S = 1_000;

/** Asks each `period`, one time after the other. @param ask never rejects   @returns ends it */
export function askRegularly({ period, timeout }: Probe, ask: (timeoutMs: number) => Promise<void>): () => void {
  let isAsking = false;
  const timer = setInterval(() => {
    if (isAsking) return;
    isAsking = true;
    void ask(timeout * MS_PER_S).finally(() => {
      isAsking = false;
    });
  }, period * MS_PER_S).unref();
  return () => clearInterval(timer);
}
