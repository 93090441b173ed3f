// Figures as the texts that Prometheus reads; written by prom-client, which is loaded for the first scrape.
import type { Metric, RegistryContentType } from "prom-client";
import {
  type AnyFamilyName,
  type Distribution,
  FAMILIES,
  type Figures,
  GATEWAY_FAMILIES,
  type Labels,
  type Point,
} from "./families.ts";
import { memoryOfAll } from "./memory.ts";

export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** One line of the text, as the library takes it. */
interface Sample {
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
  readonly exemplar?: { readonly labelSet: Labels; readonly value: number; readonly timestamp: string };
}

/** @param all figures of one service or several
 *  @param accept header of the request   @param now milliseconds since 1970 */
export async function expose(all: readonly Figures[], accept: string | undefined, now: number): Promise<Exposition> {
  const { Registry } = await import("./prom.ts");
  const { OPENMETRICS_CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE } = Registry;
  const type: RegistryContentType = prefersOpenMetrics(accept) ? OPENMETRICS_CONTENT_TYPE : PROMETHEUS_CONTENT_TYPE;
  // The library's own type says that it is made for the other text only.
  const registry = new (Registry as unknown as new (type: RegistryContentType) => InstanceType<typeof Registry>)(type);
  for (const name of Object.keys(ALL) as AnyFamilyName[]) {
    const isThere =
      name in FAMILIES || all.some(({ points, distributions }) => name in points || name in distributions);
    if (!isThere) continue;
    registry.registerMetric(
      toMetric(name, (sampleName) => all.flatMap((figures) => samples(name, sampleName, figures, now))),
    );
  }
  return { contentType: type, text: await registry.metrics() };
}

const ALL = { ...FAMILIES, ...GATEWAY_FAMILIES };

/** The library asks a metric for its values; a counter of OpenMetrics is told its name without `_total` before. */
function toMetric(name: AnyFamilyName, read: (name: string) => readonly Sample[]): Metric {
  const { help, type } = ALL[name];
  const metric = { name: name as string, help, type, get: () => ({ ...metric, values: read(metric.name) }) };
  return metric as unknown as Metric;
}

function samples(family: AnyFamilyName, name: string, figures: Figures, now: number): readonly Sample[] {
  const { own, workerPids, takenAt } = figures;
  const points = figures.points[family] ?? [];
  const distributions = figures.distributions[family] ?? [];
  const withOwn = ({ labels, value }: Point): Sample => ({ labels: { ...labels, ...own }, value });
  if (family === "scorefn_metrics_age_seconds") return [{ labels: own, value: Math.max(0, now - takenAt) / 1_000 }];
  if (family === "scorefn_workers_resident_memory_bytes") {
    const value = memoryOfAll(workerPids);
    return value === undefined ? [] : [{ labels: own, value }];
  }
  const bounds = ALL[family].bounds ?? [];
  return [...points.map(withOwn), ...distributions.flatMap((one) => lines(name, bounds, one, own))];
}

/** A histogram's buckets add up, and their last one is the count. */
function lines(name: string, bounds: readonly number[], distribution: Distribution, own: Labels): readonly Sample[] {
  const { counts, exemplars, sum } = distribution;
  const labels = { ...distribution.labels, ...own };
  let count = 0;
  const buckets = counts.map((own, index): Sample => {
    count += own;
    const le = index < bounds.length ? String(bounds[index]) : "+Inf";
    const seen = exemplars[index];
    return {
      metricName: `${name}_bucket`,
      labels: { ...labels, le },
      value: count,
      ...(seen && {
        exemplar: { labelSet: { trace_id: seen.traceId }, value: seen.value, timestamp: seen.at.toFixed(3) },
      }),
    };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}

/** Whoever asks for neither text gets the older one, which every reader knows. */
function prefersOpenMetrics(accept = ""): boolean {
  const open = qualityOf(accept, "application/openmetrics-text");
  return open > 0 && open >= qualityOf(accept, "text/plain");
}

/** How much a media type is wanted, from 0 to 1; the most of what the header says of it. */
function qualityOf(accept: string, type: string): number {
  let best = 0;
  for (const range of accept.split(",")) {
    const [name = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (name !== type) continue;
    const quality = Number(parameters.find((part) => part.startsWith("q="))?.slice(2) ?? 1);
    if (quality > best && quality <= 1) best = quality;
  }
  return best;
}
