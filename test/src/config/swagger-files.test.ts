import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InvalidSettingsError, resolveConfig } from "../../../src/config/config.ts";
import type { Problem } from "../../../src/config/problems.ts";
import { readSwaggerFiles } from "../../../src/config/swagger-files.ts";

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "scorefn-swagger-")));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What is found among files with this content: version, name of the file, text. */
function found(contents: Readonly<Record<string, string>>): unknown[] {
  for (const [name, content] of Object.entries(contents)) writeFileSync(join(folder, name), content);
  const problems: Problem[] = [];
  const files = readSwaggerFiles(folder, (problem) => problems.push(problem));
  expect(problems).toEqual([]);
  return files.map(({ version, path, text }) => [version, path.slice(folder.length + 1), text]);
}

describe("swagger documents of the user's own (SW-7)", () => {
  test("are looked for by version and given in the reference's JSON style", () => {
    expect(
      found({ "swagger2.json": '{"b":1.0,"a":[1,2e5]}', "swagger3.json": '"é"', "swagger3.1.json": "NaN" }),
    ).toEqual([
      ["2", "swagger2.json", '{"b": 1.0, "a": [1, 200000.0]}'],
      ["3", "swagger3.json", '"\\u00e9"'],
      ["3.1", "swagger3.1.json", "NaN"],
    ]);
  });

  test("swagger.json comes before swagger2.json, which is then not even read", () => {
    expect(found({ "swagger.json": "[1]", "swagger2.json": "{" })).toEqual([["2", "swagger.json", "[1]"]]);
  });

  test.each(["{}", "[]", '""', "0", "-0.0", "null", "false"])("%s makes way for the next", (empty) => {
    expect(found({ "swagger.json": empty, "swagger2.json": "[1]", "swagger3.json": empty })).toEqual([
      ["2", "swagger.json", undefined],
      ["2", "swagger2.json", "[1]"],
      ["3", "swagger3.json", undefined],
    ]);
  });

  test("there need be none, nor a folder", () => {
    expect(found({})).toEqual([]);
    expect(readSwaggerFiles(join(folder, "nowhere"), () => expect.unreachable())).toEqual([]);
  });

  test("one that is not JSON is an ERROR that names it, and exit code 3 (SW-8)", () => {
    writeFileSync(join(folder, "swagger.json"), "{");
    writeFileSync(join(folder, "swagger3.json"), "");
    mkdirSync(join(folder, "swagger3.1.json"));
    const problem = (name: string, reason: string) => ({
      kind: "file",
      level: "ERROR",
      text: `The swagger file ${join(folder, name)} cannot be used: ${reason}`,
    });
    try {
      resolveConfig({ env: {}, cwd: folder });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidSettingsError);
      const { problems, exitCode } = error as InvalidSettingsError;
      expect(exitCode).toBe(3);
      expect(problems).toEqual([
        problem(
          "swagger.json",
          "it is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        problem("swagger3.json", "it is not JSON: Expecting value: line 1 column 1 (char 0)"),
        problem("swagger3.1.json", "EISDIR: illegal operation on a directory, read"),
      ]);
    }
  });
});
