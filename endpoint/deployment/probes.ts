// Probes as Kubernetes counts them (contract DP-21, DP-22), but for the first wait: what is up is asked at once (DP-24).
import { timerMs } from "../../src/host.ts";
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

export const MS_PER_S = 1_000;

/** Asks again and again, one time after the other. @param ask never rejects   @param take gets what it gives, until the end
 *  @param pauseMs from the end of one to the next; default: the period of the probe   @param firstMs until the first
 *  @returns ends it */
export function askRegularly<T>(
  { period, timeout }: Probe,
  ask: (timeoutMs: number) => Promise<T>,
  take: (result: T) => void,
  pauseMs: () => number = () => period * MS_PER_S,
  firstMs: number = pauseMs(),
): () => void {
  let isOver = false;
  let timer: NodeJS.Timeout;
  const wait = (ms: number): void => {
    timer = setTimeout(() => void askNow(), timerMs(ms)).unref();
  };
  const askNow = async (): Promise<void> => {
    const result = await ask(timeout * MS_PER_S);
    if (!isOver) take(result);
    if (!isOver) wait(pauseMs());
  };
  wait(firstMs);
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
