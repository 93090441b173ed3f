// What is known of one shadow: counts, latencies, and the first examples of each kind of difference.
import type { ScoreRequest } from "../../src/host.ts";
import { Latencies } from "../latencies.ts";
import type { DifferenceExample, Latency, MirrorReport } from "../types.ts";
import type { Comparison } from "./compare.ts";
import { judged } from "./gate.ts";
import { cut } from "./json-values.ts";

/** Kinds that are told apart: what bodies differ in may be up to whoever sends requests. */
const MAX_KINDS = 100;
/** What further ones are counted as. */
const OTHER_KINDS = "further kinds of differences";

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
  const latencies = new Latencies();
  const statuses: Record<string, number> = {};
  return {
    statuses,
    add(status, ms) {
      statuses[status] = (statuses[status] ?? 0) + 1;
      latencies.record(ms);
    },
    latency: () => latencies.figures(),
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
