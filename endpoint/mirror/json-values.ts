// JSON values of either reader: the fast one of JavaScript, and the exact one that reads what Python writes.
import { PyFloat, PythonJsonError, readPythonJson } from "../../src/host.ts";

export type JsonObject = Map<string, unknown> | Readonly<Record<string, unknown>>;

/** Integers with so many digits may be more than a double holds. Inside of a string it costs only time. */
const LONG_INTEGER = /(?:^|[[,:\s])-?\d{16,}(?![\d.eE])/;

/** @returns undefined: it is no JSON, not even as Python writes it */
export function readJson(text: string): { readonly value: unknown } | undefined {
  if (!LONG_INTEGER.test(text)) {
    try {
      return { value: JSON.parse(text) };
    } catch {
      // NaN and Infinity are left, which Python writes.
      if (!text.includes("NaN") && !text.includes("Infinity")) return undefined;
    }
  }
  try {
    return { value: readPythonJson(text) };
  } catch (error) {
    if (error instanceof PythonJsonError) return undefined;
    throw error;
  }
}

/** The number itself, where the exact reader has kept how it was written. */
export function bare(value: unknown): unknown {
  return value instanceof PyFloat ? value.value : value;
}

export type JsonType = "null" | "boolean" | "string" | "number" | "array" | "object";

/** @param value bare */
export function typeOf(value: unknown): JsonType {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "bigint" ? "number" : (type as JsonType);
}

export function keysOf(object: JsonObject): string[] {
  return object instanceof Map ? [...object.keys()] : Object.keys(object);
}

export function has(object: JsonObject, key: string): boolean {
  return object instanceof Map ? object.has(key) : Object.hasOwn(object, key);
}

export function memberOf(object: JsonObject, key: string): unknown {
  return object instanceof Map ? object.get(key) : object[key];
}

/** How far two numbers may lie apart: by a part of the greater one, or by so much. */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/** NaN is the same as NaN here: both sides say the same. Integers of any size are compared exactly. */
export function sameNumber(one: number | bigint, other: number | bigint, { relative, absolute }: Tolerance): boolean {
  if (Number.isNaN(one) || Number.isNaN(other)) return Number.isNaN(one) && Number.isNaN(other);
  // Exact where one is a bigint and the other is not.
  if (!(one < other) && !(one > other)) return true;
  if (relative === 0 && absolute === 0) return false;
  const areBig = typeof one === "bigint" && typeof other === "bigint";
  const apart = Math.abs(areBig ? Number(one - other) : Number(one) - Number(other));
  const greater = Math.max(Math.abs(Number(one)), Math.abs(Number(other)));
  // Infinity is no distance: nothing lies within a part of it.
  return Number.isFinite(greater) && apart <= Math.max(relative * greater, absolute);
}

/** Characters of a value that is shown beside another. */
const MAX_VALUE_CHARS = 100;

/** A value in a few words. */
export function shown(value: unknown): string {
  const plain = bare(value);
  switch (typeOf(plain)) {
    case "array":
      return `array of ${(plain as unknown[]).length}`;
    case "object":
      return `object of ${keysOf(plain as JsonObject).length}`;
    case "string":
      return cut(JSON.stringify((plain as string).slice(0, MAX_VALUE_CHARS + 1)), MAX_VALUE_CHARS);
    default:
      return cut(String(plain), MAX_VALUE_CHARS);
  }
}

/** @param max characters, the dots included */
export function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
