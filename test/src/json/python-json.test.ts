import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  jsonMessage,
  MAX_JSON_DEPTH,
  PyFloat,
  PythonJsonError,
  readPythonJson,
  renderPythonJson,
} from "../../../src/json/python-json.ts";

/** One character of any kind; the ready-made unit "binary" costs a second to set up. */
const character = fc
  .oneof(fc.nat(0x2ff), fc.nat(0x10ffff))
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code));

/** What Python makes of each text: its `json.dumps(json.loads(text))`, or the message of its refusal. */
function askPython(texts: readonly string[]): { pythonMinor: number; answers: { ok: boolean; text: string }[] } {
  const program = `
import json, sys
getattr(sys, "set_int_max_str_digits", lambda limit: None)(0)
def answer(text):
    try:
        return {"ok": True, "text": json.dumps(json.loads(text))}
    except ValueError as error:
        return {"ok": False, "text": str(error)}
texts = json.load(sys.stdin)
print(json.dumps({"pythonMinor": sys.version_info[1], "answers": [answer(text) for text in texts]}))
`;
  const output = execFileSync("python3", ["-c", program], { input: JSON.stringify(texts), maxBuffer: 2 ** 28 });
  return JSON.parse(output.toString());
}

function readAndRender(text: string): { ok: boolean; text: string } {
  try {
    return { ok: true, text: renderPythonJson(readPythonJson(text)) };
  } catch (error) {
    if (!(error instanceof PythonJsonError)) throw error;
    return { ok: false, text: error.message };
  }
}

/** Python 3.13 words some of its messages anew; ours are those of 3.11. */
function expectAsPython(texts: readonly string[]): void {
  const { pythonMinor, answers } = askPython(texts);
  expect(answers).toHaveLength(texts.length);
  for (const [index, text] of texts.entries()) {
    const ours = readAndRender(text);
    const theirs = answers[index];
    const wordsDiffer = pythonMinor >= 13 && theirs?.ok === false;
    expect(wordsDiffer ? { ok: ours.ok } : ours, JSON.stringify(text)).toEqual(wordsDiffer ? { ok: false } : theirs);
  }
}

describe("reading and rendering", () => {
  const spellings: [text: string, rendered: string][] = [
    ['{"a":1,"b":[1,2]}', '{"a": 1, "b": [1, 2]}'],
    [' \t\r\n{ "a" : null , "b" : [ ] , "c" : { } } ', '{"a": null, "b": [], "c": {}}'],
    ['{"b":1,"10":2,"9":3,"a":4}', '{"b": 1, "10": 2, "9": 3, "a": 4}'],
    ['{"a":1,"b":2,"a":3}', '{"a": 3, "b": 2}'],
    ['{"__proto__":1,"toString":2}', '{"__proto__": 1, "toString": 2}'],
    ["12345678901234567890123", "12345678901234567890123"],
    ["9007199254740993", "9007199254740993"],
    ["-9007199254740992", "-9007199254740992"],
    ["-0", "0"],
    ["-0.0", "-0.0"],
    ["1.0", "1.0"],
    ["1e3", "1000.0"],
    ["1E16", "1e+16"],
    ["9999999999999998.0", "9999999999999998.0"],
    ["123456789012345680000.0", "1.2345678901234568e+20"],
    ["0.0001", "0.0001"],
    ["0.00001", "1e-05"],
    ["-1.5e-7", "-1.5e-07"],
    ["5e-324", "5e-324"],
    ["1.7976931348623157e308", "1.7976931348623157e+308"],
    ["1e400", "Infinity"],
    ["[NaN,Infinity,-Infinity]", "[NaN, Infinity, -Infinity]"],
    ['"é日😀\u007f"', '"\\u00e9\\u65e5\\ud83d\\ude00\\u007f"'],
    ['"\\/\\b\\f\\n\\r\\t\\"\\\\\\u0001"', '"/\\b\\f\\n\\r\\t\\"\\\\\\u0001"'],
    ['"\\ud800 \\uDC00 \\ud83d\\ude00"', '"\\ud800 \\udc00 \\ud83d\\ude00"'],
    ["[true,false]", "[true, false]"],
  ];
  test.each(spellings)("%s gives %s (JSON-1 to JSON-6)", (text, rendered) => {
    expect(renderPythonJson(readPythonJson(text))).toBe(rendered);
  });

  test("reads the integer -0 as 0, and integers as numbers where they are safe (JSON-6)", () => {
    expect(readPythonJson("[-0, 9007199254740991, 9007199254740992]")).toEqual([
      0,
      9007199254740991,
      9007199254740992n,
    ]);
  });

  test("is told right by the table above", () => {
    expect(askPython(spellings.map(([text]) => text)).answers.map(({ text }) => text)).toEqual(
      spellings.map(([, rendered]) => rendered),
    );
  });

  test.each([
    ["{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"],
    ['{"num":}', "Expecting value: line 1 column 8 (char 7)"],
    ['{"num":1', "Expecting ',' delimiter: line 1 column 9 (char 8)"],
    ['{"num":1} x', "Extra data: line 1 column 11 (char 10)"],
    ["   ", "Expecting value: line 1 column 4 (char 3)"],
    ['{"num":1,}', "Expecting property name enclosed in double quotes: line 1 column 10 (char 9)"],
    ['{"num" 1}', "Expecting ':' delimiter: line 1 column 8 (char 7)"],
    ['["a', "Unterminated string starting at: line 1 column 2 (char 1)"],
    ['"a\\', "Unterminated string starting at: line 1 column 1 (char 0)"],
    ['"a\nb"', "Invalid control character at: line 1 column 3 (char 2)"],
    ['"\\x"', "Invalid \\escape: line 1 column 2 (char 1)"],
    ['"\\u12g4"', "Invalid \\uXXXX escape: line 1 column 3 (char 2)"],
    ['["😀😀",\n "é", ?]', "Expecting value: line 2 column 7 (char 13)"],
    ["\ufeff1", "Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)"],
  ])("refuses %j in Python's words: %s (IN-11)", (text, message) => {
    expect(readAndRender(text)).toEqual({ ok: false, text: message });
  });

  test("does with any JSON text what Python does (JSON-1 to JSON-6)", () => {
    const json = fc.json({ stringUnit: character, maxDepth: 4 });
    const number = fc.tuple(fc.double(), fc.nat(2)).map(([value, style]) => {
      if (style === 0) return String(value);
      return style === 1 ? value.toExponential() : String(Math.fround(value));
    });
    const integer = fc.bigInt().map(String);
    expectAsPython(fc.sample(fc.oneof(json, number, integer), { numRuns: 3000, seed: 11 }));
  });

  test("takes and refuses broken texts as Python does, with the same words (IN-11, JSON-6)", () => {
    const piece = fc.constantFrom(
      ...'{}[]:,"\\ \n\t'.split(""),
      ...['"a"', "\\u00e9", "\\ud83d", "\\n", "1", "-", "0", ".5", "e+1", "01", "null", "true", "NaN", "Infinity"],
      ...["-Infinity", "nul", "\u0001", "😀", "é", "\ud800", '"', '{"a":', "[1,", "\ufeff", "\u00a0"],
    );
    const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));
    expectAsPython(fc.sample(text, { numRuns: 6000, seed: 12 }));
  });

  test.each(["[", '{"a":'])("refuses %s nested too deep instead of overflowing the stack", (opening) => {
    const deep = (levels: number): string =>
      `${opening.repeat(levels)}1${(opening === "[" ? "]" : "}").repeat(levels)}`;
    expect(readAndRender(deep(MAX_JSON_DEPTH)).ok).toBe(true);
    expect(readAndRender(deep(MAX_JSON_DEPTH + 1)).text).toMatch(/^Nested deeper than 1000 levels: line 1/);
    expect(readAndRender(opening.repeat(1_000_000)).ok).toBe(false);
  });
});

test.each(["", "-"])("integers of as many digits as Python reads are read, and no longer ones: %s9...", (sign) => {
  expect(readPythonJson(sign + "9".repeat(4300))).toBe(BigInt(sign + "9".repeat(4300)));
  expect(() => readPythonJson(sign + "9".repeat(4301))).toThrow(
    "Exceeds the limit (4300 digits) for integer string conversion: value has 4301 digits",
  );
});

describe("rendering plain values", () => {
  test("follows JSON.stringify in what is left out and what becomes null, in Python's style", () => {
    const value = { a: undefined, b: [undefined, 1], 2: new Date(0), c: new String("s"), d: Object.create(null) };
    expect(renderPythonJson(value)).toBe('{"2": "1970-01-01T00:00:00.000Z", "b": [null, 1], "c": "s", "d": {}}');
  });

  test("writes integers without a fraction, and what JSON cannot say as Python does (JSON-3, JSON-7)", () => {
    expect(renderPythonJson([1, 1.5, -0, 10n ** 20n, Number.NaN, Number.POSITIVE_INFINITY])).toBe(
      "[1, 1.5, 0, 100000000000000000000, NaN, Infinity]",
    );
    expect(renderPythonJson(new PyFloat(1))).toBe("1.0");
  });

  test("reads back as the same value, whatever the plain value (JSON-1)", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: character }), (value) => {
        const text = renderPythonJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(text).toMatch(/^[ -~]*$/);
      }),
    );
  });

  test("refuses functions, symbols and keys that are not text", () => {
    for (const value of [() => 1, Symbol("s"), new Map([[1, 2]])]) {
      expect(() => renderPythonJson([value])).toThrow(PythonJsonError);
    }
  });

  test("refuses a value that contains itself", () => {
    const value: unknown[] = [];
    value.push(value);
    expect(() => renderPythonJson(value)).toThrow("nested deeper than 1000 levels");
  });

  test("puts a message into an error body (HDR-12)", () => {
    expect(jsonMessage('say "é"')).toBe('{"message": "say \\"\\u00e9\\""}');
  });
});
