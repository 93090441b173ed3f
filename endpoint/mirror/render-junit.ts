// The mirror's report as JUnit's XML, which CI systems show as tests: one for the gate, and one for each kind of difference.
import type { DifferenceKind, MirrorReport } from "../types.ts";
import { judged, type Verdict } from "./gate.ts";
import { printable } from "./render.ts";

const MS_PER_SECOND = 1_000;

/** A kind of difference fails where the gate does; else its test tells of it and passes. */
export function renderJunit(endpoint: string, report: MirrorReport | null, { passed, reason }: Verdict): string {
  const name = `${endpoint} mirror${report === null ? "" : ` to ${report.shadow}`}`;
  const kinds = report?.kinds ?? [];
  const cases = [
    testCase(name, "differences are within the limit", passed ? undefined : reason, reason),
    ...kinds.map((kind) => {
      const message = `${kind.count} of ${judged(report!)} compared answers`;
      return testCase(name, kind.kind, passed ? undefined : message, `${message}\n${details(kind)}`);
    }),
  ];
  const failures = passed ? 0 : cases.length;
  const counts = `tests="${cases.length}" failures="${failures}" errors="0" skipped="0"`;
  const seconds = report === null ? 0 : (report.shadowMs.mean * report.compared) / MS_PER_SECOND;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="${escaped(name)}" ${counts} time="${seconds.toFixed(3)}"${timestamp(report)}>`,
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function timestamp(report: MirrorReport | null): string {
  return report === null ? "" : ` timestamp="${escaped(report.since)}"`;
}

/** @param failure undefined: it passes */
function testCase(suite: string, name: string, failure: string | undefined, text: string): string {
  const body =
    failure === undefined
      ? `<system-out>${escaped(text)}</system-out>`
      : `<failure message="${escaped(failure)}" type="difference">${escaped(text)}</failure>`;
  return `    <testcase classname="${escaped(suite)}" name="${escaped(name)}">${body}</testcase>`;
}

function details({ examples }: DifferenceKind): string {
  return examples
    .map(({ requestId, time, request, live, shadow, path, liveValue, shadowValue }) =>
      [
        `request ${requestId} at ${time}: ${request}`,
        `at ${path}: ${liveValue || "nothing"} -> ${shadowValue || "nothing"}`,
        `${live.deployment} ${live.status}: ${live.body}`,
        `${shadow.deployment} ${shadow.status}: ${shadow.body}`,
      ]
        .map(printable)
        .join("\n"),
    )
    .join("\n\n");
}

const MARKS: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "\n": "&#10;",
};

/** XML 1.0 has no way to write most control characters, halves of pairs, U+FFFE and U+FFFF. */
function escaped(text: string): string {
  const lines = text.split("\n").map(printable).join("\n");
  return lines.replace(/[&<>"'\n]/g, (mark) => MARKS[mark]!).replace(/[\ufffe\uffff]/g, "\ufffd");
}
