// What a field of a message means to who knows its type.
import type { PbMessage, PbValue } from "./pbtxt.ts";
import { PbtxtError, shown } from "./pbtxt-tokens.ts";

/** @returns undefined: the field is not there   @throws PbtxtError when it is there twice */
function only({ fields }: PbMessage, name: string): PbValue | undefined {
  const values = fields.get(name);
  if (values !== undefined && values.length > 1) throw new PbtxtError(values[1]!.line, `${name} is there twice`);
  return values?.[0];
}

function wrong(name: string, wanted: string, value: PbValue): PbtxtError {
  const got =
    value.kind === "message" ? "a message" : typeof value.value === "string" ? shown(value.value) : value.value;
  return new PbtxtError(value.line, `${name} must be ${wanted}, not ${got}`);
}

/** "" is as good as no text, as everywhere in protobuf. */
export function textOf(message: PbMessage, name: string): string {
  const value = only(message, name);
  if (value === undefined) return "";
  if (value.kind !== "string") throw wrong(name, "a string in quotes", value);
  return value.value;
}

/** The name of an enum's value, which may be given as its number.
 *  @param names by their numbers; a number without a name is told as it is */
export function enumOf(message: PbMessage, name: string, names: readonly string[]): string | undefined {
  const value = only(message, name);
  if (value === undefined) return undefined;
  if (value.kind === "word") return value.value;
  const number = value.kind === "number" ? Number(value.value) : Number.NaN;
  if (!Number.isInteger(number)) throw wrong(name, "a name without quotes, or its number", value);
  return names[number] ?? `${number}`;
}

const BOOLEANS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ["true", true],
  ["True", true],
  ["t", true],
  [1, true],
  ["false", false],
  ["False", false],
  ["f", false],
  [0, false],
]);

export function booleanOf(message: PbMessage, name: string): boolean {
  const value = only(message, name);
  if (value === undefined) return false;
  const read = value.kind === "word" || value.kind === "number" ? BOOLEANS.get(value.value) : undefined;
  if (read === undefined) throw wrong(name, "true or false", value);
  return read;
}

/** @param fallback where the field is not there */
export function integerOf(message: PbMessage, name: string, range: Range, fallback: number): number {
  const value = only(message, name);
  return value === undefined ? fallback : integer(name, value, range);
}

export function integersOf({ fields }: PbMessage, name: string, range: Range): number[] {
  return (fields.get(name) ?? []).map((value) => integer(name, value, range));
}

export interface Range {
  readonly least: number;
  /** Default: what fits into 32 bits. */
  readonly most?: number;
  /** In words. */
  readonly wanted: string;
}

/** Of int32. */
const MOST = 2 ** 31 - 1;

function integer(name: string, value: PbValue, { least, most = MOST, wanted }: Range): number {
  const read = value.kind === "number" ? value.value : undefined;
  if (typeof read === "number" && Number.isInteger(read) && read >= least && read <= most) return read;
  throw wrong(name, wanted, value);
}

export function messageOf(message: PbMessage, name: string): PbMessage | undefined {
  const value = only(message, name);
  if (value === undefined || value.kind === "message") return value;
  throw wrong(name, "a message in braces", value);
}

export function messagesOf({ fields }: PbMessage, name: string): PbMessage[] {
  return (fields.get(name) ?? []).map((value) => {
    if (value.kind !== "message") throw wrong(name, "a message in braces", value);
    return value;
  });
}
