import { gate, readMaxDifferences, renderJunit, renderTable, type Verdict } from "../mirror/index.ts";
import type { ReportPart } from "./types.ts";

/** What a rollout may differ by when the user has set no limit. */
const NO_LIMIT = { share: 1 };

export const render: ReportPart["render"] = (report, form, maxDifferences) => {
  const limit = maxDifferences === null ? NO_LIMIT : readMaxDifferences(maxDifferences);
  const found = gate(report.mirror, { maxDifferences: limit });
  // JUnit must not report a failure that the exit code does not: CI reads both.
  const verdict: Verdict = maxDifferences === null ? { ...found, passed: true, exitCode: 0 } : found;
  const failure = verdict.passed ? null : verdict.reason;
  if (form === "json") return { text: `${JSON.stringify(report, null, 2)}\n`, failure };
  if (form === "junit") return { text: renderJunit(report.endpoint, report.mirror, verdict), failure };
  return { text: report.mirror === null ? "Nothing has been mirrored.\n" : renderTable(report.mirror), failure };
};
