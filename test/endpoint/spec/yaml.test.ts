import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readYaml } from "../../../endpoint/spec/yaml.ts";

/** What PyYAML 6.0.3 makes of a scalar. */
const SCALARS: readonly [source: string, value: unknown][] = [
  ["yes", true],
  ["On", true],
  ["TRUE", true],
  ["no", false],
  ["OFF", false],
  ["False", false],
  ["y", "y"],
  ["n", "n"],
  ["tRue", "tRue"],
  ["", null],
  ["~", null],
  ["Null", null],
  ["nULL", "nULL"],
  ["010", 8],
  ["-010", -8],
  ["08", "08"],
  ["0o7", "0o7"],
  ["0x1F", 31],
  ["0X1F", "0X1F"],
  ["0b11", 3],
  ["1_000", 1000],
  ["_1", "_1"],
  ["+1", 1],
  ["12:30", 750],
  ["12:30:45", 45045],
  ["1:60", "1:60"],
  ["190:20:30.15", 685230.15],
  ["1e3", "1e3"],
  ["1.5e3", "1.5e3"],
  ["1.0e+3", 1000],
  [".5", 0.5],
  ["+.5", "+.5"],
  ["5.", 5],
  ["3.10", 3.1],
  ["1.2.3", "1.2.3"],
  // Dates and what JSON has not stay as they stand, and so do numbers that would lose digits.
  ["2024-01-31", "2024-01-31"],
  [".inf", ".inf"],
  [".nan", ".nan"],
  ["12345678901234567890", "12345678901234567890"],
  ["!!str 12", "12"],
  ["!!int '12'", 12],
];

describe("scalars", () => {
  test.each(SCALARS)("reads %s as PyYAML does", (source, value) => {
    const { problems, value: read } = readYaml(`k: ${source}\n`, "f");
    expect(problems).toEqual([]);
    expect(read).toEqual({ k: value });
  });

  test("reads them so under a directive for another version, too", () => {
    expect(readYaml("%YAML 1.2\n---\nk: yes\n", "f").value).toEqual({ k: true });
  });

  test("reads plain texts that hold no scalar of YAML as they stand", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{4,12}( [a-z]{3,9})?$/), (text) => {
        fc.pre(!["true", "false", "null"].includes(text));
        expect(readYaml(`k: ${text}`, "f").value).toEqual({ k: text });
      }),
    );
  });
});

const BOMB = `${["x", "a", "b", "c", "d", "e"]
  .map((name, index, all) => {
    const above = all[index - 1];
    return index === 0 ? `${name}: &${name} [1, 2, 3]` : `${name}: &${name} [${Array(9).fill(`*${above}`).join(", ")}]`;
  })
  .join("\n")}\n`;

describe("texts that are no usable YAML", () => {
  test.each([
    ["a bomb of aliases", BOMB, 1, "the file uses aliases too often (at most 100 times)"],
    ["many aliases", `a: &a 1\n${"b: *a\n".repeat(101)}`, 1, "the file uses aliases too often (at most 100 times)"],
    ["a map that holds itself", "a: &x {b: *x}\n", 1, "the file contains itself: an alias lies within its own anchor"],
    ["a list that holds itself", "a: &x [1, *x]\n", 1, "the file contains itself: an alias lies within its own anchor"],
    ["an alias without an anchor", "a: *y\n", 1, "the alias *y has no anchor &y before it"],
    ["a tab", "a:\n\tb: 1\n", 2, "a tab indents this line; YAML allows spaces only"],
    ["a second document", "a: 1\n---\nb: 2\n", 2, "a second document begins here"],
    ["a colon too many", "a: b: c\n", 1, "this line has one colon too many"],
    ["a missing colon", "a: 1\nb\nc: 2\n", 2, "a colon is missing after the key, or the indentation is wrong"],
    ["a quote that does not end", "a: 'b\n", 2, "this is not valid YAML: missing closing 'quote"],
    ["a bracket that does not end", "a: [1, 2\nb: 3\n", 2, "the indentation is wrong, or a bracket is not closed"],
    ["a value that cannot begin so", "a: @b\n", 1, "a value cannot begin with this character"],
    ["a tag of Python's", "a: !!python/object:os.system {b: 1}\n", 1, "the YAML tag os.system is not supported"],
    ["a list as a key", "? [a, b]\n: 1\n", 1, "a list or map cannot be a key"],
    ["a placeholder in braces", "a: {{NAME}}\n", 1, "the placeholder {{NAME}} is not filled in"],
    ["a placeholder and more", "a: {{NAME}}/b\n", 1, "the placeholder {{NAME}} is not filled in"],
    ["a merge of a text", "a: &a x\nb:\n  <<: *a\n", 1, "<< must be a map, or a list of maps"],
    ["many levels", `a: ${"[".repeat(70)}${"]".repeat(70)}\n`, 1, "the file is nested too deeply (at most 64 levels)"],
    ["far too many levels", `${"[".repeat(50_000)}`, 1, "the file is nested too deeply (at most 64 levels)"],
  ])("refuses %s", (_what, text, line, message) => {
    const { problems } = readYaml(text, "f");
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ file: "f", line, message });
  });
});

describe("places", () => {
  const TEXT = "a: &a\n  b: 1\n  c: 2\nd:\n  <<: *a\n  c: 3\ne: *a\nf:\n  - g: 4\nh:\nh: 5\n";
  const yaml = readYaml(TEXT, "f");
  const placeOf = (path: (string | number)[], at: "key" | "value" = "value"): string => {
    const { line, column } = yaml.problemAt(path, at, "", "");
    return `${line}:${column}`;
  };
  test("leads to a value, to its key, and through aliases and merges", () => {
    expect(placeOf(["a", "b"])).toBe("2:6");
    expect(placeOf(["a", "b"], "key")).toBe("2:3");
    expect(placeOf(["d", "b"])).toBe("2:6");
    expect(placeOf(["d", "c"])).toBe("6:6");
    expect(placeOf(["e", "c"])).toBe("3:6");
    expect(placeOf(["f", 0, "g"])).toBe("9:8");
  });
  test("leads to what is above when nothing stands there", () => {
    expect(placeOf(["f", 0, "nothing", "there"])).toBe("9:5");
    expect(placeOf(["nothing"])).toBe("1:1");
    expect(placeOf([])).toBe("1:1");
  });
  test("leads to the last of two equal keys, of which it warns", () => {
    expect(placeOf(["h"])).toBe("11:4");
    expect(yaml.warnings).toMatchObject([{ line: 11, message: "key h is repeated; the last one is used" }]);
    expect(yaml.value).toMatchObject({ h: 5 });
  });
});

test("names every placeholder in braces at once, and none in a comment", () => {
  const { problems } = readYaml("# a: {{A}}\nb: {{B}}\nc: x{{C}}\nd:   {{ D }}/e\ne: 1\n", "f");
  expect(problems.map(({ line, column, message }) => [line, column, message])).toEqual([
    [2, 4, "the placeholder {{B}} is not filled in"],
    [4, 6, "the placeholder {{ D }} is not filled in"],
  ]);
});

test("never throws, and names a place within the text", () => {
  const words = fc.constantFrom(
    "a",
    ": ",
    "\n",
    "  ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "&a",
    "*a",
    "!t ",
    "'",
    '"',
    "|",
    "#",
    "? ",
    "<<",
    "\t",
    "%",
    "---",
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 30 }), (parts) => {
      const text = parts.join("");
      const { problems, warnings } = readYaml(text, "f");
      for (const { line, column } of [...problems, ...warnings]) {
        const lines = text.split("\n");
        expect(line).toBeGreaterThanOrEqual(1);
        expect(line).toBeLessThanOrEqual(lines.length);
        expect(column).toBeLessThanOrEqual(lines[line! - 1]!.length + 1);
      }
    }),
    { numRuns: 2000 },
  );
});
