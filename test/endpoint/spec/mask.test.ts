import { describe, expect, test } from "vitest";
import { readYaml } from "../../../endpoint/spec/yaml.ts";

/** The frame at a line's first `MARK`, without numbers of lines. */
function frameAt(text: string, mark: string): string {
  const offset = text.indexOf(mark);
  const before = text.slice(0, offset).split("\n");
  // A tag without a meaning is refused where it stands.
  const { problems } = readYaml(`${text.slice(0, offset)}!x ${text.slice(offset)}`, "f");
  const [problem] = problems;
  expect(problem).toMatchObject({ line: before.length });
  return problem!.frame;
}

describe("values of environment variables", () => {
  test.each([
    ["on lines of their own", "a: 1\nenvironment_variables:\n  TOKEN: s3cret\n  KEY:   's3cret'\nz: MARK\n"],
    ["in braces", "environment_variables: {TOKEN: s3cret, KEY: s3cret}\nz: MARK\n"],
    ["in braces on several lines", "environment_variables: {\n  TOKEN: s3cret,\n  KEY: s3cret }\nz: MARK\n"],
    ["in braces within braces", "{environment_variables: {TOKEN: s3cret},\n z: MARK}\n"],
    ["in JSON", '{\n  "environment_variables": {\n    "TOKEN": "s3cret"\n  },\n  "z": MARK\n}\n'],
    ["of several lines", "environment_variables:\n  TOKEN: |\n    s3cret: s3cret\n    s3cret\nz: MARK\n"],
    ["with an anchor", "environment_variables: &all\n  TOKEN: s3cret\nz: MARK\n"],
    ["in comments", "environment_variables:\n  # TOKEN=s3cret\n  KEY: 1\nz: MARK\n"],
    ["in the spelling of REST", "environmentVariables:\n  TOKEN: s3cret\nz: MARK\n"],
    ["beside the one with the problem", "environment_variables:\n  TOKEN: s3cret\n  KEY: MARK s3cret\nz: 1\n"],
  ])("are hidden %s", (_where, text) => {
    const frame = frameAt(text, "MARK");
    expect(frame).not.toContain("s3cret");
    expect(frame).toContain("…");
    expect(frame).toMatch(/\^$/m);
  });

  test("leave names and other lines as they are", () => {
    const frame = frameAt("environment_variables:\n  TOKEN: s3cret\nz: MARK\ny: 1\n", "MARK");
    expect(frame).toBe(
      "  1 | environment_variables:\n  2 |   TOKEN: …\n> 3 | z: !x MARK\n    |    ^\n  4 | y: 1\n  5 |",
    );
  });

  test("are hidden in a text that is no YAML", () => {
    const { problems } = readYaml("environment_variables:\n  TOKEN: s3cret\n\tKEY: s3cret\n", "f");
    expect(problems).toHaveLength(1);
    expect(problems[0]!.frame).not.toContain("s3cret");
  });
});
