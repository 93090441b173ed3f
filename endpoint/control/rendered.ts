import { gate, readMaxDifferences, renderJunit, renderTable } from "../mirror/index.ts";
import type { ReportPart } from "./types.ts";

/** Differences that a rollout may have which nobody has set a limit for. */
const NO_LIMIT = { share: 1 };

export const render: ReportPart["render"] = (report, form, maxDifferences) => {
  const limit = maxDifferences === null ? NO_LIMIT : readMaxDifferences(maxDifferences);
  const verdict = gate(report.mirror, { maxDifferences: limit });
  const failure = maxDifferences === null || verdict.passed ? null : verdict.reason;
  if (form === "json") return { text: `${JSON.stringify(report, null, 2)}\n`, failure };
  if (form === "junit") return { text: renderJunit(report.endpoint, report.mirror, verdict), failure };
  return { text: report.mirror === null ? "Nothing has been mirrored.\n" : renderTable(report.mirror), failure };
};
