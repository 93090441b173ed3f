import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Log } from "../../../../src/core/log.ts";
import { createLog } from "../../../../src/log/create.ts";
import { openOnnx } from "../../../../src/no-code/onnx/open-onnx.ts";
import type { Datatype, Model, Tensor, TensorData } from "../../../../src/no-code/types.ts";
import { missingEngine, modelFolder } from "../../../setup/onnx.ts";

const quiet: Log = createLog(() => {}, "CRITICAL");

function open(fixture: string, log: Log = quiet): Promise<Model> {
  return openOnnx({ path: join(modelFolder([fixture]), fixture), name: "m" }, log);
}

function tensor(name: string, datatype: Datatype, shape: number[], data: TensorData): Tensor {
  return { name, datatype, shape, data };
}

const floats = (name: string, shape: number[], ...values: number[]): Tensor =>
  tensor(name, "FP32", shape, Float32Array.from(values));

describe.skipIf(missingEngine())("an ONNX file", () => {
  test.each<[string, Datatype, TensorData]>([
    ["float32", "FP32", Float32Array.of(0.1, Number.NaN, -0, Number.POSITIVE_INFINITY)],
    ["float64", "FP64", Float64Array.of(0.1, Number.NaN, 5e-324)],
    ["float16", "FP16", Uint16Array.of(0x3c00, 0x7e01, 0xfc00, 0x0001)],
    ["int8", "INT8", Int8Array.of(-128, 127)],
    ["uint8", "UINT8", Uint8Array.of(0, 255)],
    ["int16", "INT16", Int16Array.of(-32768, 32767)],
    ["uint16", "UINT16", Uint16Array.of(0, 65535)],
    ["int32", "INT32", Int32Array.of(-(2 ** 31), 2 ** 31 - 1)],
    ["uint32", "UINT32", Uint32Array.of(0, 2 ** 32 - 1)],
    ["int64", "INT64", BigInt64Array.of(-(2n ** 63n), 2n ** 53n + 1n)],
    ["uint64", "UINT64", BigUint64Array.of(0n, 2n ** 64n - 1n)],
    ["bool", "BOOL", Uint8Array.of(0, 1)],
    ["string", "BYTES", ["", "é", "\u{1F600}", "a\nb"]],
  ])("of %s takes and gives it bit by bit (ONNX-2, ONNX-7 to ONNX-10)", async (type, datatype, data) => {
    const model = await open(`type-${type}.onnx`);
    expect(model.facts).toEqual({
      name: "m",
      platform: "onnxruntime_onnx",
      versions: [{ version: "1" }],
      inputs: [{ name: "x", datatype, shape: [-1] }],
      outputs: [{ name: "y", datatype, shape: [-1] }],
    });
    const answer = await model.infer(undefined, [tensor("x", datatype, [data.length], data)], undefined);
    expect(answer).toEqual({ version: "1", outputs: [tensor("y", datatype, [data.length], data)] });
    const none = data.slice(0, 0) as TensorData;
    expect((await model.infer("1", [tensor("x", datatype, [0], none)], ["y"])).outputs).toEqual([
      tensor("y", datatype, [0], none),
    ]);
  });

  test("with several inputs and outputs gives those that are wanted, in the model's order", async () => {
    const model = await open("addsub.onnx");
    const inputs = [floats("INPUT1", [1, 4], 1, 1, 1, 1), floats("INPUT0", [1, 4], 1, 2, 3, 4)];
    const [sum, difference] = [floats("OUTPUT0", [1, 4], 2, 3, 4, 5), floats("OUTPUT1", [1, 4], 0, 1, 2, 3)];
    expect((await model.infer(undefined, inputs, undefined)).outputs).toEqual([sum, difference]);
    expect((await model.infer(undefined, inputs, ["OUTPUT1", "OUTPUT0", "OUTPUT1"])).outputs).toEqual([
      sum,
      difference,
    ]);
    expect((await model.infer(undefined, inputs, ["OUTPUT1"])).outputs).toEqual([difference]);
  });

  test("whose weights lie beside it is served (ONNX-14)", async () => {
    const folder = modelFolder(["external.onnx", "external.onnx.data"]);
    const model = await openOnnx({ path: join(folder, "external.onnx"), name: "m" }, quiet);
    const { outputs } = await model.infer(undefined, [floats("x", [1, 2], 1, 1)], undefined);
    expect(outputs).toEqual([floats("y", [1, 2], 4, 6)]);
  });
});
