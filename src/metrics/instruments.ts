// Counters and histograms that cost next to nothing per request: numbers in arrays, found by a short text. A library's own
// take 0.4 to 0.7 us each, and six of them would be felt; they are handed to the library when somebody asks.
import type { Distribution, Exemplar, Labels, Point } from "./families.ts";

export class Counter {
  readonly #series = new Map<string, { readonly labels: Labels; value: number }>();

  /** @param key what tells its labels from others */
  add(key: string, labels: () => Labels): void {
    const series = this.#series.get(key);
    if (series === undefined) this.#series.set(key, { labels: labels(), value: 1 });
    else series.value++;
  }

  /** Begins at 0. */
  prepare(key: string, labels: Labels): void {
    this.#series.set(key, { labels, value: 0 });
  }

  points(): Point[] {
    return [...this.#series.values()].map(({ labels, value }) => ({ labels, value }));
  }
}

interface Series {
  readonly labels: Labels;
  readonly counts: number[];
  readonly exemplars: (Exemplar | undefined)[];
  sum: number;
}

export class Histogram {
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Series>();

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  /** @param key what tells its labels from others */
  observe(key: string, labels: () => Labels, value: number, traceId?: string): void {
    const series = this.#series.get(key) ?? this.prepare(key, labels());
    const index = this.#bucketOf(value);
    series.counts[index]!++;
    series.sum += value;
    if (traceId !== undefined) series.exemplars[index] = { traceId, value, at: Date.now() / 1000 };
  }

  /** Begins at 0. */
  prepare(key: string, labels: Labels): Series {
    const counts = new Array<number>(this.#bounds.length + 1).fill(0);
    const series: Series = { labels, counts, exemplars: [], sum: 0 };
    this.#series.set(key, series);
    return series;
  }

  #bucketOf(value: number): number {
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > bounds[index]!) index++;
    return index;
  }

  distributions(): Distribution[] {
    return [...this.#series.values()].map(({ labels, counts, exemplars, sum }) => ({
      labels,
      counts: [...counts],
      exemplars: [...exemplars],
      sum,
    }));
  }
}
