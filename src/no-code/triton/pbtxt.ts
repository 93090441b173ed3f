// Reads protobuf's text format without a schema, so that a field which a newer Triton has brought stands in nobody's way
// (TRI-13, TRI-15). What a value means is known only to who asks for it: a message may be one of many, a word may be an
// enum or a boolean.
import { bytesOf, numberOf, PbtxtError, readTokens, shown, type Token } from "./pbtxt-tokens.ts";

export type PbValue = PbMessage | PbScalar;

/** A field given several times and a list mean the same; one that is given as an empty list has no values. */
export interface PbMessage {
  readonly kind: "message";
  readonly line: number;
  /** By name; that of an extension is in brackets. */
  readonly fields: ReadonlyMap<string, readonly PbValue[]>;
}

export type PbScalar =
  | { readonly kind: "word"; readonly line: number; readonly value: string }
  | { readonly kind: "string"; readonly line: number; readonly value: string }
  /** A bigint where a number would lose digits. */
  | { readonly kind: "number"; readonly line: number; readonly value: number | bigint };

/** Messages within messages, as many as protobuf itself follows. */
const MAX_DEPTH = 100;
const CLOSING: Readonly<Record<string, string>> = { "{": "}", "<": ">" };
const NOT_FINITE: ReadonlyMap<string, number> = new Map([
  ["inf", Number.POSITIVE_INFINITY],
  ["infinity", Number.POSITIVE_INFINITY],
  ["nan", Number.NaN],
]);

/** @throws PbtxtError with the line */
export function readPbtxt(text: string): PbMessage {
  const nextToken = readTokens(text);
  let token = nextToken();

  function next(): Token {
    const taken = token;
    token = nextToken();
    return taken;
  }

  function isA(kind: Token["kind"]): boolean {
    return token.kind === kind;
  }

  function isMark(...marks: readonly string[]): boolean {
    return isA("mark") && marks.includes(token.text);
  }

  function takeMark(...marks: readonly string[]): boolean {
    const isThere = isMark(...marks);
    if (isThere) next();
    return isThere;
  }

  function expect(mark: string): void {
    if (!takeMark(mark)) throw unexpected(shown(mark));
  }

  function unexpected(wanted: string): PbtxtError {
    return new PbtxtError(token.line, `expected ${wanted}, found ${isA("end") ? "the end" : shown(token.text)}`);
  }

  /** @param closing undefined: the end of the text */
  function message(line: number, closing: string | undefined, depth: number): PbMessage {
    if (depth > MAX_DEPTH) throw new PbtxtError(line, `more than ${MAX_DEPTH} messages within each other`);
    const fields = new Map<string, PbValue[]>();
    while (closing === undefined ? !isA("end") : !takeMark(closing)) {
      const name = fieldName(closing);
      const values = fieldValues(depth);
      const known = fields.get(name);
      if (known === undefined) fields.set(name, values);
      else for (const value of values) known.push(value);
      takeMark(",", ";");
    }
    return { kind: "message", line, fields };
  }

  function fieldName(closing: string | undefined): string {
    if (isA("word")) return next().text;
    if (!isMark("[")) throw unexpected(closing === undefined ? "a field" : `a field or ${shown(closing)}`);
    let name = next().text;
    while (!isMark("]")) {
      if (!isA("word") && !isMark(".", "/", "-")) throw unexpected('the name of an extension and "]"');
      name += next().text;
    }
    return name + next().text;
  }

  function fieldValues(depth: number): PbValue[] {
    const hasColon = takeMark(":");
    if (!takeMark("[")) return [value(depth, hasColon)];
    const values: PbValue[] = [];
    if (takeMark("]")) return values;
    do values.push(value(depth, hasColon));
    while (takeMark(","));
    expect("]");
    return values;
  }

  function value(depth: number, hasColon: boolean): PbValue {
    const { line } = token;
    if (isMark("{", "<")) return message(line, CLOSING[next().text], depth + 1);
    if (!hasColon) throw unexpected('":" or "{"');
    if (isA("string")) return { kind: "string", line, value: joined(line) };
    const isNegative = takeMark("-");
    if (isA("number")) return { kind: "number", line, value: numberOf(next(), isNegative) };
    if (!isA("word")) throw unexpected("a value");
    const limit = NOT_FINITE.get(token.text.toLowerCase());
    if (limit !== undefined && next()) return { kind: "number", line, value: isNegative ? -limit : limit };
    if (isNegative) throw unexpected("a number");
    return { kind: "word", line, value: next().text };
  }

  /** Strings that follow each other are one. */
  function joined(line: number): string {
    const parts: Uint8Array[] = [];
    while (isA("string")) parts.push(bytesOf(next()));
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
    } catch {
      throw new PbtxtError(line, "a string that is not UTF-8");
    }
  }

  return message(1, undefined, 0);
}
