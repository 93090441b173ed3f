import { MAX_JSON_DEPTH, PyFloat, PythonJsonError, type PyValue } from "./values.ts";

/** Reads JSON as Python's `json.loads` does (contract JSON-6).
 *  @throws PythonJsonError */
export function readPythonJson(text: string): PyValue {
  if (text.startsWith("\ufeff")) {
    throw syntaxError("Unexpected UTF-8 BOM (decode using utf-8-sig)", text, 0);
  }
  const reader = new Reader(text);
  reader.skipBlanks();
  const value = reader.readValue(0);
  reader.skipBlanks();
  if (reader.position < text.length) throw syntaxError("Extra data", text, reader.position);
  return value;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: raw control characters end the run, and are then refused
const PLAIN_CHARACTERS = /[^"\\\u0000-\u001f]*/y;
const HEX4 = /[0-9a-fA-F]{4}/y;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
const WORDS: readonly (readonly [word: string, value: PyValue])[] = [
  ["null", null],
  ["true", true],
  ["false", false],
  ["NaN", new PyFloat(Number.NaN)],
  ["Infinity", new PyFloat(Number.POSITIVE_INFINITY)],
  ["-Infinity", new PyFloat(Number.NEGATIVE_INFINITY)],
];
/** Integers of up to so many characters are safe without a look. */
const SAFE_INTEGER_LENGTH = 15;
/** Python's limit, for the same reason: a million digits take seconds. */
const MAX_INTEGER_DIGITS = 4300;

class Reader {
  position = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  skipBlanks(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.position);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.position++;
    }
  }

  readValue(depth: number): PyValue {
    switch (this.#text[this.position]) {
      case '"':
        return this.#readString();
      case "{":
        return this.#readObject(depth + 1);
      case "[":
        return this.#readArray(depth + 1);
      default:
        return this.#readWordOrNumber();
    }
  }

  #readObject(depth: number): Map<string, PyValue> {
    this.#checkDepth(depth);
    const members = new Map<string, PyValue>();
    this.position++;
    this.skipBlanks();
    if (this.#take("}")) return members;
    for (;;) {
      if (this.#text[this.position] !== '"') throw this.#error("Expecting property name enclosed in double quotes");
      const key = this.#readString();
      this.skipBlanks();
      if (!this.#take(":")) throw this.#error("Expecting ':' delimiter");
      this.skipBlanks();
      members.set(key, this.readValue(depth));
      this.skipBlanks();
      if (this.#take("}")) return members;
      if (!this.#take(",")) throw this.#error("Expecting ',' delimiter");
      this.skipBlanks();
    }
  }

  #readArray(depth: number): PyValue[] {
    this.#checkDepth(depth);
    const items: PyValue[] = [];
    this.position++;
    this.skipBlanks();
    if (this.#take("]")) return items;
    for (;;) {
      items.push(this.readValue(depth));
      this.skipBlanks();
      if (this.#take("]")) return items;
      if (!this.#take(",")) throw this.#error("Expecting ',' delimiter");
      this.skipBlanks();
    }
  }

  #readString(): string {
    const text = this.#text;
    const start = this.position;
    let value = "";
    this.position++;
    for (;;) {
      PLAIN_CHARACTERS.lastIndex = this.position;
      PLAIN_CHARACTERS.test(text);
      const end = PLAIN_CHARACTERS.lastIndex;
      value += text.slice(this.position, end);
      this.position = end;
      if (this.#take('"')) return value;
      if (end >= text.length) throw syntaxError("Unterminated string starting at", text, start);
      if (!this.#take("\\")) throw this.#error("Invalid control character at");
      value += this.#readEscape(start);
    }
  }

  /** The position is behind the backslash. */
  #readEscape(stringStart: number): string {
    const text = this.#text;
    const letter = text[this.position];
    if (letter === undefined) throw syntaxError("Unterminated string starting at", text, stringStart);
    if (letter === "u") {
      HEX4.lastIndex = this.position + 1;
      // Python wants one more character after the digits before it looks at them.
      if (this.position + 5 >= text.length || !HEX4.test(text)) throw this.#error("Invalid \\uXXXX escape");
      this.position += 5;
      return String.fromCharCode(Number.parseInt(text.slice(this.position - 4, this.position), 16));
    }
    const character = SHORT_ESCAPES[letter];
    if (character === undefined) throw syntaxError("Invalid \\escape", text, this.position - 1);
    this.position++;
    return character;
  }

  #readWordOrNumber(): PyValue {
    const text = this.#text;
    NUMBER.lastIndex = this.position;
    const match = NUMBER.exec(text);
    if (match !== null) {
      this.position = NUMBER.lastIndex;
      const isFloat = match[1] !== undefined || match[2] !== undefined;
      return isFloat ? new PyFloat(Number(match[0])) : toInteger(match[0]);
    }
    for (const [word, value] of WORDS) {
      if (text.startsWith(word, this.position)) {
        this.position += word.length;
        return value;
      }
    }
    throw this.#error("Expecting value");
  }

  #take(character: string): boolean {
    if (this.#text[this.position] !== character) return false;
    this.position++;
    return true;
  }

  #checkDepth(depth: number): void {
    if (depth > MAX_JSON_DEPTH) throw this.#error(`Nested deeper than ${MAX_JSON_DEPTH} levels`);
  }

  #error(reason: string): PythonJsonError {
    return syntaxError(reason, this.#text, this.position);
  }
}

function toInteger(digits: string): number | bigint {
  if (digits.length <= SAFE_INTEGER_LENGTH) return Number(digits) || 0; // -0 is 0 to Python
  const count = digits.startsWith("-") ? digits.length - 1 : digits.length;
  if (count > MAX_INTEGER_DIGITS) {
    const limit = `Exceeds the limit (${MAX_INTEGER_DIGITS} digits) for integer string conversion`;
    throw new PythonJsonError(`${limit}: value has ${count} digits`);
  }
  const exact = BigInt(digits);
  const near = Number(exact);
  return Number.isSafeInteger(near) ? near : exact;
}

/** Python counts characters where JavaScript counts UTF-16 units. */
function syntaxError(reason: string, text: string, position: number): PythonJsonError {
  const before = text.slice(0, position);
  const lineStart = before.lastIndexOf("\n") + 1;
  const line = before.split("\n").length;
  const column = countCharacters(before.slice(lineStart)) + 1;
  return new PythonJsonError(`${reason}: line ${line} column ${column} (char ${countCharacters(before)})`);
}

function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
