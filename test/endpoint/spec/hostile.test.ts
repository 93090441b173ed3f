// Texts that are made to take long: a file may have a megabyte.
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import {
  checkDocument,
  endpointDocument,
  readDeploymentFile,
  readEndpointFile,
  SpecError,
} from "../../../endpoint/spec/index.ts";
import { placeholderIn } from "../../../endpoint/spec/placeholders.ts";
import { readYaml } from "../../../endpoint/spec/yaml.ts";
import { tree } from "../../packaging/tree.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";

/** Characters: more than the largest file that is read can hold. */
const MOST = 1024 * 1024;
/** As many as that. */
const MOST_OF_A_FILE = 128 * 1024;

/** Ends work that takes for ever, which a test's own limit cannot. */
function inTime<T>(work: () => T): T {
  return runInNewContext("work()", { work }, { timeout: DEADLINE_MS }) as T;
}

const full = (part: string): string => part.repeat(Math.floor(MOST / part.length));

const HOSTILE: readonly [what: string, text: string][] = [
  ["letters", full("a")],
  ["the beginning of the word", full("place")],
  ["braces that open", full("{")],
  ["braces and blanks", `{{${full(" ")}`],
  ["braces and letters", full("{{ a ")],
  ["angles that open", full("<a")],
  ["an angle and letters", `<${full("a")}`],
  ["digits", `${full("1")}x`],
  ["dashes", `a${full("-")}!`],
];

describe.each(HOSTILE)("a megabyte of %s", (_what, text) => {
  test("is searched for placeholders in time", () => {
    expect(inTime(() => placeholderIn(text))).toBeUndefined();
  });

  test("is checked in time in every place of a document", () => {
    const check = (kind: "endpoint" | "deployment", document: Record<string, unknown>): unknown => {
      try {
        return inTime(() => checkDocument(kind, document, "/"));
      } catch (error) {
        if (!(error instanceof SpecError)) throw error;
        return error;
      }
    };
    check("endpoint", { name: text, auth_mode: text, traffic: { [text]: 1 }, description: text });
    check("deployment", {
      name: text,
      endpoint_name: text,
      model: text,
      environment: text,
      instance_count: text,
      environment_variables: { [text]: text },
      data_collector: { sampling_rate: text, collections: { [text]: { enabled: text } } },
      [text]: text,
    });
  });
});

test("the largest file with a mistake in each line is refused in time", () => {
  for (const line of [
    "\ta: b\n",
    "a: {{ b\n",
    "a: b: c\n",
    "a: [\n",
    "%a\n",
    "- &a *a\n",
    "a: *b\n",
    "? [\n",
    "a: !x b\n",
  ]) {
    const text = line.repeat(MOST_OF_A_FILE / line.length);
    expect(inTime(() => readYaml(text, "f").problems)).not.toEqual([]);
  }
  const unknown = Array.from({ length: MOST_OF_A_FILE / 16 }, (_, index) => `trafic${index}: {}\n`).join("");
  const path = join(tree({ "e.yml": `name: prices\n${unknown}`.slice(0, MOST_OF_A_FILE) }), "e.yml");
  expect(inTime(() => refusal(() => readEndpointFile(path))).problems).toHaveLength(101);
});

test("lines with braces that do not end are read in time", () => {
  const some = (part: string): string => part.repeat(1000);
  for (const text of [`a: {{${full(" ")}`, some("a: {{ b\n"), some("a: {{"), `a: {{ b c\n${some("a: {{\n\n")}`]) {
    expect(inTime(() => readYaml(text, "f").problems)).not.toEqual([]);
  }
});

test("what a message shows of a long placeholder is short", () => {
  const found = placeholderIn(`${full("a")}placeholder${full("b")}`);
  expect(found).toMatch(/^a+placeholderb+$/);
  expect(found!.length).toBeLessThan(200);
});

describe("keys that are half a character", () => {
  const CURE = "Write the whole character, or remove the key.";

  test.each([
    ["at the top", '"\\ud800": 1', 5, 1],
    ["in a map that may hold any key", 'tags: {"a\\udc00": x}', 5, 8],
    ["among variables", 'environment_variables:\n  "\\ud800": x', 6, 3],
  ])("are refused %s", (_where, lines, line, column) => {
    const head = "name: blue\nendpoint_name: prices\nmodel: azureml:m:1\ninstance_type: Standard_DS3_v2\n";
    const path = join(tree({ "d.yml": `${head}${lines}\n` }), "d.yml");
    const error = refusal(() => readDeploymentFile(path));
    expect(error.problems).toMatchObject([
      { line, column, message: expect.stringMatching(/^the key ".*" holds half a character/), cure: CURE },
    ]);
  });

  test("are refused on the command line", () => {
    const error = refusal(() => endpointDocument({ name: "prices", set: ['tags={"\\ud800": 1}'] }));
    expect(error.problems).toMatchObject([{ file: expect.stringMatching(/^--set /), cure: CURE }]);
  });
});

function refusal(work: () => unknown): SpecError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(SpecError);
    return error as SpecError;
  }
  throw new Error("nothing was refused");
}
