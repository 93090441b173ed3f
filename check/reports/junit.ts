// The report as JUnit's XML, which CI systems show as tests.
import type { CheckResult, Finding, Report } from "../types.ts";
import { shownFile } from "./places.ts";

const MS_PER_SECOND = 1_000;

/** @param root what names of files are relative to */
export function renderJunit(report: Report, root: string): string {
  const { checks, target, startedAt, ms, output, strict, figures } = report;
  const failures = checks.filter((check) => failing(check, strict).length > 0).length;
  const counts = `tests="${checks.length}" failures="${failures}" errors="0" skipped="0" time="${seconds(ms)}"`;
  const name = attribute(`scorefn check ${target}`);
  const properties = Object.entries({ ...figures, verdict: report.verdict }).flatMap(([key, value]) =>
    value === undefined ? [] : [`      <property name="${key}" value="${attribute(String(value))}"/>`],
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="scorefn check" ${counts}>`,
    `  <testsuite name="${name}" ${counts} timestamp="${startedAt.toISOString().slice(0, 19)}">`,
    "    <properties>",
    ...properties,
    "    </properties>",
    ...checks.map((check) => testCase(check, report, root)),
    ...(output === "" ? [] : [`    <system-out>${content(output)}</system-out>`]),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function failing({ findings }: CheckResult, strict: boolean): readonly Finding[] {
  return findings.filter(({ level }) => level === "error" || (strict && level === "warning"));
}

function testCase(check: CheckResult, { target, strict, script }: Report, root: string): string {
  const { name, ms, findings, facts, place } = check;
  const failed = failing(check, strict);
  const others = findings.filter((finding) => !failed.includes(finding));
  const at = failed[0]?.place ?? place ?? (script === undefined ? undefined : { file: script });
  const file = at === undefined ? undefined : shownFile(at.file, root);
  const where =
    file === undefined ? "" : ` file="${attribute(file)}"${at?.line === undefined ? "" : ` line="${at.line}"`}`;
  const head = `    <testcase classname="${attribute(`scorefn.check.${target}`)}" name="${attribute(name)}" time="${seconds(ms)}"${where}>`;
  const texts = [
    ...(facts === undefined ? [] : [facts]),
    ...others.map((finding) => `${finding.level}: ${textOf(finding)}`),
  ];
  const first = failed[0];
  // Readers show one failure of a case, so it holds all that is wrong.
  const failure =
    first === undefined
      ? ""
      : `<failure message="${attribute(first.message)}" type="${first.rule}">${content(failed.map(textOf).join("\n\n"))}</failure>`;
  const out = texts.length === 0 ? "" : `<system-out>${content(texts.join("\n"))}</system-out>`;
  return `${head}${failure}${out}</testcase>`;
}

function textOf({ message, cure, details, rule, place }: Finding): string {
  const line = place?.line === undefined ? "" : ` (line ${place.line})`;
  return [
    `${message} [${rule}]${line}`,
    ...(details === undefined ? [] : [details]),
    ...(cure === undefined ? [] : [`hint: ${cure}`]),
  ].join("\n");
}

function seconds(ms: number): string {
  return (ms / MS_PER_SECOND).toFixed(3);
}

const MARKS: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

/** What XML 1.0 cannot hold, in no way of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

/** Commands of terminals, which no reader of a report wants to run. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const TERMINAL = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])|[\u007f-\u009f]/g;

/** The text without what XML cannot hold and terminals would obey. */
export function stripped(text: string): string {
  return text.replace(TERMINAL, "").replace(NOT_XML, "");
}

function attribute(text: string): string {
  return stripped(text).replace(/[&<>"'\t\n\r]/g, (mark) => MARKS[mark]!);
}

function content(text: string): string {
  return stripped(text).replace(/[&<>\r]/g, (mark) => MARKS[mark]!);
}
