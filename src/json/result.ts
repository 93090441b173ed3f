import { attempt } from "../core/attempt.ts";
import { ResultError } from "../core/errors.ts";
import { messageOf } from "../core/thrown.ts";
import { hasToJson, renderPythonJson } from "./renderer.ts";
import { MAX_JSON_DEPTH } from "./values.ts";

/** The answer's body for what run() of a JavaScript score script returned (contract OUT-1, OUT-7, JSON-7).
 *  @param onNotFinite called when there is a NaN or an infinity in it, which JSON does not know
 *  @throws RefusedError for what is not JSON, which `describeRefusal` (result-fault.ts) names with its place; ResultError for
 *    what cannot be read */
export function renderResult(value: unknown, onNotFinite?: () => void): string {
  if (value === undefined || value === null) return "{}";
  try {
    const verdict = survey(value, 0);
    if (verdict === NATIVE) return JSON.stringify(value) ?? "{}";
    if (verdict & REFUSED) throw new RefusedError(value);
    if (verdict & NOT_FINITE) onNotFinite?.();
    return renderPythonJson(value);
  } catch (error) {
    if (attempt(() => error instanceof ResultError, false)) throw error;
    throw unrenderable(error);
  }
}

/** run() returned what is not JSON. What that is takes another look. */
export class RefusedError extends ResultError {
  readonly value: unknown;
  constructor(value: unknown) {
    super("ERR_RESULT", "run() returned a value that is not JSON serializable");
    this.value = value;
  }
}

export function unrenderable(cause: unknown): ResultError {
  const message = `run() returned a value that cannot be rendered as JSON: ${messageOf(cause)}`;
  return new ResultError("ERR_RESULT", message, { cause });
}

/** Types that JSON does not know, by their tags; besides them the views of buffers. */
const NOT_JSON = [
  "Map",
  "Set",
  "WeakMap",
  "WeakSet",
  "ArrayBuffer",
  "SharedArrayBuffer",
  "DataView",
  "Promise",
  "Generator",
  "AsyncGenerator",
  "Error",
  "RegExp",
  "Function",
  "AsyncFunction",
  "GeneratorFunction",
  "AsyncGeneratorFunction",
  "Symbol",
] as const;
export type NotJson = (typeof NOT_JSON)[number];
const TAGS: ReadonlySet<string> = new Set(NOT_JSON);

/** `Map` of `[object Map]`. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

/** What `survey` found, as a sum: JSON.stringify will do; it would refuse a bigint, or lose a NaN or an infinity; there is
 *  something that is not JSON at all. */
type Verdict = number;
const NATIVE = 0;
const BIG = 1;
const NOT_FINITE = 2;
const REFUSED = 4;

/** One quick look at every value before it is rendered; keeps no path, `describeRefusal` finds it again when needed. */
function survey(value: unknown, depth: number): Verdict {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? NATIVE : NOT_FINITE;
    case "object":
      return value === null ? NATIVE : surveyObject(value, depth + 1);
    case "bigint":
      return BIG;
    case "function":
    case "symbol":
      return REFUSED;
    default:
      return NATIVE;
  }
}

function surveyObject(value: object, depth: number): Verdict {
  if (depth > MAX_JSON_DEPTH) return REFUSED; // a circular reference ends here, too
  if (Array.isArray(value)) return hasToJson(value) ? survey(value.toJSON(""), depth) : surveyArray(value, depth);
  const prototype = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null;
  if (!isPlain && (TAGS.has(tagOf(value)) || ArrayBuffer.isView(value))) return REFUSED;
  if (hasToJson(value)) return survey(value.toJSON(""), depth);
  return isPlain ? surveyMembers(value, depth) : surveyArray(Object.values(value), depth);
}

function surveyArray(items: readonly unknown[], depth: number): Verdict {
  let verdict: Verdict = NATIVE;
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    if (typeof item === "number") {
      if (!Number.isFinite(item)) verdict |= NOT_FINITE;
    } else if (typeof item !== "string") {
      verdict |= survey(item, depth);
      if (verdict & REFUSED) return REFUSED;
    }
  }
  return verdict;
}

function surveyMembers(value: object, depth: number): Verdict {
  let verdict: Verdict = NATIVE;
  for (const key in value) {
    verdict |= survey((value as Record<string, unknown>)[key], depth);
    if (verdict & REFUSED) return REFUSED;
  }
  return verdict;
}
