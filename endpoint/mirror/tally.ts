// What is known of one shadow: counts, latencies, and the first examples of each kind of difference.
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { roundMs, type ScoreRequest } from "../../src/host.ts";
import type { DifferenceExample, Latency, MirrorReport } from "../types.ts";
import type { Comparison } from "./compare.ts";
import { judged } from "./gate.ts";
import { cut } from "./json-values.ts";

/** Kinds that are told apart: what bodies differ in may be up to whoever sends requests. */
const MAX_KINDS = 100;
/** What further ones are counted as. */
const OTHER_KINDS = "further kinds of differences";

const MICROSECONDS_PER_MS = 1_000;
/** Latencies are told apart up to an hour, with three digits. */
const HIGHEST_MICROSECONDS = 3_600_000_000;
const DIGITS = 3;

/** A request and both answers, in text that is cut to a size. */
export type ExampleTexts = Omit<DifferenceExample, "path" | "liveValue" | "shadowValue">;

export interface Tally {
  mirrored: number;
  dropped: number;
  /** @param example called only for differences that examples are still wanted of */
  compared(comparison: Comparison, example: () => ExampleTexts): void;
  answered(side: "live" | "shadow", status: number, ms: number): void;
  report(): MirrorReport;
}

export function createTally(shadow: string, maxExamples: number): Tally {
  const since = new Date().toISOString();
  const kinds = new Map<string, { count: number; examples: DifferenceExample[] }>();
  const live = createSide();
  const ofShadow = createSide();
  let compared = 0;
  let notComparable = 0;
  let different = 0;

  function kindOf(name: string): { count: number; examples: DifferenceExample[] } {
    const key = kinds.has(name) || kinds.size < MAX_KINDS ? name : OTHER_KINDS;
    const kind = kinds.get(key) ?? { count: 0, examples: [] };
    kinds.set(key, kind);
    return kind;
  }

  return {
    mirrored: 0,
    dropped: 0,
    compared({ differences, areBodiesCompared }, example) {
      compared++;
      if (differences.length === 0) {
        if (!areBodiesCompared) notComparable++;
        return;
      }
      different++;
      let texts: ExampleTexts | undefined;
      for (const { kind: name, path, liveValue, shadowValue } of differences) {
        const kind = kindOf(name);
        kind.count++;
        if (kind.examples.length >= maxExamples) continue;
        texts ??= example();
        kind.examples.push({ ...texts, path, liveValue, shadowValue });
      }
    },
    answered: (side, status, ms) => (side === "live" ? live : ofShadow).add(status, ms),
    report() {
      const known = judged({ compared, notComparable });
      return {
        shadow,
        since,
        mirrored: this.mirrored,
        compared,
        dropped: this.dropped,
        notComparable,
        different,
        shareDifferent: known === 0 ? 0 : different / known,
        kinds: [...kinds]
          .map(([kind, { count, examples }]) => ({ kind, count, examples: [...examples] }))
          .sort((one, other) => other.count - one.count),
        liveMs: live.latency(),
        shadowMs: ofShadow.latency(),
        liveStatuses: { ...live.statuses },
        shadowStatuses: { ...ofShadow.statuses },
      };
    },
  };
}

function createSide(): {
  readonly statuses: Record<string, number>;
  add(status: number, ms: number): void;
  latency(): Latency;
} {
  const histogram = createHistogram({ lowest: 1, highest: HIGHEST_MICROSECONDS, figures: DIGITS });
  const statuses: Record<string, number> = {};
  return {
    statuses,
    add(status, ms) {
      statuses[status] = (statuses[status] ?? 0) + 1;
      const microseconds = Math.round(ms * MICROSECONDS_PER_MS);
      histogram.record(Math.min(HIGHEST_MICROSECONDS, Math.max(1, microseconds)));
    },
    latency: () => latencyOf(histogram),
  };
}

function latencyOf(histogram: RecordableHistogram): Latency {
  const { count } = histogram;
  if (count === 0) return { count, mean: 0, p50: 0, p90: 0, p95: 0, p99: 0, max: 0 };
  const inMs = (microseconds: number): number => roundMs(microseconds / MICROSECONDS_PER_MS);
  const at = (percent: number): number => inMs(histogram.percentile(percent));
  return {
    count,
    mean: inMs(histogram.mean),
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    max: inMs(histogram.max),
  };
}

/** Characters of a body in an example. */
export const MAX_SHOWN_CHARS = 2_000;

/** A body as text to look at. */
export function shownBody(body: Uint8Array | undefined): string {
  if (body === undefined) return "(too large to keep)";
  // Four bytes at most make one character.
  const text = new TextDecoder().decode(body.subarray(0, 4 * MAX_SHOWN_CHARS));
  const isBinary = text.includes("\0") || text.slice(0, -1).includes("\ufffd");
  if (isBinary)
    return cut(
      `(${body.length} bytes) ${Buffer.from(body.subarray(0, MAX_SHOWN_CHARS)).toString("hex")}`,
      MAX_SHOWN_CHARS,
    );
  return cut(text, MAX_SHOWN_CHARS);
}

/** Characters of a path with its query. */
const MAX_TARGET_CHARS = 200;

export function shownRequest({ method, path, query, loggedQuery = query, body }: ScoreRequest): string {
  const line = `${method} ${cut(loggedQuery === "" ? path : `${path}?${loggedQuery}`, MAX_TARGET_CHARS)}`;
  return body.length === 0 ? line : `${line}\n\n${shownBody(body)}`;
}
