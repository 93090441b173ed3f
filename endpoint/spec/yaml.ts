// YAML as Azure's own tools read it: version 1.1, with the scalars of PyYAML.
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type ScalarTag,
  type Tags,
  visit,
} from "yaml";
import { maskedFrames } from "./mask.ts";
import { placeholderIn } from "./placeholders.ts";
import type { SpecProblem } from "./problem.ts";

/** Keys and indexes from the root on. */
export type Path = readonly (string | number)[];

export interface YamlFile {
  readonly value: unknown;
  /** What is wrong with the text itself; the value is of no use then. */
  readonly problems: readonly SpecProblem[];
  readonly warnings: readonly SpecProblem[];
  /** A problem at the path, or at the nearest place above it that the file has. */
  problemAt(path: Path, at: "key" | "value", message: string, cure: string): SpecProblem;
  /** Whether the file has something at the path. */
  has(path: Path): boolean;
  /** The characters at the path; undefined: there is no scalar. */
  sourceOf(path: Path): string | undefined;
}

/** Never throws. @param file its name, for problems */
export function readYaml(text: string, file: string): YamlFile {
  const lines = new LineCounter();
  const frame = maskedFrames(text);
  const at = (offset: number, message: string, cure: string): SpecProblem => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    const place = { line: Math.max(1, line), column: Math.max(1, col) };
    return { file, ...place, frame: frame(place.line, place.column), message, cure };
  };
  const failed = (problems: readonly SpecProblem[]): YamlFile => ({
    value: undefined,
    problems,
    warnings: [],
    problemAt: (_path, _at, message, cure) => at(0, message, cure),
    has: () => false,
    sourceOf: () => undefined,
  });

  // The parser takes seconds for a megabyte of nothing.
  if (text.trim() === "") return { ...failed([]), value: null };
  let document: Document.Parsed;
  try {
    document = parseDocument(text, {
      version: "1.1",
      schema: "yaml-1.1",
      customTags: pyYamlTags,
      resolveKnownTags: false,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "error",
      lineCounter: lines,
    });
  } catch {
    return failed([at(0, TOO_DEEP, "")]);
  }
  if (document.errors.length > 0) {
    // The first mistake makes the parser find more mistakes behind it.
    const { pos, code, message } = document.errors[0]!;
    const placeholders = bracedPlaceholders(text, pos[0]);
    if (placeholders.length > 0) {
      return failed(placeholders.map((found) => at(found.offset, unfilled(found.text), FILL_IN)));
    }
    return failed([at(pos[0], ...syntaxProblem(code, message))]);
  }
  const problems: SpecProblem[] = document.warnings.map(({ pos, message }) =>
    at(pos[0], `the YAML tag ${/[^:]*$/.exec(message)![0]} is not supported`, "Remove the tag."),
  );
  const warnings: SpecProblem[] = [];
  const found = look(document, text, at);
  problems.push(...found.problems);
  warnings.push(...found.warnings);
  if (problems.length > 0) return failed(problems);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    return failed([at(0, ...aliasProblem((cause as Error).message))]);
  }
  const nested = tooDeep(value);
  if (nested !== undefined) return failed([at(0, nested, "")]);
  return {
    value,
    problems,
    warnings,
    problemAt: (path, what, message, cure) => at(offsetOf(document, path, what), message, cure),
    has: (path) => follow(document, path).isWhole,
    sourceOf: (path) => {
      const { node, isWhole } = follow(document, path);
      return isWhole && isScalar(node) ? node.source : undefined;
    },
  };
}

/** Aliases of a file. A file with more is an attack, for which the library needs seconds. */
const MAX_ALIASES = 100;
/** Problems and warnings of a file: each costs a look at the whole text. */
const MAX_FOUND = 100;
/** Levels of a file: the deepest key known is five levels down. */
const MAX_DEPTH = 64;
const TOO_DEEP = `the file is nested too deeply (at most ${MAX_DEPTH} levels)`;

/** Finds repeated keys, and keys that are not text. */
function look(
  document: Document.Parsed,
  text: string,
  at: (offset: number, message: string, cure: string) => SpecProblem,
) {
  const problems: SpecProblem[] = [];
  const warnings: SpecProblem[] = [];
  let aliases = 0;
  visit(document, {
    Alias: () => {
      aliases++;
    },
    Map: (_key, map) => {
      const seen = new Set<string>();
      for (const { key } of map.items as Pair<Node, Node | null>[]) {
        if (problems.length >= MAX_FOUND) return;
        if (isCollection(key)) {
          const [from, to] = [key.range![0], key.range![1]];
          const placeholder = placeholderIn(text.slice(Math.max(0, from - 1), to + 1));
          problems.push(
            placeholder === undefined
              ? at(from, "a list or map cannot be a key", "Quote it if it is meant as text.")
              : at(Math.max(0, from - 1), unfilled(placeholder), FILL_IN),
          );
          continue;
        }
        const name = isScalar(key) ? String(key.value) : "";
        if (seen.has(name) && name !== "<<" && key !== null && warnings.length < MAX_FOUND) {
          warnings.push(at(key.range?.[0] ?? 0, `key ${name} is repeated; the last one is used`, ""));
        }
        seen.add(name);
      }
    },
  });
  if (aliases > MAX_ALIASES) problems.push(at(0, ...aliasProblem("Excessive alias count")));
  return { problems, warnings };
}

export function unfilled(placeholder: string): string {
  return `the placeholder ${placeholder} is not filled in`;
}
/** The command line cannot help here: YAML reads the braces as maps. */
const FILL_IN = "Write the value in its place.";

/** All `{{X}}` that begin a value, if there is one on the line of the offset. YAML reads them as maps that are keys of maps. */
function bracedPlaceholders(text: string, offset: number): { text: string; offset: number }[] {
  const from = text.lastIndexOf("\n", offset - 1) + 1;
  const to = text.indexOf("\n", offset);
  if (!BRACED.test(text.slice(from, to === -1 ? undefined : to))) return [];
  return [...text.matchAll(new RegExp(BRACED, "gm"))]
    .slice(0, MAX_FOUND)
    .map((found) => ({ text: found[1]!, offset: found.index + found[0].length - found[1]!.length }));
}
const BRACED = /^[^#\n]*:[ \t]+(\{\{[\w\s.-]{1,100}\}\})/;

function syntaxProblem(code: string, message: string): [message: string, cure: string] {
  if (/call stack/.test(message)) return [TOO_DEEP, ""];
  if (/map keys need to be followed/.test(message)) return SYNTAX.MULTILINE_IMPLICIT_KEY!;
  return SYNTAX[code] ?? [`this is not valid YAML: ${message.replace(/^./, (first) => first.toLowerCase())}`, ""];
}

const SYNTAX: Readonly<Record<string, [message: string, cure: string]>> = {
  TAB_AS_INDENT: ["a tab indents this line; YAML allows spaces only", "Replace the tab with spaces."],
  MULTIPLE_DOCS: ["a second document begins here", "Write each endpoint and each deployment to a file of its own."],
  BLOCK_AS_IMPLICIT_KEY: ["this line has one colon too many", "Quote the value if the colon belongs to it."],
  MULTILINE_IMPLICIT_KEY: ["a colon is missing after the key, or the indentation is wrong", ""],
  BAD_INDENT: ["the indentation is wrong, or a bracket is not closed", ""],
  BAD_SCALAR_START: ["a value cannot begin with this character", "Quote the value."],
};

function aliasProblem(message: string): [message: string, cure: string] {
  const name = /before the alias\): (.*)$/.exec(message)?.[1];
  if (name !== undefined) return [`the alias *${name} has no anchor &${name} before it`, ""];
  if (message.startsWith("Excessive")) return [`the file uses aliases too often (at most ${MAX_ALIASES} times)`, ""];
  if (message.startsWith("Merge sources")) return ["<< must be a map, or a list of maps", ""];
  return [`the file cannot be read: ${message}`, ""];
}

function tooDeep(value: unknown, depth = 0, above: unknown[] = []): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (above.includes(value)) return "the file contains itself: an alias lies within its own anchor";
  if (depth > MAX_DEPTH) return TOO_DEEP;
  above.push(value);
  for (const child of Object.values(value)) {
    const found = tooDeep(child, depth + 1, above);
    if (found !== undefined) return found;
  }
  above.pop();
  return undefined;
}

/** The last node that the file has on the way along the path, and its key. */
function follow(document: Document.Parsed, path: Path): { key: Node | null; node: Node | null; isWhole: boolean } {
  const resolved = (node: Node | null): Node | null => (isAlias(node) ? (node.resolve(document) ?? null) : node);
  let key: Node | null = null;
  let node: Node | null = document.contents;
  for (const step of path) {
    const next = childOf(resolved(node), step, resolved);
    if (next === undefined) return { key, node, isWhole: false };
    ({ key, node } = next);
  }
  return { key, node, isWhole: true };
}

function childOf(
  node: Node | null,
  step: string | number,
  resolved: (node: Node | null) => Node | null,
): { key: Node | null; node: Node | null } | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(step)] as Node | undefined;
    return item === undefined ? undefined : { key: null, node: isPair(item) ? null : item };
  }
  if (!isMap(node)) return undefined;
  const pairs = node.items as Pair<Node, Node | null>[];
  const pair = pairs.findLast(({ key }) => isScalar(key) && String(key.value ?? "") === String(step));
  if (pair !== undefined) return { key: pair.key, node: pair.value };
  for (const { key, value } of pairs) {
    if (!isScalar(key) || key.source !== "<<") continue;
    const source = resolved(value);
    for (const map of isSeq(source) ? (source.items as Node[]) : [source]) {
      const found = childOf(resolved(map), step, resolved);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function offsetOf(document: Document.Parsed, path: Path, at: "key" | "value"): number {
  const { key, node, isWhole } = follow(document, path);
  const [first, second] = at === "value" && isWhole ? [node, key] : [key, node];
  // The place of an empty value is the end of its key's line, so the key is the better one.
  const chosen = isScalar(first) && first.source === "" ? (second ?? first) : (first ?? second);
  return chosen?.range?.[0] ?? 0;
}

const INTEGER = /^[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)$/;
const FLOAT =
  /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*)$/;

function integerOf(source: string): number | string {
  const sign = source.startsWith("-") ? -1 : 1;
  const digits = source.replace(/^[-+]/, "").replaceAll("_", "");
  let value: number;
  if (digits.includes(":")) value = sexagesimal(digits);
  else if (/^0[0-7]+$/.test(digits)) value = Number.parseInt(digits, 8);
  else value = Number(digits);
  // Numbers of Python have no limit. One that would lose digits here stays a text.
  return Number.isSafeInteger(value) ? sign * value : source;
}

function floatOf(source: string): number | string {
  const sign = source.startsWith("-") ? -1 : 1;
  const digits = source.replace(/^[-+]/, "").replaceAll("_", "");
  const value = digits.includes(":") ? sexagesimal(digits) : Number(digits);
  return Number.isFinite(value) ? sign * value : source;
}

/** Base 60: `12:30` is 750. */
function sexagesimal(digits: string): number {
  return digits.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** The scalars that PyYAML knows. Dates, `.inf` and `.nan` stay texts, since JSON has neither. */
function pyYamlTags(tags: Tags): Tags {
  const scalar = (tag: string, test: RegExp, resolve: (source: string) => unknown): ScalarTag => ({
    tag: `tag:yaml.org,2002:${tag}`,
    default: true,
    identify: () => false,
    test,
    resolve,
  });
  const kept = tags.filter((tag) => typeof tag === "string" || /:(?:map|seq|str|merge)$/.test(tag.tag));
  return [
    ...kept,
    scalar("null", /^(?:~|null|Null|NULL)?$/, () => null),
    scalar("bool", /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/, () => true),
    scalar("bool", /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/, () => false),
    scalar("int", INTEGER, integerOf),
    scalar("float", FLOAT, floatOf),
  ];
}
