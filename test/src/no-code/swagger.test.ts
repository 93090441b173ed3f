import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, onTestFinished, test } from "vitest";
import { schemaFaults } from "../../../check/schema.ts";
import type { Log } from "../../../src/core/log.ts";
import { SWAGGER_VERSIONS } from "../../../src/core/swagger-versions.ts";
import { createLog } from "../../../src/log/create.ts";
import { openModel } from "../../../src/no-code/open-model.ts";
import { schemasOf } from "../../../src/no-code/swagger.ts";
import { generateSwagger } from "../../../src/swagger/generate.ts";
import { missingEngine, modelFolder } from "../../setup/onnx.ts";
import { facts, plainModel } from "./protocol/plain-model.ts";

const quiet: Log = createLog(() => {}, "CRITICAL");
const SERVICE = { serviceName: "ML service", serviceVersion: "1.0", servicePathPrefix: "" };

function definitions(inputs: readonly string[], outputs: readonly string[] = inputs, path = "/nowhere/m.onnx") {
  const model = plainModel(inputs);
  const schemas = schemasOf({ ...model, facts: { ...model.facts, outputs: outputs.map(facts) } }, path);
  const text = generateSwagger(SERVICE, "2", schemas);
  return { text, ...JSON.parse(text).definitions };
}

describe("documents (table H)", () => {
  test("of a matrix are those of Azure's script", () => {
    const { text } = definitions(["x FP64 -1,4"], ["y INT64 -1"]);
    expect(text).toContain(
      '"ServiceInput": {"type": "object", "properties": {"input_data": {"type": "array", "items": {"type": "array", "items": {"type": "number", "format": "double"}}, "format": "numpy.ndarray"}, "params": {"type": "object"}}, "example": {"input_data": [[0.0, 0.0, 0.0, 0.0]], "params": {}}}, "ServiceOutput": {"type": "array", "items": {"type": "integer", "format": "int64"}, "example": [0], "format": "numpy.ndarray"}',
    );
  });

  test("of named tensors are objects of them", () => {
    const { text, ServiceInput, ServiceOutput } = definitions(["a FP32 -1,2", "b INT64 -1"]);
    const a = {
      type: "array",
      items: { type: "array", items: { type: "number", format: "float" } },
      format: "numpy.ndarray",
    };
    const b = { type: "array", items: { type: "integer", format: "int64" }, format: "numpy.ndarray" };
    expect(ServiceInput.properties.input_data).toEqual({ type: "object", required: ["a", "b"], properties: { a, b } });
    expect(text).toContain('"example": {"input_data": {"a": [[0.0, 0.0]], "b": [0]}, "params": {}}');
    expect(ServiceOutput).toMatchObject({ required: ["a", "b"], example: { a: [[0, 0]], b: [0] } });
  });

  test("have no example of an image's size", () => {
    const { ServiceInput } = definitions(["x FP32 -1,3,224,224"]);
    expect(ServiceInput).not.toHaveProperty("example");
  });

  test.each([
    ["BOOL", { type: "boolean" }, "false"],
    ["UINT8", { type: "integer", format: "int32" }, "0"],
    ["UINT32", { type: "integer", format: "int64" }, "0"],
    ["FP16", { type: "number", format: "float" }, "0.0"],
    ["BYTES", { type: "string" }, '""'],
  ])("of %s have its type", (type, schema, example) => {
    const { text, ServiceInput } = definitions([`x ${type}`]);
    expect(ServiceInput.properties.input_data).toEqual(schema);
    expect(text).toContain(`"example": {"input_data": ${example}, "params": {}}`);
  });
});

describe("an example beside the model is the documents' (MLF-25)", () => {
  const folderWith = (files: Readonly<Record<string, string>>) => {
    const folder = mkdtempSync(join(tmpdir(), "scorefn-example-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return folder;
  };
  const exampleOf = (files: Readonly<Record<string, string>>, inputs = ["x FP64 -1,4"]) =>
    definitions(inputs, inputs, join(folderWith(files), "m.onnx")).ServiceInput.example.input_data;

  test.each([
    ["serving_input_example.json", '{"inputs": [[1, 2, 3, 4]]}'],
    ["serving_input_example.json", '{"dataframe_split": {"columns": ["a", "b", "c", "d"], "data": [[1, 2, 3, 4]]}}'],
    ["input_example.json", "[[1, 2, 3, 4]]"],
    ["input_example.json", '{"columns": ["a", "b", "c", "d"], "data": [[1, 2, 3, 4]]}'],
    ["sample-request.json", '{\n  "input_data": {"columns": [0, 1, 2, 3], "index": [0], "data": [[1, 2, 3, 4]]}\n}\n'],
  ])("%s: %s", (name, text) => {
    expect(exampleOf({ [name]: text })).toEqual([[1, 2, 3, 4]]);
  });

  test("of several inputs by name, whatever its form", () => {
    const text = '{"dataframe_records": [{"b": 9007199254740993, "a": [1, 2]}]}';
    const folder = folderWith({ "serving_input_example.json": text });
    expect(definitions(["a FP32 -1,2", "b INT64 -1"], [], folder).text).toContain(
      '"example": {"input_data": {"a": [[1.0, 2.0]], "b": [9007199254740993]}, "params": {}}',
    );
  });

  test.each([
    ["is no JSON", "{"],
    ["is of another width", "[[1, 2, 3]]"],
    ["is of another type", '[["a", "b", "c", "d"]]'],
    ["is empty", ""],
    ["is long", `[${"[1, 2, 3, 4],".repeat(2000)}[1, 2, 3, 4]]`],
    ["is a megabyte", `[[1, 2, 3, 4]]${" ".repeat(1e6)}`],
    ["tries to end the document", '[[1,2,3,4]], "value": [[5,6,7,8]]}, {"value": 0'],
  ])("but not where it %s", (_name, text) => {
    expect(exampleOf({ "input_example.json": text })).toEqual([[0, 0, 0, 0]]);
  });

  test.each(["FP16", "FP32", "FP64"])("its numbers of %s are those that were written", (type) => {
    const written = [[0.1, 5.1, 100, 0.0001, -2.5, 0, 2048]];
    const files = { "input_example.json": JSON.stringify(written) };
    expect(exampleOf(files, [`x ${type} -1,7`])).toEqual(written);
  });

  test("the next file is looked at where one does not fit", () => {
    expect(exampleOf({ "serving_input_example.json": "{}", "input_example.json": "[[4, 3, 2, 1]]" })).toEqual([
      [4, 3, 2, 1],
    ]);
  });
});

/** It compiles what it judges by once. */
const validator = new Validator();

const SERVED = [
  "addsub",
  "mixed",
  "fixed",
  "scalar",
  "no-rank",
  "unnamed-dim",
  "square",
  "image",
  "odd-names",
  "gather",
  "no-input",
];

describe.skipIf(missingEngine())("documents of real models", () => {
  test.each([
    ...SERVED,
    "default-input",
    "iris-forest",
    "iris-columns",
    "iris-regression",
    "type-float16",
    "type-bool",
  ])("%s: are valid in all versions, and their example is answered as they say", async (fixture) => {
    const path = join(modelFolder([`${fixture}.onnx`]), `${fixture}.onnx`);
    const script = await openModel({ kind: "onnx", path, name: "m" }, quiet);
    const { schemas } = script.facts;
    for (const version of SWAGGER_VERSIONS) {
      const document = JSON.parse(generateSwagger(SERVICE, version, schemas));
      const { valid, errors } = await validator.validate(structuredClone(document));
      expect({ version, valid, errors }).toEqual({ version, valid: true, errors: undefined });
      const { ServiceInput, ServiceOutput } = document.definitions ?? document.components.schemas;
      expect(schemaFaults(ServiceInput.example, ServiceInput, version)).toEqual([]);
      const { body } = await script.run({
        body: Buffer.from(JSON.stringify(ServiceInput.example)),
        path: "/score",
        headers: {},
        signal: () => new AbortController().signal,
      });
      expect(schemaFaults(JSON.parse(String(body)), ServiceOutput, version)).toEqual([]);
    }
  });

  test("of a repository with one model has the example beside it", async () => {
    const repository = modelFolder({ "iris/1/model.onnx": "iris-plain.onnx" });
    writeFileSync(join(repository, "iris", "input_example.json"), "[[5.1, 3.5, 1.4, 0.2]]");
    const { facts: found } = await openModel({ kind: "triton", path: repository, name: "m" }, quiet);
    const { definitions } = JSON.parse(generateSwagger(SERVICE, "2", found.schemas));
    expect(definitions.ServiceInput.example.input_data).toEqual([[5.1, 3.5, 1.4, 0.2]]);
  });
});
