// The oldest engine that is supported, and newer versions of Node.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { packageFile } from "../../../../src/core/package-root.ts";
import { missingEngine, modelFolder } from "../../../setup/onnx.ts";
import { preparedLeastEngine, preparedNode } from "../../../setup/runtimes.ts";

/** Runs each model of the list with all its outputs, then with each alone. */
const PROGRAM = `
import { openOnnx } from ${JSON.stringify(pathToFileURL(packageFile("dist/src/no-code/onnx/open-onnx.js")))};
const log = { server: { info() {}, warning() {} } };
const floats = (name, shape, ...values) => ({ name, datatype: "FP32", shape, data: Float32Array.from(values) });
const halves = Uint16Array.of(9, 0x3c00, 0x7e01, 0xfc00).subarray(1);
const INPUTS = {
  "addsub.onnx": [floats("INPUT0", [1, 4], 1, 2, 3, 4), floats("INPUT1", [1, 4], 1, 1, 1, 1)],
  "sequence-and-tensor.onnx": [floats("x", [1], 7)],
  "iris-plain.onnx": [floats("X", [1, 4], 5.1, 3.5, 1.4, 0.2)],
  "iris-regression-names.onnx": [floats("X", [1, 4], 5.1, 3.5, 1.4, 0.2)],
  "type-float16.onnx": [{ name: "x", datatype: "FP16", shape: [3], data: halves }],
  "type-int64.onnx": [{ name: "x", datatype: "INT64", shape: [1], data: BigInt64Array.of(2n ** 60n + 1n) }],
  "type-string.onnx": [{ name: "x", datatype: "BYTES", shape: [1], data: ["é"] }],
  "type-bool.onnx": [{ name: "x", datatype: "BOOL", shape: [2], data: Uint8Array.of(0, 1) }],
};
const answers = {};
for (const [file, inputs] of Object.entries(INPUTS)) {
  const model = await openOnnx({ path: import.meta.dirname + "/" + file, name: "m" }, log);
  const ask = async (names) => {
    const { outputs } = await model.infer(undefined, inputs, names);
    return outputs.map(({ name, data }) => [name, Array.from(data, (value) => typeof value === "bigint" ? String(value) : value)]);
  };
  answers[file] = await ask();
  for (const { name } of model.facts.outputs) {
    const [alone] = await ask([name]);
    const same = answers[file].find(([other]) => other === name);
    if (JSON.stringify(alone) !== JSON.stringify(same)) throw new Error(file + " " + name + " alone: " + alone);
  }
}
process.stdout.write(JSON.stringify(answers));
`;

const FILES = [
  "addsub.onnx",
  "sequence-and-tensor.onnx",
  "iris-plain.onnx",
  "iris-regression-names.onnx",
  "type-float16.onnx",
  "type-int64.onnx",
  "type-string.onnx",
  "type-bool.onnx",
];

async function answers(node: string, modules?: string): Promise<unknown> {
  const folder = modelFolder(FILES, modules);
  const program = join(folder, "program.mjs");
  writeFileSync(program, PROGRAM);
  return JSON.parse((await promisify(execFile)(node, [program])).stdout);
}

const EXPECTED = {
  "addsub.onnx": [
    ["OUTPUT0", [2, 3, 4, 5]],
    ["OUTPUT1", [0, 1, 2, 3]],
  ],
  "sequence-and-tensor.onnx": [["y", [7]]],
  "iris-plain.onnx": [
    ["label", ["0"]],
    ["probabilities", [expect.closeTo(0.98, 1), expect.closeTo(0.02, 1), expect.closeTo(0, 1)]],
  ],
  "iris-regression-names.onnx": [
    ["output_label", ["setosa"]],
    ["output_probability", [expect.closeTo(0.98, 1), expect.closeTo(0.02, 1), expect.closeTo(0, 1)]],
  ],
  "type-float16.onnx": [["y", [0x3c00, 0x7e01, 0xfc00]]],
  "type-int64.onnx": [["y", ["1152921504606846977"]]],
  "type-string.onnx": [["y", ["é"]]],
  "type-bool.onnx": [["y", [0, 1]]],
};

describe.skipIf(missingEngine())("ONNX models give the same answers", () => {
  test("with Node 24, whose arrays of float16 the engine does not know (ONNX-8)", async () => {
    expect(await answers(await preparedNode(24))).toEqual(EXPECTED);
  });

  test("with the oldest engine, which gives results wrong names (ONNX-1)", async () => {
    expect(await answers(process.execPath, await preparedLeastEngine())).toEqual(EXPECTED);
  });
});
