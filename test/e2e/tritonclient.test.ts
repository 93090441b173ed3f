// The unmodified tritonclient from PyPI against a real server of a repository (OIP-15 to OIP-18; models.md, tables I and K).
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { DEADLINE_MS } from "../setup/deadline.ts";
import { environment } from "../setup/environments.mjs";
import { layOutModels, missingEngine } from "../setup/onnx.ts";
import { freePort, startServer } from "../setup/server.ts";

const COMMAND = packageFile("dist/adapters/cli/scorefn.js");
const CALLS = packageFile("test/e2e/tritonclient_calls.py");
const TYPES = ["bool", "float16", "float32", "float64", "string"].concat(
  [8, 16, 32, 64].flatMap((bits) => [`int${bits}`, `uint${bits}`]),
);

const models = environment("models");
const missing = missingEngine() || ("unavailable" in models ? models.unavailable : false);
if (missing !== false && process.env.CI === "true") throw new Error(missing);

describe.skipIf(missing)("tritonclient", () => {
  let outcomes: Readonly<Record<string, unknown>>;
  let repository: string;

  beforeAll(async () => {
    repository = mkdtempSync(join(tmpdir(), "scorefn-tritonclient-"));
    layOutModels(repository, {
      "addsub/1/model.onnx": "addsub.onnx",
      "addsub/3/model.onnx": "addsub.onnx",
      "image/1/model.onnx": "image.onnx",
      ...Object.fromEntries(TYPES.map((type) => [`${type}/1/model.onnx`, `type-${type}.onnx`])),
    });
    writeFileSync(join(repository, "addsub", "config.pbtxt"), "max_batch_size: 8\nversion_policy: { all { } }\n");
    const port = await freePort();
    const args = [COMMAND, "serve", "--model", repository, "--port", String(port)];
    const server = startServer({ command: process.execPath, args, cwd: repository, port });
    await server.waitReady("/v2/health/ready");
    const { python } = models as { python: string };
    const options = { timeout: DEADLINE_MS, maxBuffer: 16 * 1_048_576 };
    const { stdout } = await promisify(execFile)(python, [CALLS, `127.0.0.1:${port}`], options);
    outcomes = JSON.parse(stdout);
    await server.stop();
  });

  afterAll(() => rmSync(repository, { recursive: true, force: true }));

  const outcome = (name: string) => {
    expect(Object.keys(outcomes)).toContain(name);
    return outcomes[name];
  };

  const floats = (items: number[], shape = [2, 4]) => ({ dtype: "float32", shape, items });
  const both = [floats([1, 2, 3, 4, 5, 6, 7, 8]), floats([-1, 0, 1, 2, 3, 4, 5, 6])];

  test.each([
    ["live", true],
    ["ready", true],
    ["model ready", true],
    ["version ready", true],
    ["unknown model ready", false],
    ["unknown version ready", false],
    [
      "server metadata",
      { name: "scorefn", version: expect.any(String), extensions: expect.arrayContaining(["binary_tensor_data"]) },
    ],
    ["metadata", expect.objectContaining({ name: "addsub", versions: ["1", "3"], platform: "onnxruntime_onnx" })],
    ["version metadata", expect.objectContaining({ versions: ["1"] })],
    ["config", 8],
    ["index", expect.arrayContaining([{ name: "addsub", version: "3", state: "READY" }])],
  ])("%s (OIP-16)", (name, expected) => expect(outcome(name)).toEqual(expected));

  test.each([
    "binary",
    "JSON",
    "binary in, JSON out",
    "JSON in, binary out",
    "mixed",
    "gzip binary",
    "gzip JSON",
    "deflate binary",
    "deflate JSON",
    "parameters",
    "async values",
    "asyncio values",
    "asyncio gzip",
    "next request",
  ])("infers: %s (OIP-15, table K)", (name) => expect(outcome(name)).toEqual(both));

  test.each([
    ["one output", null],
    ["id", "r1"],
    ["latest", "3"],
    ["version", "1"],
    ["async", Array.from({ length: 16 }, (_, index) => String(index))],
    ["asyncio", Array.from({ length: 8 }, (_, index) => String(index))],
    ["asyncio ready", true],
    ["zero batch", [0, 4]],
    ["zero batch JSON", floats([], [0, 4])],
    ["image binary", true],
    ["image JSON", true],
  ])("gives of an inference: %s", (name, expected) => expect(outcome(name)).toEqual(expected));

  test.each<[string, string, unknown[]]>([
    ["bool", "bool", [true, false]],
    ["int8", "int8", [-128, 127]],
    ["uint8", "uint8", [0, 255]],
    ["int16", "int16", [-32768, 32767]],
    ["uint16", "uint16", [0, 65535]],
    ["int32", "int32", [-2147483648, 2147483647]],
    ["uint32", "uint32", [0, 4294967295]],
    ["int64", "int64", ["-9223372036854775808", "9007199254740993"]],
    ["uint64", "uint64", [0, "18446744073709551615"]],
    ["float32", "float32", [Math.fround(0.1), "nan"]],
    ["float64", "float64", [0.1, "-inf"]],
    ["string", "object", ["a", "é😀", ""]],
  ])("%s both ways, in both forms", (name, dtype, items) => {
    for (const form of ["binary", "JSON"]) {
      expect(outcome(`${name} ${form}`)).toEqual({ dtype, shape: [items.length], items });
    }
  });

  test("float16 as bytes; JSON has none (OIP-10)", () => {
    expect(outcome("float16 binary")).toEqual({ dtype: "float16", shape: [2], items: [1.5, "inf"] });
    expect(outcome("float16 JSON")).toMatchObject({ status: "400" });
  });

  test.each([
    ["unknown model", "404", /^Request for unknown model: 'nope' is not found/],
    ["unknown metadata", "404", /^Request for unknown model: 'nope' is not found/],
    ["unknown version", "404", /^Request for unknown model: 'addsub' version 2 is not found/],
    ["unknown output", "400", /^unexpected inference output 'ZZ' for model 'addsub'/],
    ["missing input", "400", /^expected 2 inputs but got 1 inputs for model 'addsub'. Got input\(s\) \['INPUT0'\]/],
    ["unknown input", "400", /'Q'/],
    ["wrong type", "400", /^inference input 'INPUT0' data-type is 'INT32', but model 'addsub' expects 'FP32'/],
    ["wrong shape", "400", /^unexpected shape for input 'INPUT0' for model 'addsub'. Expected \[-1,4\], got \[1,5\]/],
    ["batch too large", "400", /^inference request batch-size must be <= 8 for 'addsub'/],
    ["bytes missing", "400", /^unexpected size for input 'INPUT1', expecting 4 additional bytes for model 'addsub'/],
    ["classification", "400", /^'classification' of output 'OUTPUT0' is not supported/],
    ["shared memory", "400", /^'shared_memory_region' of input 'INPUT0' is not supported/],
  ])("says what is wrong: %s (table I)", (name, status, message) => {
    expect(outcome(name)).toEqual({ status, message: expect.stringMatching(message) });
  });
});
