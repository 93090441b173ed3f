// What GitHub Actions and Azure Pipelines read from a program's output, and the table on GitHub's page of a run.
import type { CheckResult, Finding, Level, Place, Report } from "../types.ts";
import { stripped } from "./junit.ts";
import { placeOfFinding, shownFile } from "./places.ts";
import { levelOf } from "./text.ts";

/** GitHub shows ten annotations of each level for a step; more would only be dropped. */
const MAX_ANNOTATIONS = 10;

interface Found {
  readonly finding: Finding;
  readonly check: CheckResult;
  readonly file: string | undefined;
  readonly place: Place | undefined;
}

function findingsOf(report: Report, root: string): Found[] {
  return report.checks.flatMap((check) =>
    check.findings.map((finding) => {
      const place = placeOfFinding(finding, check, report);
      return { finding, check, place, file: place === undefined ? undefined : shownFile(place.file, root) };
    }),
  );
}

/** Workflow commands, a line each. */
export function githubAnnotations(report: Report, root: string): string {
  const counts: Record<Level, number> = { error: 0, warning: 0, note: 0 };
  return findingsOf(report, root)
    .filter(({ finding }) => ++counts[finding.level] <= MAX_ANNOTATIONS)
    .map(({ finding, check, file, place }) => {
      const { level, message, cure, rule } = finding;
      const properties = [
        ...(file === undefined ? [] : [`file=${githubProperty(file)}`]),
        ...(file === undefined || place?.line === undefined ? [] : [`line=${place.line}`]),
        `title=${githubProperty(`${check.name} (${rule})`)}`,
      ];
      const text = `${message}${cure === undefined ? "" : `\n${cure}`}`;
      return `::${level === "note" ? "notice" : level} ${properties.join(",")}::${githubMessage(text)}\n`;
    })
    .join("");
}

function githubMessage(text: string): string {
  return stripped(text).replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function githubProperty(text: string): string {
  return githubMessage(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/** Logging commands, a line each. */
export function azureIssues(report: Report, root: string): string {
  return findingsOf(report, root)
    .filter(({ finding }) => finding.level !== "note")
    .map(({ finding, check, file, place }) => {
      const { level, message, cure, rule } = finding;
      const line = place?.line === undefined ? "" : `linenumber=${place.line};`;
      const where = file === undefined ? "" : `sourcepath=${azureProperty(file)};${line}`;
      const text = `${check.name}: ${message}${cure === undefined ? "" : ` (${cure})`}`;
      return `##vso[task.logissue type=${level};${where}code=${rule};]${azureMessage(text)}\n`;
    })
    .join("");
}

function azureMessage(text: string): string {
  return stripped(text).replaceAll("%", "%AZP25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function azureProperty(text: string): string {
  return azureMessage(text).replaceAll("]", "%5D").replaceAll(";", "%3B");
}

/** Text, an answer for example, that CI systems would otherwise take for commands. */
export function disarmed(text: string): string {
  return text.replace(/##(?=vso\[|\[)/gi, "## ").replace(/^(\s*):(?=:)/gm, "$1: ");
}

const MARKS = { passed: "✅", error: "❌", warning: "⚠️", note: "ℹ️" } as const;

/** The table for GitHub's page of a run, in its Markdown. */
export function githubSummary(report: Report): string {
  const rows = report.checks.map((check) => {
    const found = check.findings.map(({ message }) => message).join("\n") || check.facts || "";
    return `| ${MARKS[levelOf(check)]} | ${cell(check.name)} | ${cell(found)} |`;
  });
  const words = { passed: "passed", failed: "failed", untried: "run() was not tried", "not loaded": "does not load" };
  return [
    `### scorefn check ${cell(report.target)}: ${words[report.verdict]}`,
    "",
    "| | check | result |",
    "| --- | --- | --- |",
    ...rows,
    "",
    "",
  ].join("\n");
}

/** Text that stays text within a cell. */
function cell(text: string): string {
  return stripped(text)
    .replace(/[\\`*_{}[\]()#+!|~<>&@]/g, (mark) => `&#${mark.charCodeAt(0)};`)
    .replace(/\r\n|\r|\n/g, "<br>");
}
