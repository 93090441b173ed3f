// The report for people, a few lines as each check is done.
import { relative } from "node:path";
import { styleText } from "node:util";
import { printable } from "../../endpoint/mirror/render.ts";
import { formatBytes } from "../../packaging/report.ts";
import type { CheckResult, Finding, Level, Report } from "../types.ts";

export interface TextOptions {
  /** What names of files are relative to. */
  readonly cwd: string;
  /** Gets colours where it is a terminal that wants them. */
  readonly stream: NodeJS.WriteStream;
}

type Style = Parameters<typeof styleText>[0];

const STYLES: Readonly<Record<Level | "passed", Style>> = {
  passed: "green",
  error: "red",
  warning: "yellow",
  note: "blue",
};
const WORDS: Readonly<Record<Level | "passed", string>> = {
  passed: "passed",
  error: "FAILED",
  warning: "warning",
  note: "note",
};
/** Columns of the first word of a line, and where findings begin below. */
const WORD_WIDTH = 9;
const INDENT = " ".repeat(WORD_WIDTH + 2);

/** The worst of what was found. */
export function levelOf({ findings }: CheckResult): Level | "passed" {
  return (
    (["error", "warning", "note"] as const).find((level) => findings.some((found) => found.level === level)) ?? "passed"
  );
}

/** One check with what it has found, lines ended. */
export function textOfResult(result: CheckResult, options: TextOptions): string {
  const level = levelOf(result);
  const word = styleText(STYLES[level], WORDS[level].padEnd(WORD_WIDTH), { stream: options.stream });
  const facts = result.facts === undefined ? "" : styleText("dim", ` (${result.facts})`, { stream: options.stream });
  const lines = [`  ${word}${printable(result.name)}${facts}`];
  for (const finding of result.findings) lines.push(...textOfFinding(finding, options));
  return `${lines.join("\n")}\n`;
}

function textOfFinding({ message, cure, details, place, level }: Finding, { cwd, stream }: TextOptions): string[] {
  const lines = message.split("\n").map((line) => INDENT + styleText(STYLES[level], printable(line), { stream }));
  if (place !== undefined) {
    const column = place.column === undefined ? "" : `:${place.column}`;
    const line = place.line === undefined ? "" : `:${place.line}${column}`;
    lines.push(`${INDENT}at ${printable(relative(cwd, place.file) || place.file)}${line}`);
  }
  if (details !== undefined)
    lines.push(...details.split("\n").map((line) => `${INDENT}  ${printable(line)}`.trimEnd()));
  if (cure !== undefined) lines.push(`${INDENT}hint: ${printable(cure)}`);
  return lines;
}

/** The last line. */
export function textOfVerdict({ checks, verdict, figures, strict }: Report, { stream }: TextOptions): string {
  const levels = checks.map(levelOf);
  const count = (level: Level): number => levels.filter((found) => found === level).length;
  const [errors, warnings] = [count("error"), count("warning")];
  const parts = [`${checks.length} checks`, `${errors} failed`, `${warnings} with warnings`];
  if (figures.memoryBytes !== undefined) parts.push(`memory ${formatBytes(figures.memoryBytes)}`);
  if (figures.modelBytes !== undefined) parts.push(`model ${formatBytes(figures.modelBytes)}`);
  const words = {
    passed: "passed",
    failed: strict && errors === 0 ? "failed: with --strict warnings fail as well" : "failed",
    untried: "NOT TRIED: nothing is wrong so far, but run() was never called",
    "not loaded": "failed: it does not load",
  };
  const style: Style = verdict === "passed" ? "green" : verdict === "untried" ? "yellow" : "red";
  return `\n${styleText(style, words[verdict], { stream })} (${parts.join(", ")})\n`;
}
