import { Validator } from "@seriousme/openapi-schema-validator";
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { SWAGGER_VERSIONS, type SwaggerVersion } from "../../../src/core/swagger-versions.ts";
import { type Declaration, type Declarations, sample } from "../../../src/index.ts";
import { renderPythonJson } from "../../../src/json/python-json.ts";
import { generateSwagger } from "../../../src/swagger/generate.ts";
import { declare } from "./setup.ts";

const SERVICE = { serviceName: "ML service", serviceVersion: "1.0", servicePathPrefix: "" };

/** The schema of the one member, as text. */
async function describeMember(declaration: Declaration, version: SwaggerVersion): Promise<string> {
  const { dialects } = await declare({ input: { a: declaration } }).describe();
  return renderPythonJson((dialects[version]!.input as { properties: { a: unknown } }).properties.a);
}

async function describeOutput(declaration: Declaration): Promise<string> {
  const { dialects } = await declare({ output: declaration }).describe();
  return renderPythonJson(dialects["3.1"]!.output);
}

describe("samples say what Python samples say (IS-21)", () => {
  test.each([
    [sample(1), '{"type": "integer", "format": "int64", "example": 1}'],
    [sample(1.5), '{"type": "number", "format": "double", "example": 1.5}'],
    [sample(true), '{"type": "boolean", "example": true}'],
    [sample("x"), '{"type": "string", "example": "x"}'],
    [sample(Buffer.from("abc")), '{"type": "string", "format": "byte", "example": "YWJj"}'],
    [
      sample(new Date("2020-01-02T03:04:05.006Z")),
      '{"type": "string", "format": "date-time", "example": "2020-01-02 03:04:05.006000 +0000"}',
    ],
    [sample([1, 2]), '{"type": "array", "items": {"type": "integer", "format": "int64"}, "example": [1, 2]}'],
    [sample([1, 2.5]), '{"type": "array", "items": {"type": "number", "format": "double"}, "example": [1, 2.5]}'],
    [
      sample([[2.5], [1]]),
      '{"type": "array", "items": {"type": "array", "items": {"type": "number", "format": "double"}}, "example": [[2.5], [1]]}',
    ],
    [sample([]), '{"type": "array", "items": {"type": "object"}, "example": []}'],
    [sample([1, "a"]), '{"type": "array", "items": {"type": "string"}, "example": [1, "a"]}'],
    [
      sample({ a: 1, c: { d: null } }),
      '{"type": "object", "required": ["a", "c"], "properties": {"a": {"type": "integer", "format": "int64"}, "c": {"type": "object", "required": ["d"], "properties": {"d": {"type": "object"}}}}, "example": {"a": 1, "c": {"d": null}}}',
    ],
    [
      sample({ i: sample([1]), z: z.string(), k: 0 }),
      '{"type": "object", "required": ["i", "z", "k"], "properties": {"i": {"type": "array", "items": {"type": "integer", "format": "int64"}}, "z": {"type": "string"}, "k": {"type": "integer", "format": "int64"}}, "example": {"i": [1], "z": "string", "k": 0}}',
    ],
  ])("%#", async (declaration, expected) => {
    expect(await describeOutput(declaration)).toBe(expected);
  });

  test.each([
    [sample([1, "a"]), false],
    [sample([1, 2.5]), true],
    [sample([1, [2]]), false],
    [sample([[1], ["a"]]), true],
    [sample([[1, "a"]]), false],
    [sample({ a: [1, "a"] }), false],
    [sample([{ a: [1, "a"] }]), true],
  ])("version 2 is left out for lists of several kinds (IS-20) %#", async (declaration, inSwagger2) => {
    const { dialects } = await declare({ input: { b: sample(1), a: declaration } }).describe();
    expect(Object.keys(dialects)).toEqual(inSwagger2 ? ["2", "3", "3.1"] : ["3", "3.1"]);
  });
});

describe.each(SWAGGER_VERSIONS)("version %s", (version) => {
  test.each<[string, Declaration, Declaration]>([
    ["numbers", z.array(z.array(z.number())), sample([[1.5]])],
    ["whole numbers", z.int(), sample(1)],
    ["an object", z.object({ a: z.int(), b: z.array(z.string()) }), sample({ a: 1, b: ["x"] })],
    ["a valibot object", toStandardJsonSchema(v.object({ a: v.boolean() })), sample({ a: true })],
    ["an arktype object", type({ a: "string" }), sample({ a: "x" })],
    ["a JSON Schema", { properties: { a: { type: "number" } }, required: ["a"], type: "object" }, sample({ a: 1.5 })],
  ])("a schema and a sample of the same shape read the same: %s (SW-15)", async (_, own, like) => {
    expect(await describeMember(own, version)).toBe(await describeMember(like, version));
  });
});

test.each<[string, Declaration, string, string, string]>([
  [
    "null besides",
    z.string().nullable(),
    '{"type": "string", "x-nullable": true}',
    '{"type": "string", "nullable": true}',
    '{"type": ["string", "null"]}',
  ],
  [
    "null by a choice",
    { anyOf: [{ type: "array", items: { type: "string" } }, { type: "null" }] },
    '{"type": "array", "x-nullable": true, "items": {"type": "string"}}',
    '{"type": "array", "nullable": true, "items": {"type": "string"}}',
    '{"type": ["array", "null"], "items": {"type": "string"}}',
  ],
  [
    "one value",
    z.literal("x"),
    '{"type": "string", "enum": ["x"]}',
    '{"type": "string", "enum": ["x"]}',
    '{"type": "string", "const": "x"}',
  ],
  [
    "an exclusive bound",
    z.number().gt(3),
    '{"type": "number", "format": "double", "exclusiveMinimum": true, "minimum": 3}',
    '{"type": "number", "format": "double", "exclusiveMinimum": true, "minimum": 3}',
    '{"type": "number", "format": "double", "exclusiveMinimum": 3}',
  ],
  [
    "an exclusive bound of draft 4",
    { maximum: 3, exclusiveMaximum: true },
    '{"maximum": 3, "exclusiveMaximum": true}',
    '{"maximum": 3, "exclusiveMaximum": true}',
    '{"exclusiveMaximum": 3}',
  ],
  [
    "several types",
    { type: ["string", "number"] },
    "{}",
    '{"anyOf": [{"type": "string"}, {"type": "number", "format": "double"}]}',
    '{"type": ["string", "number"]}',
  ],
  [
    "a choice",
    { anyOf: [{ type: "string" }, { type: "string", format: "uuid" }] },
    '{"type": "string"}',
    '{"anyOf": [{"type": "string"}, {"type": "string", "format": "uuid"}]}',
    '{"anyOf": [{"type": "string"}, {"type": "string", "format": "uuid"}]}',
  ],
  [
    "a reference",
    { $ref: "#/$defs/id", $defs: { id: { type: "string" } } },
    '{"type": "string"}',
    '{"type": "string"}',
    '{"type": "string"}',
  ],
  [
    "a schema in itself",
    { type: "array", items: { $ref: "#" } },
    '{"type": "array", "items": {"type": "array", "items": {}}}',
    '{"type": "array", "items": {"type": "array", "items": {}}}',
    '{"type": "array", "items": {"type": "array", "items": {}}}',
  ],
  [
    "a tuple",
    z.tuple([z.string(), z.boolean()]),
    '{"type": "array", "items": {}, "maxItems": 2, "minItems": 2}',
    '{"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "boolean"}]}, "maxItems": 2, "minItems": 2}',
    '{"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}], "items": false, "minItems": 2, "maxItems": 2}',
  ],
  [
    "a record",
    z.record(z.string(), z.boolean()),
    '{"type": "object", "additionalProperties": {"type": "boolean"}}',
    '{"type": "object", "additionalProperties": {"type": "boolean"}}',
    '{"type": "object", "additionalProperties": {"type": "boolean"}}',
  ],
  [
    "nothing",
    z.object({ n: z.null() }),
    '{"type": "object", "required": ["n"], "properties": {"n": {"x-nullable": true, "enum": [null]}}}',
    '{"type": "object", "required": ["n"], "properties": {"n": {"nullable": true, "enum": [null]}}}',
    '{"type": "object", "required": ["n"], "properties": {"n": {"type": "null"}}}',
  ],
])("each version says it in its own words: %s", async (_, declaration, two, three, threeOne) => {
  const said = await Promise.all(SWAGGER_VERSIONS.map((version) => describeMember(declaration, version)));
  expect(said).toEqual([two, three, threeOne]);
});

const TREE: z.ZodType = z.object({
  name: z.string(),
  get children() {
    return z.array(TREE);
  },
});

const SERVICES: Record<string, Declarations> = {
  zod: {
    input: {
      data: z.array(z.array(z.number())),
      k: z.number().min(1).lt(9).default(3),
      mode: z.enum(["a", "b"]).nullable(),
      any: z.unknown(),
      tree: TREE,
      all: z.object({
        tuple: z.tuple([z.string()], z.number()),
        record: z.record(z.string(), z.union([z.string(), z.null(), z.array(z.boolean())])),
        literal: z.literal([1, "a", null]),
        email: z.email().describe("Where to write to").optional(),
        both: z.intersection(z.object({ a: z.string() }), z.looseObject({ b: z.date().nullable() })),
        one: z.discriminatedUnion("kind", [
          z.strictObject({ kind: z.literal("x") }),
          z.object({ kind: z.literal("y") }),
        ]),
      }),
    },
    output: z.array(z.number()).meta({ examples: [[1.5]] }),
  },
  samples: { input: { a: sample({ n: 1, empty: {}, list: [[1.5]], when: new Date(0) }) }, output: sample([1]) },
  arktype: { input: { a: type({ x: "number > 3", "y?": "string | null", z: "'a' | 'b'", when: "Date" }) } },
  "JSON Schema": {
    input: {
      a: {
        $schema: "http://json-schema.org/draft-07/schema#",
        type: "object",
        patternProperties: { "^x": { type: "number" } },
        additionalProperties: false,
        properties: {
          t: { type: "array", items: [{ type: "number" }, { const: null }] },
          never: false,
          u: { type: ["integer", "null", "string"], minimum: 1 },
        },
        if: { required: ["t"] },
        // biome-ignore lint/suspicious/noThenProperty: the keyword is called so
        then: { not: { required: ["u"] } },
        dependentRequired: { t: ["u"] },
      },
    },
  },
  "output only": { output: z.string() },
};

test.each(Object.entries(SERVICES))("the documents of a service are valid: %s", async (_, declarations) => {
  const { dialects, warnings } = await declare(declarations).describe();
  expect(warnings).toEqual([]);
  for (const version of SWAGGER_VERSIONS) {
    const text = generateSwagger(SERVICE, version, dialects[version]!);
    const { valid, errors } = await new Validator().validate(JSON.parse(text));
    expect({ version, valid, errors }).toEqual({ version, valid: true, errors: undefined });
  }
});

test("a schema that gives no JSON Schema is told of, and described as anything", async () => {
  const { dialects, warnings } = await declare({ input: { a: v.number() }, output: v.number() }).describe();
  expect(warnings).toEqual([
    "The swagger documents say nothing of a: its schema (valibot) gives no JSON Schema; wrap it in toStandardJsonSchema() of @valibot/to-json-schema.",
    "The swagger documents say nothing of the output: its schema (valibot) gives no JSON Schema; wrap it in toStandardJsonSchema() of @valibot/to-json-schema.",
  ]);
  expect(dialects["2"]).toEqual({
    input: { type: "object", properties: { a: {} }, example: { a: "" } },
    output: { type: "object" },
  });
});

test("only one of the two declared leaves the other open (IS-16)", async () => {
  expect((await declare({ output: sample(1) }).describe()).dialects["2"]!.input).toEqual({ type: "object" });
  expect((await declare({ input: { a: sample(1) } }).describe()).dialects["2"]!.output).toEqual({ type: "object" });
});
