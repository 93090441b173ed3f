// Swagger documents: what we say of them is what a validator of other people's says.
import { Validator } from "@seriousme/openapi-schema-validator";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { documentFaults } from "../../check/declared.ts";
import { schemaFaults } from "../../check/schema.ts";
import type { SwaggerVersion } from "../../src/core/swagger-versions.ts";
import { generateSwagger } from "../../src/swagger/generate.ts";

const SERVICE = { serviceName: "s", serviceVersion: "1", servicePathPrefix: "a" };
const VERSIONS = ["2", "3", "3.1"] as const satisfies readonly SwaggerVersion[];
const INPUT = {
  type: "object",
  properties: { data: { type: "array", items: { type: "number", format: "double" } } },
  example: { data: [1] },
};

const documentOf = (version: SwaggerVersion) =>
  JSON.parse(generateSwagger(SERVICE, version, { input: INPUT, output: { type: "number" } }));

describe.each(VERSIONS)("a document of version %s", (version) => {
  test("that the server makes is valid", () => {
    expect(documentFaults(documentOf(version), version)).toEqual([]);
  });

  test("is judged as others judge it, whatever is taken out of it or put into it", async () => {
    const places = fc.array(fc.nat(5), { minLength: 1, maxLength: 5 });
    const values = fc.constantFrom(undefined, null, 1, "x", {}, [], { x: 1 });
    let [good, bad] = [0, 0];
    await fc.assert(
      fc.asyncProperty(places, values, async (way, value) => {
        const document = documentOf(version);
        change(document, way, value);
        const isValid = (await new Validator().validate(structuredClone(document))).valid;
        const faults = documentFaults(document, version);
        if (isValid) good++;
        else bad++;
        expect([faults.length === 0, JSON.stringify(faults)]).toEqual([isValid, JSON.stringify(faults)]);
      }),
      // Chance would now and then find too few that are good.
      { numRuns: 150, seed: 14 },
    );
    expect(Math.min(good, bad)).toBeGreaterThan(5);
  });

  test("that refers to what is not there is not valid, nor one of another version", () => {
    const text = JSON.stringify(documentOf(version)).replace("/ServiceOutput", "/Missing");
    expect(documentFaults(JSON.parse(text), version).join()).toContain("which is not there");
    expect(documentFaults(documentOf(version === "2" ? "3" : "2"), version).join()).toContain("of version");
  });
});

/** Changes what stands at the end of a way through the document. */
function change(document: Record<string, unknown>, way: readonly number[], value: unknown): void {
  let holder: Record<string, unknown> = document;
  for (const [depth, step] of way.entries()) {
    const keys = Object.keys(holder);
    const key = keys[step % Math.max(1, keys.length)] ?? "x";
    const child = holder[key];
    if (depth === way.length - 1 || typeof child !== "object" || child === null) {
      if (value === undefined) delete holder[key];
      else holder[key] = value;
      return;
    }
    holder = child as Record<string, unknown>;
  }
}

test("null is allowed where the older versions say so in words of their own", () => {
  const schema = {
    type: "object",
    properties: { a: { type: "number", nullable: true }, b: { type: "string", "x-nullable": true, enum: ["x"] } },
  };
  expect(schemaFaults({ a: null, b: null }, schema, "3")).toEqual([]);
  expect(schemaFaults({ a: "x" }, schema, "3")).toEqual(["$.a: expected number or null, received string"]);
  expect(schemaFaults({ a: null }, { type: "object", properties: { a: { type: ["number", "null"] } } }, "3.1")).toEqual(
    [],
  );
  expect(
    schemaFaults({ a: null }, { properties: { a: { $ref: "#/components/schemas/A" } } }, "3", {
      components: { schemas: { A: { type: "number" } } },
    }),
  ).toHaveLength(1);
});
