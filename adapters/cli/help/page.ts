// How help is laid out, whatever the command: usage, examples, and groups of names with what they mean.
import { type Paint, plainPaint } from "../../../src/host.ts";

export interface HelpPage {
  /** The command and what may follow it. */
  readonly usage: string;
  /** What the command does, in a sentence or two. */
  readonly about: string;
  /** Lines as they are typed. */
  readonly examples: readonly string[];
  readonly groups: readonly HelpGroup[];
  /** What else there is to know, a paragraph each. */
  readonly notes?: readonly string[];
}

export interface HelpGroup {
  readonly title: string;
  readonly rows: readonly HelpRow[];
}

export interface HelpRow {
  /** A command, a flag with its value, or a variable. */
  readonly name: string;
  readonly text: string;
}

/** What help is written to. */
export interface Screen {
  readonly paint: Paint;
  /** Undefined: it has no width. */
  readonly columns: number | undefined;
}

const PLAIN_SCREEN: Screen = { paint: plainPaint, columns: undefined };

/** Columns of help at the most: wider texts are hard to read, and terminals are at least that wide as a rule. */
const MAX_COLUMNS = 80;
/** With fewer, nothing fits. */
const MIN_COLUMNS = 40;
/** With fewer, texts stand below names and not beside them. */
const SIDE_BY_SIDE_COLUMNS = 60;
/** Where texts begin, beside names and below them. */
const TEXT_AT = 26;
const TEXT_BELOW_AT = 6;

/** At most 80 columns, whatever the terminal has; fewer where it has fewer. */
export function formatHelp(page: HelpPage, { paint, columns }: Screen = PLAIN_SCREEN): string {
  // Some terminals do not know theirs, and say 0.
  const width = Math.max(MIN_COLUMNS, Math.min(MAX_COLUMNS, columns || MAX_COLUMNS));
  const { usage, about, examples, groups, notes = [] } = page;
  const heading = (title: string): string => paint("heading", `${title}:`);
  const parts = [
    `${heading("usage")} ${usage}`,
    wrap(about, width).join("\n"),
    ...(examples.length === 0 ? [] : [[heading("examples"), ...examples.map((line) => `  ${line}`)].join("\n")]),
    ...groups.map(({ title, rows }) => [heading(title), ...rows.flatMap((row) => rowLines(row, width))].join("\n")),
    ...notes.map((note) => wrap(note, width).join("\n")),
  ];
  return `${parts.join("\n\n")}\n`;
}

function rowLines({ name, text }: HelpRow, width: number): string[] {
  const at = width < SIDE_BY_SIDE_COLUMNS ? TEXT_BELOW_AT : TEXT_AT;
  const lines = wrap(text, width - at).map((line) => " ".repeat(at) + line);
  const start = `  ${name}`;
  // Two blanks between, or the text begins on the next line.
  if (start.length + 2 > at) return [start, ...lines];
  return [start.padEnd(at) + (lines[0] ?? "").slice(at), ...lines.slice(1)];
}

/** Words that are longer than a line stand alone. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** A flag as help names it, with a word for its value. @param flag without dashes */
export function flagName(
  flag: string,
  { kind, choices }: { readonly kind?: string | undefined; readonly choices?: readonly string[] | undefined },
): string {
  if (kind === "switch") return `--${flag}`;
  if (choices !== undefined) return `--${flag} ${choices.join("|")}`;
  const last = flag.split("_").at(-1)!;
  return `--${flag} ${kind === "integer" && last !== "port" ? "N" : last.toUpperCase()}`;
}
