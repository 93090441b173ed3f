// JSON of requests: JavaScript's own reader where it will do.
import { PyFloat, PythonJsonError, type PyValue, readPythonJson } from "../../json/python-json.ts";
import { decodeUtf8 } from "../../json/utf8-fault.ts";
import { NOT_EXACT } from "./oip-data.ts";
import { badInput } from "./oip-types.ts";

/** Makes something of a request's JSON. NaN and infinities are taken, as Python writes them, and integers beyond 2^53 come
 *  as bigints once `use` has thrown NOT_EXACT.
 *  @throws BadInputError; what `use` throws */
export function withJson<Result>(bytes: Uint8Array, use: (value: unknown, exact: boolean) => Result): Result {
  const text = decodeUtf8(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return use(readExactly(text), true);
  }
  try {
    return use(value, false);
  } catch (error) {
    if (error !== NOT_EXACT) throw error;
    return use(readExactly(text), true);
  }
}

/** Digits of a number, of which integers of no type have more than 20: reading them takes the longer the more there are,
 *  1 million of them 2 seconds. Fractions and powers are read otherwise, but nobody writes them so long. */
const MAX_DIGITS = 2000;

function readExactly(text: string): unknown {
  try {
    if (hasLongNumber(text)) throw new PythonJsonError(`a number has more than ${MAX_DIGITS} digits`);
    return toPlain(readPythonJson(text));
  } catch (error) {
    if (!(error instanceof PythonJsonError)) throw error;
    throw badInput(`failed to parse the request JSON buffer: ${error.message}`, error);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const NINE = 0x39;

/** Texts may have as many digits as they like. */
function hasLongNumber(text: string): boolean {
  let digits = 0;
  let inText = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (inText) {
      if (code === BACKSLASH) index++;
      else if (code === QUOTE) inText = false;
    } else if (code >= ZERO && code <= NINE) {
      if (++digits > MAX_DIGITS) return true;
    } else {
      digits = 0;
      inText = code === QUOTE;
    }
  }
  return false;
}

/** As JSON.parse would give it, but for bigints, NaN and infinities. */
function toPlain(value: PyValue): unknown {
  if (value instanceof PyFloat) return value.value;
  if (Array.isArray(value)) {
    // In place, for it is nobody else's, and there may be millions.
    for (let index = 0; index < value.length; index++) (value as unknown[])[index] = toPlain(value[index]!);
    return value;
  }
  if (!(value instanceof Map)) return value;
  const members: Record<string, unknown> = Object.create(null);
  for (const [name, member] of value) members[name] = toPlain(member);
  return members;
}
