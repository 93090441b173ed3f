import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { formatOutput, type OutputForm } from "../../../../adapters/cli/online/output.ts";
import { checkQuery, query } from "../../../../adapters/cli/online/query.ts";
import { packageFile } from "../../../../src/core/package-root.ts";

const ENDPOINT = { name: "one", traffic: { blue: 90, green: 10 }, tags: {}, list: [1, 2], nothing: null, on: true };

test.each<[OutputForm, unknown, string]>([
  ["json", { a: [1, "é"] }, '{\n  "a": [\n    1,\n    "é"\n  ]\n}\n'],
  ["json", 'text with "quotes"', '"text with \\"quotes\\""\n'],
  ["json", null, ""],
  ["json", undefined, ""],
  ["json", false, "false\n"],
  ["none", ENDPOINT, ""],
  ["yaml", { a: "yes", b: [true, null], c: "1" }, 'a: "yes"\nb:\n  - true\n  - null\nc: "1"\n'],
  ["tsv", "http://127.0.0.1:5001/score", "http://127.0.0.1:5001/score\n"],
  ["tsv", 5, "5\n"],
  ["tsv", true, "true\n"],
  ["tsv", null, ""],
  ["tsv", ["a", "b"], "a\nb\n"],
  [
    "tsv",
    [
      ["a", 1],
      ["b", null],
    ],
    "a\t1\nb\tNone\n",
  ],
  ["tsv", { b: 10, a: 90 }, "90\t10\n"],
  ["tsv", ENDPOINT, "2\tone\tNone\tTrue\t\t\n"],
  ["tsv", [ENDPOINT, { name: "two" }], "2\tone\tNone\tTrue\t\t\ntwo\n"],
  ["tsv", [], ""],
  ["table", [ENDPOINT, { name: "longer" }], "Name    On\n------  ----\none     True\nlonger\n"],
  ["table", "text", "Result\n--------\ntext\n".replace("--------", "------")],
  ["table", [["a", 1]], "Column1  Column2\n-------  -------\na        1\n"],
  ["table", [], ""],
])("as %s, %j", (form, value, text) => {
  expect(formatOutput(form, value)).toBe(text);
});

describe("--query", () => {
  test.each([
    ["scoring_uri", null],
    ["traffic", { blue: 90, green: 10 }],
    ["traffic.blue", 90],
    ["name || 'none'", "one"],
    ["{n: name, t: traffic.green}", { n: "one", t: 10 }],
    ["list[?@ > `1`]", [2]],
    ["keys(traffic)", ["blue", "green"]],
    ["[name, on]", ["one", true]],
  ])("%s", (expression, found) => {
    checkQuery(expression);
    expect(query(expression, ENDPOINT)).toEqual(found);
  });

  test.each(["a.", "a[", "", "]", "a b"])("%j is refused before anything is done", (expression) => {
    expect(() => checkQuery(expression)).toThrow();
  });

  test.each(["length(on)", "nope(@)"])("%s fails with a reason", (expression) => {
    expect(() => query(expression, ENDPOINT)).toThrow(/\w/);
  });
});

test("the JMESPath library is in the build, with its licence and where its source is", () => {
  const bundle = packageFile("dist/adapters/cli/online/query.js");
  expect(readFileSync(bundle, "utf8")).not.toMatch(/from ?"@/);
  const notice = readFileSync(packageFile("dist/LICENSES.txt"), "utf8");
  expect(notice).toMatch(/^@jmespath-community\/jmespath [\d.]+, git:\/\/github\.com\/jmespath-community\//m);
  expect(notice).toContain("Mozilla Public License");
});
