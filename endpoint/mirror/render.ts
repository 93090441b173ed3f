// The mirror's report for people at a terminal.
import type { DifferenceKind, Latency, MirrorReport } from "../types.ts";
import { percentText } from "./gate.ts";

const LATENCY_ROWS: readonly (readonly [title: string, key: keyof Latency])[] = [
  ["mean ms", "mean"],
  ["p50 ms", "p50"],
  ["p90 ms", "p90"],
  ["p95 ms", "p95"],
  ["p99 ms", "p99"],
  ["max ms", "max"],
];

/** Plain text, without anything that a terminal would act on. */
export function renderTable(report: MirrorReport): string {
  const { shadow, since, mirrored, compared, dropped, notComparable, different, shareDifferent, kinds } = report;
  const statuses = [...new Set([...Object.keys(report.liveStatuses), ...Object.keys(report.shadowStatuses)])].sort();
  const sections = [
    `Mirror to ${shadow} since ${since}`,
    columns([
      ["copies sent", String(mirrored)],
      ["compared", String(compared)],
      ["different", `${different} (${percentText(shareDifferent)})`],
      ["too large to compare", String(notComparable)],
      ["dropped for lack of room", String(dropped)],
    ]),
    columns([
      ["", "live", shadow],
      ...LATENCY_ROWS.map(([title, key]) => [title, number(report.liveMs[key]), number(report.shadowMs[key])]),
      ...statuses.map((status) => [
        `status ${status}`,
        String(report.liveStatuses[status] ?? 0),
        String(report.shadowStatuses[status] ?? 0),
      ]),
    ]),
  ];
  if (kinds.length > 0)
    sections.push(columns([["count", "difference"], ...kinds.map(({ kind, count }) => [String(count), kind])]));
  sections.push(...kinds.map(exampleOf).filter((text) => text !== ""));
  return `${sections.join("\n\n")}\n`;
}

/** The first example; the others are in the JSON. */
function exampleOf({ kind, examples }: DifferenceKind): string {
  const [first] = examples;
  if (first === undefined) return "";
  const { requestId, time, request, live, shadow, path, liveValue, shadowValue } = first;
  return [
    printable(kind),
    `  at ${printable(path)}: ${printable(liveValue) || "nothing"} -> ${printable(shadowValue) || "nothing"}`,
    `  request ${printable(requestId)} at ${time}: ${printable(request)}`,
    `  ${live.deployment} ${live.status}: ${printable(live.body)}`,
    `  ${shadow.deployment} ${shadow.status}: ${printable(shadow.body)}`,
  ].join("\n");
}

function number(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** Rows with their cells below each other. */
function columns(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(printable));
  const widths = cells.reduce<number[]>((most, row) => row.map((cell, at) => Math.max(cell.length, most[at] ?? 0)), []);
  return cells
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
const NOT_PRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Cs}/gu;

/** On one line, with what moves a cursor, hides text or turns its direction written out. */
export function printable(text: string): string {
  return text.replace(NOT_PRINTABLE, (character) => {
    const short = JSON.stringify(character).slice(1, -1);
    return short.length === 2 ? short : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
