import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCsv } from "../../../../src/no-code/protocol/table-csv.ts";
import type { Datatype } from "../../../../src/no-code/types.ts";

test.each([
  ["a,b\n1,2\n", [["1", "2"]]],
  ["a,b\r\n1,2", [["1", "2"]]],
  ["a,b\r1,2\r", [["1", "2"]]],
  ["\ufeffa,b\n1,2\n", [["1", "2"]]],
  ["a,b\n\n1,2\n\r\n\n", [["1", "2"]]],
  ['"a","b"\n"1, ""x""\n",2\n', [['1, "x"\n', "2"]]],
  ["a,b\n,\n", [["", ""]]],
  ["a,b\n1,", [["1", ""]]],
  ['a,b\n"",""', [["", ""]]],
  ['a,b\n5" disk,2', [['5" disk', "2"]]],
  ["a,b\n 1 , 2 \n", [[" 1 ", " 2 "]]],
  // What DataFrame.to_csv() writes before the columns is the index.
  [
    ",a,b\n0,1,2\n1,3,4\n",
    [
      ["1", "2"],
      ["3", "4"],
    ],
  ],
])("%j is read", (text, rows) => {
  expect(readCsv(text)).toMatchObject({ columns: ["a", "b"], rows });
});

test.each([
  ["", "No columns to parse from file"],
  ["\n\n", "No columns to parse from file"],
  ["a,b\n", "there are no rows below the header line"],
  ["a,b\n1,2\n1,2,3\n", "expected 2 fields in row 1, saw 3"],
  ["a,b\n1\n", "expected 2 fields in row 0, saw 1"],
  ['a,b\n"1,2\n', "a quote is out of place in record 1"],
  ['a,b\n"1"x,2\n', "a quote is out of place in record 1"],
])("%j is refused (table A: csv)", (text, message) => {
  expect(() => readCsv(text)).toThrow(`Failed to parse input as CSV: ${message}`);
});

test("long fields cost no stack", () => {
  const long = "x".repeat(20e6);
  expect(readCsv(`a\n"${long}"\n`).rows[0]![0]).toHaveLength(20e6);
  expect(readCsv(`a\n${long}\n`).rows[0]![0]).toHaveLength(20e6);
  expect(readCsv(`a\n"${'""'.repeat(1e6)}"\n`).rows[0]![0]).toHaveLength(1e6);
  expect(() => readCsv(`a\n"${long}\n`)).toThrow("a quote is out of place");
});

test("what is written by the rules is read back", () => {
  const cell = fc.string({ unit: fc.constantFrom("a", "1", '"', ",", "\n", "\r", " ", "é"), maxLength: 6 });
  const table = fc.integer({ min: 2, max: 4 }).chain((width) => {
    return fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 });
  });
  fc.assert(
    fc.property(table, fc.constantFrom("\n", "\r\n", "\r"), fc.boolean(), (rows, newline, ends) => {
      const columns = rows[0]!.map((_, index) => `c${index}`);
      const write = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
      const text = [columns, ...rows].map((row) => row.map(write).join(",")).join(newline) + (ends ? newline : "");
      expect(readCsv(text)).toMatchObject({ columns, rows });
    }),
  );
});

describe("a cell", () => {
  const read = (text: string, datatype: Datatype) => readCsv("a\n1").readCell!(text, datatype);
  test.each<[string, Datatype, unknown]>([
    ["1", "FP32", 1],
    [" -1.5e3 ", "FP64", -1500],
    [".5", "FP32", 0.5],
    ["5.", "FP32", 5],
    ["", "FP32", null],
    ["NaN", "FP64", null],
    ["-inf", "FP64", Number.NEGATIVE_INFINITY],
    ["Infinity", "FP64", Number.POSITIVE_INFINITY],
    ["9223372036854775807", "INT64", 9223372036854775807n],
    ["+7", "UINT64", 7n],
    ["7.0", "INT32", 7],
    ["0x10", "INT32", "0x10"],
    ["1_000", "INT32", "1_000"],
    ["x", "FP32", "x"],
    ["True", "BOOL", true],
    ["false", "BOOL", false],
    ["1", "BOOL", true],
    ["yes", "BOOL", "yes"],
    [" 01 ", "BYTES", " 01 "],
    ["NaN", "BYTES", "NaN"],
  ])("%j for %s", (text, datatype, value) => {
    expect(read(text, datatype)).toBe(value);
  });
});
