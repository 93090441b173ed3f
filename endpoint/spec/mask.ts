// What code frames show of a deployment's file: names of environment variables, but not their values, which may be secret.
// Works on lines alone, because frames are also shown of texts that are not YAML.
import { codeFrame } from "../../src/host.ts";

/** In snake case or camel case, quoted or not, at the start of a line or within braces. */
const VARIABLES = /^(.*?\b(?:environment_variables|environmentVariables)["']?\s*:\s*)(\S.*)?$/;
/** The name of a variable, with the blanks around its colon. */
const NAME = /^(\s*(?:"[^"]*"|'[^']*'|[^\s"'#{}[\],:]+)\s*:)(\s+\S.*)?$/;
const BRACKETS = /^\s*[}\],]+\s*$/;

/** Shows frames of a text in which the values of environment_variables are masked. */
export function maskedFrames(text: string): (line: number, column: number) => string {
  let masked: string[] | undefined;
  return (line, column) => {
    masked ??= maskVariables(text.split(/\r?\n/));
    // A caret behind what is masked stands below the mask.
    const last = masked[line - 1]?.length ?? 0;
    return codeFrame(masked.join("\n"), line, column - 1 > last ? last : column);
  };
}

function maskVariables(lines: readonly string[]): string[] {
  /** Blanks before environment_variables; undefined: its lines have ended. */
  let outer: number | undefined;
  /** Blanks before the names; undefined: none has come yet. */
  let inner: number | undefined;
  let isOpen = false;
  return lines.map((line) => {
    const indent = line.search(/\S/);
    if (indent === -1) return line;
    if (outer !== undefined && (isOpen || indent > outer)) {
      if (line.includes("}")) isOpen = false;
      if (BRACKETS.test(line)) return line;
      inner ??= indent;
      const [, name, value] = (indent === inner && NAME.exec(line)) || [];
      if (name === undefined) return `${line.slice(0, indent)}…`;
      return value === undefined ? line : `${name}${/^\s+/.exec(value)![0]}…`;
    }
    outer = undefined;
    const [, key, value] = VARIABLES.exec(line) ?? [];
    if (key === undefined) return line;
    [outer, inner] = [indent, undefined];
    isOpen = value?.includes("{") === true && !value.includes("}");
    return value === undefined ? line : `${key}…`;
  });
}
