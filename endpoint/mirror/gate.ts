// Whether a rollout may go on, by what the mirror has found.
import { ConfigError } from "../../src/host.ts";
import type { MirrorReport } from "../types.ts";

/** How many answers may differ: so many, or such a share of those compared (0 to 1). */
export type MaxDifferences = { readonly count: number } | { readonly share: number };

export interface GateLimits {
  readonly maxDifferences: MaxDifferences;
  /** Fewer compared answers say too little. Default: 1. */
  readonly minCompared?: number;
}

export interface Verdict {
  readonly passed: boolean;
  /** One sentence. */
  readonly reason: string;
  readonly exitCode: 0 | 1;
}

/** `5` is a count; `1%` and `0.01` are shares.
 *  @throws ConfigError */
export function readMaxDifferences(text: string): MaxDifferences {
  const word = text.trim();
  if (/^\d{1,15}$/.test(word)) return { count: Number(word) };
  const percent = /^(\d{1,3}(?:\.\d+)?)\s*%$/.exec(word)?.[1];
  const share = percent !== undefined ? Number(percent) / 100 : /^(?:0?\.\d+|1\.0+)$/.test(word) ? Number(word) : 2;
  if (share <= 1) return { share };
  throw new ConfigError(
    "ERR_CONFIG",
    `--max-differences ${JSON.stringify(text)} is neither a count such as 5 nor a share such as 1% or 0.01`,
  );
}

export function gate(report: MirrorReport | null, { maxDifferences, minCompared = 1 }: GateLimits): Verdict {
  if (report === null || report.compared === 0) {
    return verdict(false, "no answers were compared: is mirror traffic set, and have requests come?");
  }
  const { notComparable, different, shareDifferent } = report;
  const compared = judged(report);
  const left = notComparable === 0 ? "" : `; ${notComparable} more had bodies that could not be compared`;
  if (compared === 0) return verdict(false, `no answers were compared${left}`);
  if (compared < minCompared) {
    return verdict(false, `${compared} answers were compared, at least ${minCompared} are needed${left}`);
  }
  const isCount = "count" in maxDifferences;
  const passed = isCount ? different <= maxDifferences.count : shareDifferent <= maxDifferences.share;
  const limit = isCount ? String(maxDifferences.count) : percentText(maxDifferences.share);
  const found = `${different} of ${compared} compared answers differ (${percentText(shareDifferent)})`;
  return verdict(passed, `${found}, at most ${limit} may${left}`);
}

/** Answers of which it is known whether they are alike. */
export function judged({ compared, notComparable }: Pick<MirrorReport, "compared" | "notComparable">): number {
  return compared - notComparable;
}

function verdict(passed: boolean, reason: string): Verdict {
  return { passed, reason, exitCode: passed ? 0 : 1 };
}

/** Three significant digits, so that a small share is not shown as none. @param share 0 to 1 */
export function percentText(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
