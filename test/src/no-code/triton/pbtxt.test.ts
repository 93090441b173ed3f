import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type PbMessage, type PbValue, readPbtxt } from "../../../../src/no-code/triton/pbtxt.ts";
import { PbtxtError } from "../../../../src/no-code/triton/pbtxt-tokens.ts";

type Plain = string | number | bigint | { word: string } | { [name: string]: Plain[] };

/** A message without lines; a word is marked, so that it differs from a string. */
function plain(message: PbMessage): Record<string, Plain[]> {
  const of = (value: PbValue): Plain =>
    value.kind === "message" ? plain(value) : value.kind === "word" ? { word: value.value } : value.value;
  return Object.fromEntries([...message.fields].map(([name, values]) => [name, values.map(of)]));
}

const read = (text: string) => plain(readPbtxt(text));

function problemOf(text: string): string {
  try {
    readPbtxt(text);
  } catch (error) {
    expect(error).toBeInstanceOf(PbtxtError);
    return (error as PbtxtError).message;
  }
  throw new Error(`nothing is wrong with ${text}`);
}

describe("the grammar (TRI-15)", () => {
  test.each<[string, string, object]>([
    ["nothing", "", {}],
    ["blanks and comments only", " \n# dims: [ 1 ]\n\t# more", {}],
    ["a scalar", 'name: "addsub"', { name: ["addsub"] }],
    ["a blank before the colon", "max_batch_size : 8", { max_batch_size: [8] }],
    ["hardly a blank", "a:1 b:2", { a: [1], b: [2] }],
    ["a word is no string", 'a: TYPE_FP32 b: "TYPE_FP32"', { a: [{ word: "TYPE_FP32" }], b: ["TYPE_FP32"] }],
    ["a message", "reshape { shape: 1 }", { reshape: [{ shape: [1] }] }],
    ["a message with a colon", "reshape: { shape: 1 }", { reshape: [{ shape: [1] }] }],
    ["a message in angle brackets", "reshape < shape: 1 >", { reshape: [{ shape: [1] }] }],
    ["angle brackets with a colon", "reshape: < inner { a: 1 } >", { reshape: [{ inner: [{ a: [1] }] }] }],
    ["an empty message", "all { } latest {}", { all: [{}], latest: [{}] }],
    ["a list of scalars", "dims: [ -1, 224 ,3]", { dims: [-1, 224, 3] }],
    ["a field that is repeated", "dims: 1 dims: [ 2, 3 ] dims: 4", { dims: [1, 2, 3, 4] }],
    ["a list of messages", "input [ { a: 1 }, < a: 2 > ]", { input: [{ a: [1] }, { a: [2] }] }],
    ["a list of messages with a colon", "input: [ { a: 1 } ]", { input: [{ a: [1] }] }],
    ["empty lists", "dims: [ ] input []", { dims: [], input: [] }],
    [
      "commas and semicolons between fields",
      "a: 1, b: 2; c { d: 1, }, e: 3;",
      { a: [1], b: [2], c: [{ d: [1] }], e: [3] },
    ],
    ["strings in either quote", `a: "it's" b: 'say "no"'`, { a: ["it's"], b: ['say "no"'] }],
    ["strings that follow each other", `a: "one" 'two'\n# between\n "three"`, { a: ["onetwothree"] }],
    ["escapes of letters", String.raw`a: "\a\b\t\n\v\f\r\\\'\"\?"`, { a: ["\x07\b\t\n\v\f\r\\'\"?"] }],
    ["escapes of bytes", String.raw`a: "\303\251 \xc3\xa9 \0 \x41"`, { a: ["é é \0 A"] }],
    ["bytes of one character in two strings", String.raw`a: "\xc3" "\xa9"`, { a: ["é"] }],
    ["escapes of characters", String.raw`a: "\u00e9\U0001F600"`, { a: ["é😀"] }],
    ["text that is not ASCII", 'a: "größe 模型 😀"', { a: ["größe 模型 😀"] }],
    ["a comment character in a string", 'a: "# no comment" # one', { a: ["# no comment"] }],
    ["an empty string", "a: \"\" b: ''", { a: [""], b: [""] }],
    ["integers of every base", "a: [ 10, 0x1F, 0X1f, 017, 0 ]", { a: [10, 31, 31, 15, 0] }],
    ["signs, also apart from the number", "a: [ -1, - 2, -0x10, -017, -0 ]", { a: [-1, -2, -16, -15, 0] }],
    ["64 bits", "a: [ 18446744073709551615, -9223372036854775808 ]", { a: [2n ** 64n - 1n, -(2n ** 63n)] }],
    ["broken numbers", "a: [ 1.5, .5, 5., 1e3, 1.5E-3, -2.5e+2 ]", { a: [1.5, 0.5, 5, 1000, 0.0015, -250] }],
    ["the suffix of a float", "a: [ 1f, 1.5F, 1e3f ]", { a: [1, 1.5, 1000] }],
    [
      "what is not finite",
      "a: [ inf, -inf, Infinity, -INFINITY, nan, -nan ]",
      {
        a: [Infinity, -Infinity, Infinity, -Infinity, NaN, NaN],
      },
    ],
    [
      "keys of extensions",
      "[nvidia.ext_v2] { a: 1 } [type.googleapis.com/a.B]: { }",
      {
        "[nvidia.ext_v2]": [{ a: [1] }],
        "[type.googleapis.com/a.B]": [{}],
      },
    ],
    [
      "names like words with a meaning",
      "inf: 1 true: false nan { }",
      { inf: [1], true: [{ word: "false" }], nan: [{}] },
    ],
    ["line ends of Windows", "a: 1\r\nb: 2\r\n", { a: [1], b: [2] }],
    [
      "names like members that every object has",
      "constructor: 1 __proto__x: 2 toString { }",
      {
        constructor: [1],
        __proto__x: [2],
        toString: [{}],
      },
    ],
    ["a word like such a member", "a: constructor", { a: [{ word: "constructor" }] }],
  ])("takes %s", (_, text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  test.each([
    ["a value without a field", "1", 'line 1: expected a field, found "1"'],
    ["a field without a value", "a:", "line 1: expected a value, found the end"],
    ["a scalar without a colon", "a 1", 'line 1: expected ":" or "{", found "1"'],
    ["a list of scalars without a colon", "dims [ 1 ]", 'line 1: expected ":" or "{", found "1"'],
    ["a message that is not closed", "a {\n b: 1\n", 'line 3: expected a field or "}", found the end'],
    ["a message closed by the other bracket", "a { b: 1 >", 'line 1: expected a field or "}", found ">"'],
    ["a closing bracket too many", "a: 1\n}", 'line 2: expected a field, found "}"'],
    ["a list that is not closed", "a: [ 1, 2", 'line 1: expected "]", found the end'],
    ["a comma after the last of a list", "a: [ 1, ]", 'line 1: expected a value, found "]"'],
    ["messages of a list without a comma", "a [ { }\n{ } ]", 'line 2: expected "]", found "{"'],
    ["two commas", "a: 1,, b: 2", 'line 1: expected a field, found ","'],
    ["a list in a list", "a: [ [ 1 ] ]", 'line 1: expected a value, found "["'],
    ["a string that is not closed", 'a: 1\nb: "x\n"', "line 2: a string without its closing quote"],
    ["an unknown escape", String.raw`a: "\q"`, String.raw`line 1: a string with an unknown escape in "\\q"`],
    [
      "an escape that is no byte",
      String.raw`a: "\777"`,
      String.raw`line 1: a string with the escape \777, which is no byte`,
    ],
    ["half a surrogate pair", String.raw`a: "\ud800"`, "line 1: a string with the escape of U+d800, no character"],
    [
      "a character beyond Unicode",
      String.raw`a: "\U00110000"`,
      "line 1: a string with the escape of U+110000, no character",
    ],
    ["bytes that are no text", String.raw`a: "\xff"`, "line 1: a string that is not UTF-8"],
    ["nine in an octal number", "a: 09", 'line 1: "09" is no octal number'],
    ["an integer of 65 bits", "a: 18446744073709551616", 'line 1: "18446744073709551616" does not fit into 64 bits'],
    ["a million digits", `a: ${"1".repeat(1_000_000)}`, `line 1: "${"1".repeat(40)}…" does not fit into 64 bits`],
    ["a number with a word behind", "a: 12abc", 'line 1: "12a" is no number'],
    ["a number with two points", "a: 1.2.3", 'line 1: "1.2." is no number'],
    ["a minus before a word", "a: -TRUE", 'line 1: expected a number, found "TRUE"'],
    ["a character that has no meaning", "a: 1\n  ☃", 'line 2: unexpected "☃"'],
    ["JSON", '{"name": "x"}', 'line 1: expected a field, found "{"'],
    [
      "the key of an extension that is not closed",
      "[a.b { }",
      'line 1: expected the name of an extension and "]", found "{"',
    ],
  ])("refuses %s", (_, text, problem) => {
    expect(problemOf(text)).toBe(problem);
  });

  test("follows a hundred messages within each other and no more", () => {
    const nested = (depth: number) => `${"a { ".repeat(depth)}${"} ".repeat(depth)}`;
    expect(readPbtxt(nested(100)).fields.size).toBe(1);
    expect(problemOf(nested(101))).toBe("line 1: more than 100 messages within each other");
    expect(problemOf("a: [{ ".repeat(1_000_000))).toBe("line 1: more than 100 messages within each other");
  });

  test.each([
    ["blanks", " "],
    ["lines", "\n"],
    ["comments", "#\n"],
    ["escapes", '"'.padEnd(2, "\\n")],
  ])("takes megabytes of %s", (_, piece) => {
    const text = piece.startsWith('"') ? `a: "${"\\n".repeat(1_000_000)}"` : `${piece.repeat(1_000_000)}a: 1`;
    expect(readPbtxt(text).fields.size).toBe(1);
    expect(problemOf(text.slice(0, -1).replace("a: 1", "a:"))).toMatch(/^line \d+: /);
  });
});

/** One way to write each thing, chosen anew each time it is asked. */
interface Style {
  pick<T>(...ways: readonly T[]): T;
}

function print(message: Record<string, Plain[]>, style: Style): string {
  const gap = () => style.pick(" ", "\n", "  ", "\t", "\r\n", " # a comment: { [ \" '\n");
  const colon = () => style.pick(":", " :", ": ", ` :${gap()}`);
  const isMessage = (value: Plain) => typeof value === "object" && typeof value.word !== "string";

  function scalar(value: Plain): string {
    if (typeof value === "string") return text(value);
    if (typeof value === "object") return (value as { word: string }).word;
    if (typeof value === "number" && !Number.isFinite(value)) {
      const limit = Number.isNaN(value) ? style.pick("nan", "NaN") : style.pick("inf", "Infinity");
      return value < 0 ? style.pick(`-${limit}`, `- ${limit}`) : limit;
    }
    const isWhole = typeof value === "bigint" || Number.isSafeInteger(value);
    if (!isWhole) return `${value}${style.pick("", "f")}`;
    const size = value < 0 ? -value : value;
    const digits = style.pick(`${size}`, `0x${size.toString(16)}`, size === 0 ? "0" : `0${size.toString(8)}`);
    return value < 0 ? style.pick(`-${digits}`, `- ${digits}`) : digits;
  }

  function text(value: string): string {
    const characters = [...value];
    const cut = style.pick(characters.length, 0, Math.floor(characters.length / 2));
    const quoted = [characters.slice(0, cut), characters.slice(cut)].map((part) => {
      const quote = style.pick('"', "'");
      return `${quote}${part.map((each) => escaped(each, quote)).join("")}${quote}`;
    });
    return quoted.join(style.pick("", " ", "\n"));
  }

  function escaped(character: string, quote: string): string {
    const point = character.codePointAt(0)!;
    const bytes = [...Buffer.from(character)];
    const octal = () => bytes.map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
    const hex = () => bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
    const long = () => `\\U${point.toString(16).padStart(8, "0")}`;
    const needsEscape = character === quote || character === "\\" || character === "\n";
    return style.pick(needsEscape ? octal : () => character, octal, hex, long)();
  }

  function value(of: Plain): string {
    if (!isMessage(of)) return scalar(of);
    const [open, close] = style.pick(["{", "}"], ["<", ">"]);
    return `${open}${gap()}${print(of as Record<string, Plain[]>, style)}${gap()}${close}`;
  }

  const fields = Object.entries(message).flatMap(([name, values]) => {
    const mayDropColon = values.length > 0 && values.every(isMessage);
    const key = () => `${name}${mayDropColon ? style.pick(gap(), colon()) : colon()}`;
    const asList = values.length === 0 || style.pick(true, false);
    return asList
      ? [`${key()}[${gap()}${values.map(value).join(style.pick(",", ", ", " ,"))}${gap()}]`]
      : values.map((each) => `${key()}${value(each)}`);
  });
  return fields.map((field) => `${field}${style.pick("", ",", ";", " , ")}`).join(gap());
}

const NAMES = fc
  .oneof(
    fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/),
    fc.stringMatching(/^\[[a-z]{1,4}(\.[a-z_][a-z0-9_]{0,3}){1,2}\]$/),
  )
  .filter((name) => name !== "__proto__");
const WORDS = fc
  .stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,12}$/)
  .filter((word) => !/^(inf|infinity|nan)$/i.test(word))
  .map((word) => ({ word }));
const SCALARS: fc.Arbitrary<Plain> = fc.oneof(
  fc.string({ unit: "grapheme" }),
  WORDS,
  fc.maxSafeInteger().map((value) => value + 0),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
  fc.double().filter((value) => !Object.is(value, -0) && (!Number.isInteger(value) || Number.isSafeInteger(value))),
);
const { message: MESSAGES } = fc.letrec<{ message: Record<string, Plain[]>; value: Plain }>((tie) => ({
  value: fc.oneof({ depthSize: "small", withCrossShrink: true }, SCALARS, tie("message")),
  message: fc.dictionary(
    NAMES.filter((name) => name !== "word"),
    fc.array(tie("value"), { maxLength: 4 }),
    { maxKeys: 5, noNullPrototype: true },
  ),
}));

describe("properties", () => {
  test("whatever style a message is written in, it is read back", () => {
    fc.assert(
      fc.property(MESSAGES, fc.infiniteStream(fc.nat()), (message, numbers) => {
        const choices = numbers[Symbol.iterator]();
        const style: Style = { pick: (...ways) => ways[choices.next().value! % ways.length]! };
        expect(read(print(message, style))).toEqual(message);
      }),
      { numRuns: 500 },
    );
  });

  const PIECES = fc.constantFrom(
    ..."{}<>[]:,;./-'\"#\\\n \t".split(""),
    ..."a: 1|name|0x|-1|1e|.5|inf|\\x|\\777|[a.b]|{ }|'x'|é|😀|\0|\ud800".split("|"),
  );
  test("junk is read or refused with a line, and no more of it than there are", () => {
    const junk = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(PIECES, { maxLength: 60 }).map((all) => all.join("")),
    );
    fc.assert(
      fc.property(junk, (text) => {
        try {
          expect(readPbtxt(text).kind).toBe("message");
        } catch (error) {
          expect(error).toBeInstanceOf(PbtxtError);
          const { line, message } = error as PbtxtError;
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(text.split("\n").length);
          expect(message).toMatch(new RegExp(`^line ${line}: .+`));
        }
      }),
      { numRuns: 3_000 },
    );
  });

  test("a text that is cut off anywhere is read or refused with a line", () => {
    fc.assert(
      fc.property(
        MESSAGES,
        fc.infiniteStream(fc.nat()),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (message, numbers, part) => {
          const choices = numbers[Symbol.iterator]();
          const text = print(message, { pick: (...ways) => ways[choices.next().value! % ways.length]! });
          try {
            readPbtxt(text.slice(0, Math.floor(text.length * part)));
          } catch (error) {
            expect(error).toBeInstanceOf(PbtxtError);
          }
        },
      ),
    );
  });
});
