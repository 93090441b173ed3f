// JSON and YAML without loss: integers of any size, and floats that are sent as floats.
import { LineCounter, type Node, parseDocument, type ScalarTag, type Tags } from "yaml";
import { has, type JsonObject, keysOf, memberOf } from "../endpoint/mirror/json-values.ts";
import { PyFloat, PythonJsonError, readPythonJson } from "../src/host.ts";

export type Path = readonly (string | number)[];

export interface ReadValue {
  readonly value: unknown;
  /** Line of what stands at a path, or of the nearest thing above it; undefined: not known. */
  lineOf(path: Path): number | undefined;
}

/** A text that is neither JSON nor YAML. */
export class ReadError extends Error {
  /** From 1; undefined: not known. */
  readonly line: number | undefined;
  constructor(message: string, line?: number) {
    super(message);
    this.name = "ReadError";
    this.line = line;
  }
}

/** @throws ReadError */
export function readJsonValue(text: string): ReadValue {
  try {
    return { value: readPythonJson(text), lineOf: () => undefined };
  } catch (error) {
    if (!(error instanceof PythonJsonError)) throw error;
    const line = /line (\d+)/.exec(error.message)?.[1];
    throw new ReadError(`is not JSON: ${error.message}`, line === undefined ? undefined : Number(line));
  }
}

/** Aliases of a file: beyond that it is an attack, and the library takes seconds. */
const MAX_ALIASES = 100;

const TOO_DEEP = "is nested too deeply";

/** @throws ReadError */
export function readYamlValue(text: string): ReadValue {
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, {
      version: "1.2",
      intAsBigInt: true,
      customTags: exactFloats,
      merge: true,
      prettyErrors: false,
      logLevel: "error",
      lineCounter: lines,
    });
    const [error] = [...document.errors, ...document.warnings];
    if (error !== undefined) {
      const [message = ""] = error.message.split("\n");
      if (message.includes("call stack")) throw new ReadError(TOO_DEEP);
      throw new ReadError(`is not YAML: ${message}`, Math.max(1, lines.linePos(error.pos[0]).line));
    }
    const value = withNumbers(document.toJS({ maxAliasCount: MAX_ALIASES }));
    return {
      value,
      lineOf(path) {
        for (let length = path.length; length >= 0; length--) {
          const node = document.getIn(path.slice(0, length), true) as Node | undefined;
          const at = node?.range?.[0];
          if (at !== undefined) return lines.linePos(at).line;
        }
        return undefined;
      },
    };
  } catch (error) {
    if (error instanceof ReadError) throw error;
    if (error instanceof RangeError) throw new ReadError(TOO_DEEP);
    throw new ReadError(`is not YAML: ${(error as Error).message}`);
  }
}

/** Floats of YAML as the exact reader of JSON gives them. */
function exactFloats(tags: Tags): Tags {
  return tags.map((tag) => {
    if (typeof tag === "string" || tag.tag !== "tag:yaml.org,2002:float") return tag;
    const { resolve } = tag as ScalarTag;
    return {
      ...(tag as ScalarTag),
      resolve: (...given: Parameters<ScalarTag["resolve"]>) => {
        const read = resolve(...given);
        return new PyFloat(typeof read === "number" ? read : Number(given[0]));
      },
    };
  });
}

/** Integers that a double holds as numbers. */
function withNumbers(value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (Array.isArray(value)) return value.map(withNumbers);
  if (!isMap(value)) return value;
  return Object.fromEntries(keysOf(value).map((key) => [key, withNumbers(memberOf(value, key))]));
}

export function isMap(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof PyFloat);
}

/** What stands under a key; undefined: nothing. */
export function at(value: unknown, key: string): unknown {
  return isMap(value) && has(value, key) ? memberOf(value, key) : undefined;
}

/** The value as JavaScript's own reader would give it. */
export function plain(value: unknown): unknown {
  if (value instanceof PyFloat) return value.value;
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  return isMap(value) ? Object.fromEntries(keysOf(value).map((key) => [key, plain(memberOf(value, key))])) : value;
}

/** Levels of an expected value: as many as an answer may have. */
const MAX_DEPTH = 1_000;

/** Why nothing can be like this value; undefined: it can be compared. */
export function incomparable(value: unknown): string | undefined {
  const open: { readonly value: unknown; readonly path: string; readonly depth: number }[] = [
    { value, path: "$", depth: 0 },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value: found, path, depth } = next;
    const number = found instanceof PyFloat ? found.value : found;
    if (typeof number === "number" && !Number.isFinite(number)) return `holds ${number} at ${path}`;
    if (depth > MAX_DEPTH) return `has more than ${MAX_DEPTH} levels`;
    if (Array.isArray(found)) {
      for (const [index, item] of found.entries()) {
        open.push({ value: item, path: `${path}[${index}]`, depth: depth + 1 });
      }
    } else if (isMap(found)) {
      for (const key of keysOf(found)) {
        open.push({ value: memberOf(found, key), path: `${path}.${key}`, depth: depth + 1 });
      }
    }
  }
  return undefined;
}
