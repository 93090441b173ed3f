// Only for what has failed: says what of a result is not JSON.
import { ResultError } from "../core/errors.ts";
import { hasToJson } from "./renderer.ts";
import { type NotJson, type RefusedError, tagOf, unrenderable } from "./result.ts";
import { MAX_JSON_DEPTH } from "./values.ts";

/** What to do instead, by the type's tag. */
const ADVICE: Readonly<Record<NotJson, string>> = {
  Map: "use Object.fromEntries(...)",
  Set: "use Array.from(...)",
  WeakMap: "its entries cannot be listed",
  WeakSet: "its entries cannot be listed",
  ArrayBuffer: "use Array.from(new Uint8Array(...))",
  SharedArrayBuffer: "use Array.from(new Uint8Array(...))",
  DataView: "read its numbers into an array",
  Promise: "await it",
  Generator: "use Array.from(...)",
  AsyncGenerator: "collect its items in an array first",
  Error: "throw it, or return its message",
  RegExp: "return its source",
  Function: "call it, or leave it out",
  AsyncFunction: "call it, or leave it out",
  GeneratorFunction: "call it, or leave it out",
  AsyncGeneratorFunction: "call it, or leave it out",
  Symbol: "return a string",
};

/** Undefined for what JSON can hold. */
function adviceFor(value: unknown): string | undefined {
  const advice = ADVICE[tagOf(value) as NotJson] as string | undefined;
  return advice ?? (ArrayBuffer.isView(value) ? "use Array.from(...)" : undefined);
}

/** The failure in full. Never throws. */
export function describeRefusal({ value }: RefusedError): ResultError {
  try {
    return new ResultError("ERR_RESULT", describeFault(value));
  } catch (error) {
    return unrenderable(error);
  }
}

/** What of a value is not JSON, where it lies in it, and what to do instead. */
function describeFault(value: unknown): string {
  return findFault(value, "$", []) ?? "run() returned a value that is not JSON serializable";
}

/** @param parents the objects `value` lies in, outermost first; left as it was found */
function findFault(value: unknown, path: string, parents: unknown[]): string | undefined {
  const advice = adviceFor(value);
  if (advice !== undefined) {
    return `run() returned ${withArticle(typeName(value))} at ${path}: not JSON serializable; ${advice}`;
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (parents.includes(value)) {
    return `run() returned a circular reference at ${path}: not JSON serializable; return data that does not contain itself`;
  }
  if (parents.length >= MAX_JSON_DEPTH) {
    return `run() returned data nested deeper than ${MAX_JSON_DEPTH} levels: not JSON serializable; return flatter data`;
  }
  parents.push(value);
  const fault = hasToJson(value) ? findFault(value.toJSON(""), path, parents) : findFaultInside(value, path, parents);
  parents.pop();
  return fault;
}

function findFaultInside(value: object, path: string, parents: unknown[]): string | undefined {
  const isArray = Array.isArray(value);
  for (const [key, member] of Object.entries(value)) {
    const fault = findFault(member, path + (isArray ? `[${key}]` : memberPath(key)), parents);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function memberPath(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function typeName(value: unknown): string {
  if (typeof value === "function" || typeof value === "symbol") return typeof value;
  const name: unknown = (value as object).constructor?.name;
  return typeof name === "string" && name !== "" ? name : tagOf(value);
}

function withArticle(noun: string): string {
  return `${/^[AEIO]/i.test(noun) ? "an" : "a"} ${noun}`;
}
