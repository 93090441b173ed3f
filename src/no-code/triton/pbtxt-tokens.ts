// The words of protobuf's text format.

/** A text that is not in protobuf's text format. */
export class PbtxtError extends Error {
  /** From 1. */
  readonly line: number;
  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`);
    this.name = "PbtxtError";
    this.line = line;
  }
}

/** `word`: a name, an enum or a boolean; `mark`: one character; `end`: there is nothing more. */
export interface Token {
  readonly kind: "word" | "number" | "string" | "mark" | "end";
  /** As it stands there, with the quotes of a string. */
  readonly text: string;
  readonly line: number;
}

const SPACE = /\s*/y;
const COMMENT = /#[^\n]*/y;
// Every repetition can give way in one manner only, so that no text takes longer than its length.
const TOKEN =
  /(?<word>[A-Za-z_]\w*)|(?<number>0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fF]?)|(?<string>"[^"\\\n]*(?:\\.[^"\\\n]*)*"|'[^'\\\n]*(?:\\.[^'\\\n]*)*')|(?<mark>[{}<>[\]:,;./-])/y;

/** Hands out one token after the other.
 *  @returns each call gives the next one; after the last one `end`, again and again */
export function readTokens(text: string): () => Token {
  let at = 0;
  let line = 1;

  /** What the pattern finds here, which is then behind us; "": nothing. */
  function take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at += match[0].length;
    return match;
  }

  function skip(): void {
    let from: number;
    do {
      from = at;
      for (const character of take(SPACE)![0]) if (character === "\n") line += 1;
      take(COMMENT);
    } while (at > from);
  }

  return () => {
    skip();
    if (at === text.length) return { kind: "end", text: "the end", line };
    const found = take(TOKEN);
    if (found === null) {
      const character = String.fromCodePoint(text.codePointAt(at)!);
      const isQuote = character === '"' || character === "'";
      throw new PbtxtError(line, isQuote ? "a string without its closing quote" : `unexpected ${shown(character)}`);
    }
    const { word, number, string } = found.groups!;
    if (word !== undefined) return { kind: "word", text: word, line };
    if (string !== undefined) return { kind: "string", text: string, line };
    if (number === undefined) return { kind: "mark", text: found[0], line };
    if (/[\w.]/.test(text.charAt(at))) throw new PbtxtError(line, `${shown(number + text.charAt(at))} is no number`);
    return { kind: "number", text: number, line };
  };
}

/** Characters of a text that an error quotes. */
const MAX_SHOWN = 40;

export function shown(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
}

/** @param text without a sign   @returns a bigint where a number would lose digits */
export function numberOf({ text, line }: Token, isNegative: boolean): number | bigint {
  const isInteger = /^(?:\d+|0[xX][\da-fA-F]+)$/.test(text);
  if (!isInteger) return sign(Number(text.replace(/[fF]$/, "")), isNegative);
  const isOctal = /^0\d/.test(text);
  if (isOctal && /[89]/.test(text)) throw new PbtxtError(line, `${shown(text)} is no octal number`);
  const fits = text.length <= MAX_DIGITS;
  const exact = fits ? BigInt(isOctal ? `0o${text.slice(1)}` : text) : 0n;
  if (!fits || exact > MAX_INTEGER) throw new PbtxtError(line, `${shown(text)} does not fit into 64 bits`);
  const isSafe = exact <= BigInt(Number.MAX_SAFE_INTEGER);
  if (isSafe) return sign(Number(exact), isNegative);
  return isNegative ? -exact : exact;
}

/** Of uint64, the largest type of integers there is. */
const MAX_INTEGER = 2n ** 64n - 1n;

/** Of its digits in any base, with room for zeros in front. Reading a million of them would take minutes. */
const MAX_DIGITS = 64;

function sign(value: number, isNegative: boolean): number {
  return isNegative && value !== 0 ? -value : value;
}

const ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  "\\": 92,
  "'": 39,
  '"': 34,
  "?": 63,
};
const ESCAPE =
  /\\(?:([0-7]{1,3})|[xX]([\da-fA-F]{1,2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([abtnvfr\\'"?]))|(\\)|[^\\]+/g;

/** What is between the quotes. A string is bytes in UTF-8, which escapes may name one by one. */
export function bytesOf({ text, line }: Token): Uint8Array {
  const inner = text.slice(1, -1);
  if (!inner.includes("\\")) return Buffer.from(inner);
  const parts = [...inner.matchAll(ESCAPE)].map(([whole, octal, hex, short, long, letter, stray]) => {
    if (octal !== undefined) return Buffer.of(byte(Number.parseInt(octal, 8), line));
    if (hex !== undefined) return Buffer.of(Number.parseInt(hex, 16));
    const point = short ?? long;
    if (point !== undefined) return character(Number.parseInt(point, 16), line);
    if (letter !== undefined) return Buffer.of(ESCAPES[letter]!);
    if (stray !== undefined) throw new PbtxtError(line, `a string with an unknown escape in ${shown(inner)}`);
    return Buffer.from(whole);
  });
  return Buffer.concat(parts);
}

function byte(value: number, line: number): number {
  if (value > 0xff) throw new PbtxtError(line, `a string with the escape \\${value.toString(8)}, which is no byte`);
  return value;
}

function character(point: number, line: number): Buffer {
  const isCharacter = point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
  if (!isCharacter) throw new PbtxtError(line, `a string with the escape of U+${point.toString(16)}, no character`);
  return Buffer.from(String.fromCodePoint(point));
}
