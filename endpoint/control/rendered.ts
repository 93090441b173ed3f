import { gate, readMaxDifferences, renderJunit, renderTable, type Verdict } from "../mirror/index.ts";
import type { ReportPart } from "./types.ts";

/** Differences that a rollout may have which nobody has set a limit for. */
const NO_LIMIT = { share: 1 };

export const render: ReportPart["render"] = (report, form, maxDifferences) => {
  const limit = maxDifferences === null ? NO_LIMIT : readMaxDifferences(maxDifferences);
  const found = gate(report.mirror, { maxDifferences: limit });
  // A failure that the exit code does not tell of would fail a CI run all the same.
  const verdict: Verdict = maxDifferences === null ? { ...found, passed: true, exitCode: 0 } : found;
  const failure = verdict.passed ? null : verdict.reason;
  if (form === "json") return { text: `${JSON.stringify(report, null, 2)}\n`, failure };
  if (form === "junit") return { text: renderJunit(report.endpoint, report.mirror, verdict), failure };
  return { text: report.mirror === null ? "Nothing has been mirrored.\n" : renderTable(report.mirror), failure };
};
