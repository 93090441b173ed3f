// Counters and histograms that cost next to nothing per request: numbers in arrays. A library's own take 0.4 to 0.7 us per
// call, and six of them would be felt; the numbers are handed to the library when somebody asks.
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

/** A histogram with one set of labels. */
export class Series {
  readonly #labels: Labels;
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  readonly #exemplars: (Exemplar | undefined)[] = [];
  #sum = 0;

  constructor(labels: Labels, bounds: readonly number[]) {
    this.#labels = labels;
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number, traceId?: string): void {
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > bounds[index]!) index++;
    this.#counts[index]!++;
    this.#sum += value;
    if (traceId !== undefined) this.#exemplars[index] = { traceId, value, at: Date.now() / 1000 };
  }

  distribution(): Distribution {
    return { labels: this.#labels, counts: [...this.#counts], exemplars: [...this.#exemplars], sum: this.#sum };
  }
}

/** Begins at 0 with each set of labels, so that the first time is an increase. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #series: Series[] = [];

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  series(labels: Labels): Series {
    const series = new Series(labels, this.#bounds);
    this.#series.push(series);
    return series;
  }

  distributions(): Distribution[] {
    return this.#series.map((series) => series.distribution());
  }
}
