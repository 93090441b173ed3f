// The report as plain JSON, for programs of one's own.
import { VERSION } from "../../src/host.ts";
import type { Report } from "../types.ts";
import { fingerprint, placeOfFinding, shownFile } from "./places.ts";

/** @param root what names of files are relative to */
export function renderJson(report: Report, root: string): string {
  const { target, verdict, strict, startedAt, ms, figures, output } = report;
  const checks = report.checks.map((check) => ({
    name: check.name,
    ms: Math.round(check.ms * 1_000) / 1_000,
    facts: check.facts,
    findings: check.findings.map((finding) => {
      const { rule, level, message, cure, details } = finding;
      const place = placeOfFinding(finding, check, report);
      const file = place === undefined ? undefined : shownFile(place.file, root);
      const where = file === undefined ? {} : { file, line: place?.line, column: place?.column };
      return { rule, level, message, cure, details, ...where, fingerprint: fingerprint(finding, check) };
    }),
  }));
  const document = {
    scorefn: VERSION,
    target,
    verdict,
    strict,
    startedAt: startedAt.toISOString(),
    ms: Math.round(ms),
    figures,
    checks,
    output,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
