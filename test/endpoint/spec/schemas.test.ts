// The schemas that editors use: https://json-schema.org/draft/2020-12, shipped as they stand.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Validator } from "@cfworker/json-schema";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

const ROOT = join(import.meta.dirname, "../../..");
const FOLDER = join(ROOT, "endpoint/spec/schemas");
const schemaOf = (kind: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(FOLDER, `online-${kind}.schema.json`), "utf8")) as Record<string, unknown>;

test("ship in the package", () => {
  const { files } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { files: string[] };
  expect(files).toContain("endpoint/spec/schemas/*.json");
  expect(readdirSync(FOLDER).sort()).toEqual(["online-deployment.schema.json", "online-endpoint.schema.json"]);
});

describe.each(["endpoint", "deployment"])("of %s", (kind) => {
  test("describe every key of the top level, and have the texts that a pattern's message needs", () => {
    const problems: string[] = [];
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== "object" || value === null) return;
      const schema = value as Record<string, unknown>;
      if (typeof schema.pattern === "string" && typeof schema.patternErrorMessage !== "string") problems.push(path);
      for (const [key, child] of Object.entries(schema)) walk(child, `${path}/${key}`);
    };
    const schema = schemaOf(kind);
    walk(schema, "#");
    expect(problems).toEqual([]);
    expect(schema.title).toBeTypeOf("string");
    expect(schema.description).toBeTypeOf("string");
  });

  test("have defaults that they themselves take", () => {
    let defaults = 0;
    const walk = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      const schema = value as { default?: unknown };
      if ("default" in schema && typeof schema.default !== "object") {
        defaults++;
        expect(new Validator(schema as object, "2020-12").validate(schema.default).valid).toBe(true);
      }
      for (const child of Object.values(schema)) walk(child);
    };
    walk(schemaOf(kind));
    expect(defaults).toBeGreaterThan(1);
  });
});

test.each([
  ["endpoint", "managed/endpoint.yml"],
  ["endpoint", "managed/identity-user.yml"],
  ["endpoint", "kubernetes/endpoint.yml"],
  ["deployment", "managed/blue.yml"],
  ["deployment", "managed/single-file.yml"],
  ["deployment", "container/serving.yml"],
  ["deployment", "no-code/mlflow.yml"],
  ["deployment", "kubernetes/blue.yml"],
  ["deployment", "collector/custom.YAML"],
])("an editor finds nothing wrong: %s %s", (kind, file) => {
  const document: unknown = parse(readFileSync(join(ROOT, "test/fixtures/endpoints", file), "utf8"), {
    version: "1.1",
  });
  expect(new Validator(schemaOf(kind), "2020-12", false).validate(document).errors).toEqual([]);
});
