import { describe, expect, test } from "vitest";
import { codeFrame } from "../../../src/locate/code-frame.ts";

describe("a code frame", () => {
  const text = ["one", "two", "", "\tfour = 4;", "five", "six", "seven"].join("\n");

  test("shows two lines before and after, the line marked and a caret below the column", () => {
    expect(codeFrame(text, 4, 2)).toBe(
      ["  2 | two", "  3 |", "> 4 | \tfour = 4;", "    | \t^", "  5 | five", "  6 | six"].join("\n"),
    );
  });

  test("stops at both ends of the file", () => {
    expect(codeFrame(text, 1, 1)).toBe(["> 1 | one", "    | ^", "  2 | two", "  3 |"].join("\n"));
    expect(codeFrame(text, 7, null)).toBe(["  5 | five", "  6 | six", "> 7 | seven"].join("\n"));
  });

  test("aligns the numbers", () => {
    const long = Array.from({ length: 12 }, (_, index) => `line ${index + 1}`).join("\r\n");
    expect(codeFrame(long, 9, 3).split("\n")).toEqual([
      "   7 | line 7",
      "   8 | line 8",
      ">  9 | line 9",
      "     |   ^",
      "  10 | line 10",
      "  11 | line 11",
    ]);
  });

  test("has no caret where the column is not on the line, and no frame without the line", () => {
    expect(codeFrame("ab", 1, 9)).toBe("> 1 | ab");
    expect(codeFrame("ab", 1, 3)).toBe("> 1 | ab\n    |   ^");
    expect(codeFrame("ab", 2, 1)).toBe("");
    expect(codeFrame("ab", 0, 1)).toBe("");
  });
});
