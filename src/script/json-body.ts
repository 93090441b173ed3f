import { BadInputError } from "../core/errors.ts";
import { PyFloat, PythonJsonError, type PyValue, readPythonJson } from "../json/python-json.ts";
import { decodeUtf8 } from "../json/utf8-fault.ts";

/** The members of a request's JSON object, as `JSON.parse` gives them. What it refuses is read again as Python reads it,
 *  which also knows NaN, other encodings, and what to say of a mistake (contract IN-10 to IN-12, IN-15 to IN-17).
 *  @param exact true: integers beyond the safe range are bigints
 *  @throws BadInputError `ERR_BAD_INPUT` */
export function readMembers(body: Uint8Array, exact = false): Readonly<Record<string, unknown>> {
  if (body.length === 0) throw refusal("POST body is empty. Expecting a JSON dictionary.");
  const value = withoutJsonError(() => readJson(body, exact));
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw refusal("POST body should be a JSON dictionary.");
  }
  return value as Record<string, unknown>;
}

/** Any JSON, as `readMembers` reads it. @throws PythonJsonError, BadInputError where the bytes are no text */
export function readJson(body: Uint8Array, exact = false): unknown {
  try {
    const text = decodeUtf8(body);
    if (!exact || !LONG_INTEGER.test(text)) return JSON.parse(text);
  } catch {
    // Said better below.
  }
  return toPlain(readPythonJson(decodeJson(body)), exact);
}

/** Of the first length that may lie beyond the safe range; in a text it costs no more than another look. */
const LONG_INTEGER = /(?<![.\d])\d{16,}(?![.\deE])/;

/** As `json.loads` reads bytes. @throws BadInputError */
export function readLikePython(body: Uint8Array): unknown {
  return withoutJsonError(() => toPlain(readPythonJson(decodeJson(body)), false));
}

function withoutJsonError(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PythonJsonError)) throw error;
    throw refusal(`POST body could not be decoded as JSON: ${error.message}`);
  }
}

function refusal(message: string): BadInputError {
  return new BadInputError("ERR_BAD_INPUT", message);
}

/** By the byte order mark, or by where the zero bytes lie among the first four: JSON begins with ASCII. */
function decodeJson(body: Uint8Array): string {
  const [a, b, c, d] = body;
  const isWide = body.length >= 4 && body.length % 4 === 0;
  if (isWide && a === 0xff && b === 0xfe && c === 0 && d === 0) return decodeUtf32(body.subarray(4), true);
  if (isWide && a === 0 && b === 0 && c === 0xfe && d === 0xff) return decodeUtf32(body.subarray(4), false);
  if (a === 0xff && b === 0xfe) return decodeUtf16(body.subarray(2), "utf-16le");
  if (a === 0xfe && b === 0xff) return decodeUtf16(body.subarray(2), "utf-16be");
  if (isWide && a === 0 && b === 0) return decodeUtf32(body, false);
  if (isWide && b === 0 && c === 0 && d === 0) return decodeUtf32(body, true);
  if (body.length >= 2 && a === 0) return decodeUtf16(body, "utf-16be");
  if (body.length >= 2 && b === 0) return decodeUtf16(body, "utf-16le");
  return decodeUtf8(body).replace(/^\ufeff/, "");
}

function decodeUtf16(bytes: Uint8Array, encoding: "utf-16le" | "utf-16be"): string {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refusal(`Input cannot be decoded as ${encoding.toUpperCase()}`);
  }
}

function decodeUtf32(bytes: Uint8Array, littleEndian: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  for (let offset = 0; offset < bytes.length; offset += 4) {
    const point = view.getUint32(offset, littleEndian);
    if (point > 0x10ffff) throw refusal("Input cannot be decoded as UTF-32");
    text += String.fromCodePoint(point);
  }
  return text;
}

/** What `JSON.parse` would have made of it: numbers are numbers, whatever their size, unless they are to be exact. */
function toPlain(value: PyValue, exact: boolean): unknown {
  if (typeof value === "bigint") return exact ? value : Number(value);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof PyFloat) return value.value;
  if (Array.isArray(value)) return value.map((item) => toPlain(item, exact));
  const members: Record<string, unknown> = {};
  for (const [name, member] of value) {
    // An assignment to `__proto__` would not make a member of it.
    Object.defineProperty(members, name, {
      value: toPlain(member, exact),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return members;
}
