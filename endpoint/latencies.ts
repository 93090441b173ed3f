import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { roundMs } from "../src/host.ts";
import type { Latency } from "./types.ts";

const MICROSECONDS_PER_MS = 1_000;
/** Longest answer that is told from longer ones: an hour, in microseconds. */
const HIGHEST_US = 3_600_000_000;
/** Percentiles are exact to one in a hundred; one in a thousand takes 160 kB for each histogram. */
const DIGITS = 2;

/** How long answers took. */
export class Latencies {
  readonly #histogram: RecordableHistogram = createHistogram({ lowest: 1, highest: HIGHEST_US, figures: DIGITS });

  record(ms: number): void {
    this.#histogram.record(Math.min(Math.max(1, Math.round(ms * MICROSECONDS_PER_MS)), HIGHEST_US));
  }

  figures(): Latency {
    const { count, mean, max } = this.#histogram;
    if (count === 0) return { count, mean: 0, p50: 0, p90: 0, p95: 0, p99: 0, max: 0 };
    const inMs = (microseconds: number): number => roundMs(microseconds / MICROSECONDS_PER_MS);
    const at = (percent: number): number => inMs(this.#histogram.percentile(percent));
    return { count, mean: inMs(mean), p50: at(50), p90: at(90), p95: at(95), p99: at(99), max: inMs(max) };
  }
}
