import { ConfigError } from "../../src/host.ts";

/** A mistake, and where it stands. */
export interface SpecProblem {
  /** As the user has named it; for what the command line sets, the flag. */
  readonly file: string;
  /** From 1; null: the mistake has no place in a file. */
  readonly line: number | null;
  /** From 1, in UTF-16 units. */
  readonly column: number | null;
  /** The lines around it; empty: none. */
  readonly frame: string;
  readonly message: string;
  /** What to do; empty: the message says it. */
  readonly cure: string;
}

/** Files or flags that describe no endpoint or deployment. Its message shows every problem. */
export class SpecError extends ConfigError {
  static override readonly className: string = "SpecError";
  readonly problems: readonly SpecProblem[];

  constructor(problems: readonly SpecProblem[]) {
    super("ERR_CONFIG", problems.map(renderProblem).join("\n\n"));
    this.problems = problems;
  }
}

/** `file:line:column: message`, the lines around it, and the cure. */
function renderProblem(problem: SpecProblem): string {
  return [oneLine(problem), problem.frame, escaped(problem.cure)].filter((part) => part !== "").join("\n");
}

/** Without the lines around it. */
export function oneLine({ file, line, column, message }: SpecProblem): string {
  const place = line === null ? file : `${file}:${line}:${column ?? 1}`;
  return escaped(`${place}: ${message}`);
}

/** Keys and flags may hold anything, line ends and a terminal's commands too. */
function escaped(text: string): string {
  return text.replace(CONTROL_CHARACTERS, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL_CHARACTERS = /[\u0000-\u001F\u007F-\u009F]/g;

/** A mistake without a place in a file. @param file or the flag that brings it */
export function placeless(file: string, message: string, cure = ""): SpecProblem {
  return { file, line: null, column: null, frame: "", message, cure };
}

/** What stands in a file, as messages show it: short, and on one line. */
export function shown(value: unknown): string {
  if (value === null) return "nothing";
  if (typeof value === "object") return Array.isArray(value) ? "a list" : "a map of keys";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}
/** Characters of a value in a message: enough to find it again. */
const MAX_SHOWN = 80;
