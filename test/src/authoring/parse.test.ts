import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Declaration, sample } from "../../../src/index.ts";
import { describeIssues } from "../../../src/script/declared.ts";
import { declare } from "./setup.ts";

/** What becomes of the value of the one member. */
async function read(declaration: Declaration, members: Record<string, unknown>): Promise<unknown> {
  const parsed = await declare({ input: { a: declaration } }).parse(members);
  if ("value" in parsed) return (parsed.value as { a: unknown }).a;
  return "missing" in parsed ? `missing: ${parsed.missing}` : describeIssues(parsed.issues);
}

const NESTED = {
  type: "object",
  properties: { b: { type: "array", items: { $ref: "#/$defs/item" } }, "x/y": { minimum: 3 } },
  required: ["b"],
  additionalProperties: false,
  $defs: { item: { anyOf: [{ type: "number" }, { type: "null" }] } },
};

test.each<[string, Declaration, Record<string, unknown>, unknown]>([
  ["zod converts", z.string().transform((text) => text.length), { a: "xyz" }, 3],
  ["zod may take its time", z.string().refine(async () => true), { a: "x" }, "x"],
  [
    "zod names the place",
    z.object({ b: z.array(z.int()) }),
    { a: { b: [1, 1.5] } },
    "a.b[1]: expected int, received number",
  ],
  [
    "zod tells of each choice",
    z.union([z.string(), z.number()]),
    { a: null },
    "a: expected string, received null, or expected number, received null",
  ],
  ["zod has a default", z.number().default(3), {}, 3],
  [
    "valibot names the place",
    v.object({ b: v.number() }),
    { a: { b: "x" } },
    'a.b: Invalid type: Expected number but received "x"',
  ],
  ["valibot has a default", v.optional(v.number(), 3), {}, 3],
  [
    "arktype names the place once",
    type("number[]"),
    { a: [1, "x"] },
    "a[1] must be a number (was a string)".replace("a[1] ", "a[1]: "),
  ],
  ["a JSON Schema names the place", NESTED, { a: { b: [1, null, "x"] } }, "a.b[2]: does not match any subschemas"],
  ["a JSON Schema names odd members", NESTED, { a: { b: [], "x/y": 1 } }, 'a["x/y"]: 1 is less than 3'],
  ["a JSON Schema names what is missing", NESTED, { a: {} }, 'a: does not have required property "b"'],
  ["a JSON Schema has a default", { type: "number", default: 3 }, {}, 3],
  ["a JSON Schema without one is required", { type: "number" }, {}, "missing: a"],
  [
    "a JSON Schema may be of draft 4",
    { $schema: "http://json-schema.org/draft-04/schema#", minimum: 3, exclusiveMinimum: true },
    { a: 3 },
    "a: 3 is less than or equal to 3",
  ],
])("%s", async (_, declaration, members, expected) => {
  expect(await read(declaration, members)).toEqual(expected);
});

describe("a sample takes values of its kind (IS-10)", () => {
  const when = sample(new Date("2020-01-02T03:04:05Z"));
  test.each<[string, Declaration, unknown, unknown]>([
    ["whole number", sample(1), 2, 2],
    ["whole number", sample(1), 1.5, "a: expected integer, received number"],
    ["whole number", sample(1), true, "a: expected integer, received boolean"],
    ["number", sample(1.5), 2, 2],
    ["number", sample(1.5), "2", "a: expected number, received string"],
    ["boolean", sample(true), 1, "a: expected boolean, received number"],
    ["string", sample("x"), null, "a: expected string, received null"],
    ["list, items unchecked", sample([1]), ["x", null], ["x", null]],
    ["list", sample([1]), { b: 1 }, "a: expected array, received object"],
    ["object, members unchecked", sample({ b: 1 }), { b: "x", c: 2 }, { b: "x", c: 2 }],
    ["object", sample({ b: 1 }), [1], "a: expected object, received array"],
    ["bytes", sample(new Uint8Array()), "YWJj", new Uint8Array([97, 98, 99])],
    ["date", when, "2021-01-01", new Date("2021-01-01")],
    [
      "date, in the form of its example",
      when,
      "2020-01-02 03:04:05.006000 +0000",
      new Date("2020-01-02T03:04:05.006Z"),
    ],
    ["date", when, 5, "a: expected date and time as text, received number"],
    ["nested", sample({ when, n: 1 }), { when: "2021-01-01", n: "x" }, { when: new Date("2021-01-01"), n: "x" }],
    ["nested, but missing", sample({ when, n: 1 }), { n: 1 }, { n: 1 }],
    ["nested list, by the first", sample([when]), ["2021-01-01"], [new Date("2021-01-01")]],
    [
      "nested, not fitting",
      sample({ deep: [{ when: new Date() }] }),
      { deep: [{ when: 1 }] },
      "a.deep[0].when: expected date and time as text, received number",
    ],
    ["nested schema", sample({ n: z.number() }), { n: "x" }, "a.n: expected number, received string"],
    [
      "nested schema that takes its time",
      sample([z.number().refine(async () => true)]),
      [1, "x"],
      "a[1]: expected number, received string",
    ],
  ])("%s: %#", async (_, declaration, value, expected) => {
    expect(await read(declaration, { a: value })).toEqual(expected);
  });

  test("a missing one is undefined where it is optional, else an error (IN-13)", async () => {
    expect(await read(sample(1, { optional: true }), {})).toBeUndefined();
    expect(await read(sample(1), {})).toBe("missing: a");
  });
});

test("members of the prototype are missing, and `__proto__` is a member like any other", async () => {
  const { parse } = declare({ input: { toString: z.string() } });
  expect(await parse({})).toEqual({ missing: "toString" });
  expect(await read(sample({}), JSON.parse('{"a": {"__proto__": 1}}'))).not.toHaveProperty("polluted");
});

test("a sample has to be JSON (IS-21)", () => {
  expect(() => sample(null)).toThrow("Sample cannot be null");
  expect(() => sample({ a: new Set() })).toThrow("Actual error: an object of Set is not JSON serializable");
  expect(() => sample([Number.NaN])).toThrow("Actual error: NaN is not JSON serializable");
  const circular: { self?: unknown } = {};
  circular.self = circular;
  expect(() => sample(circular)).toThrow("a circular reference");
});

test("what is neither schema nor sample is refused when the script is loaded", () => {
  expect(() => declare({ input: { k: 3 as never } })).toThrow("schema(): input.k is 3; give a schema");
});
