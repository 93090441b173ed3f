// Texts that are made to take long: a file may have a megabyte.
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { checkDocument, SpecError } from "../../../endpoint/spec/index.ts";
import { placeholderIn } from "../../../endpoint/spec/placeholders.ts";
import { readYaml } from "../../../endpoint/spec/yaml.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";

/** Characters: what the largest file that is read can hold. */
const MOST = 1024 * 1024;

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

test("a megabyte of lines with braces is read in time", () => {
  for (const text of [`a: {{${full(" ")}`, full("a: {{ b\n"), full("a: {{"), `a: {{ b c\n${full("a: {{\n\n")}`]) {
    expect(inTime(() => readYaml(text, "f").problems)).not.toEqual([]);
  }
});

test("what a message shows of a long placeholder is short", () => {
  const found = placeholderIn(`${full("a")}placeholder${full("b")}`);
  expect(found).toMatch(/^a+placeholderb+$/);
  expect(found!.length).toBeLessThan(200);
});
