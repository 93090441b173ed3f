// What is refused before the engine sees it, in the words of models.md, table I, where it has them.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createLog } from "../../../../src/log/create.ts";
import { elementCount } from "../../../../src/no-code/onnx/check-request.ts";
import { openOnnx } from "../../../../src/no-code/onnx/open-onnx.ts";
import type { Model, Tensor } from "../../../../src/no-code/types.ts";
import { missingEngine, modelFolder } from "../../../setup/onnx.ts";

const quiet = createLog(() => {}, "CRITICAL");

function open(fixture: string, name: string): Promise<Model> {
  return openOnnx({ path: join(modelFolder([fixture]), fixture), name }, quiet);
}

function floats(name: string, shape: number[], count: number = elementCount(shape) ?? 0): Tensor {
  return { name, datatype: "FP32", shape, data: new Float32Array(count).fill(1) };
}

/** The refusal, with the word that the next request is answered all the same. */
async function refusal(model: Model, inputs: readonly Tensor[], good: readonly Tensor[], outputs?: string[]) {
  const error = await model.infer(undefined, inputs, outputs).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  await model.infer(undefined, good, undefined);
  expect(error).toMatchObject({ name: "BadInputError", code: "ERR_BAD_INPUT", status: 400 });
  return (error as Error).message;
}

const [A, B] = [floats("INPUT0", [1, 4]), floats("INPUT1", [1, 4])];
const ints: Tensor = { name: "INPUT0", datatype: "INT32", shape: [1, 4], data: new Int32Array(4) };
const HUGE = 2 ** 31;
/** Of inputs: comparing each with each would take minutes. */
const VERY_MANY = 300_000;

describe.skipIf(missingEngine())("a request is refused", () => {
  test.each<[string, Tensor[], string, string[]?]>([
    [
      "without inputs",
      [],
      "expected 2 inputs but got 0 inputs for model 'addsub'. Got input(s) [], but missing required input(s) ['INPUT0','INPUT1']. Please provide all required input(s).",
    ],
    [
      "when one is missing",
      [A],
      "expected 2 inputs but got 1 inputs for model 'addsub'. Got input(s) ['INPUT0'], but missing required input(s) ['INPUT1']. Please provide all required input(s).",
    ],
    [
      "when one is too many",
      [A, B, floats("Q", [1])],
      "expected 2 inputs but got 3 inputs for model 'addsub'. Got input(s) ['INPUT0','INPUT1','Q'], of which ['Q'] are unknown.",
    ],
    [
      "when one is missing and two are unknown",
      [A, floats("Q", [1]), floats("R", [1])],
      "expected 2 inputs but got 3 inputs for model 'addsub'. Got input(s) ['INPUT0','Q','R'], but missing required input(s) ['INPUT1']. Please provide all required input(s).",
    ],
    [
      "when one has another name",
      [A, floats("input1", [1, 4])],
      "unexpected inference input 'input1' for model 'addsub'. Expected input(s) ['INPUT0','INPUT1'].",
    ],
    ["when one is there twice", [A, A], "input 'INPUT0' already exists in request"],
    [
      "with another type",
      [ints, B],
      "inference input 'INPUT0' data-type is 'INT32', but model 'addsub' expects 'FP32'",
    ],
    [
      "with another width",
      [floats("INPUT0", [1, 5]), B],
      "unexpected shape for input 'INPUT0' for model 'addsub'. Expected [-1,4], got [1,5].",
    ],
    [
      "with another rank",
      [floats("INPUT0", [4]), B],
      "unexpected shape for input 'INPUT0' for model 'addsub'. Expected [-1,4], got [4].",
    ],
    [
      "as a scalar",
      [A, floats("INPUT1", [], 1)],
      "unexpected shape for input 'INPUT1' for model 'addsub'. Expected [-1,4], got [].",
    ],
    [
      "when batches differ (ONNX-20)",
      [A, floats("INPUT1", [2, 4])],
      "unexpected shape for input 'INPUT1' for model 'addsub'. Expected [b,4], got [2,4]: 'b' is 1 in input 'INPUT0'.",
    ],
    [
      "with fewer elements than its shape takes",
      [floats("INPUT0", [1, 4], 3), B],
      "input 'INPUT0' for model 'addsub' has 3 elements, but its shape [1,4] takes 4 elements",
    ],
    [
      "with elements where its shape takes none",
      [floats("INPUT0", [0, 4], 4), floats("INPUT1", [0, 4])],
      "input 'INPUT0' for model 'addsub' has 4 elements, but its shape [0,4] takes 0 elements",
    ],
    [
      "with a size below zero",
      [floats("INPUT0", [-1, 4], 4), B],
      "unexpected shape for input 'INPUT0' for model 'addsub'. Got [-1,4], but sizes are whole numbers from 0 to 2147483647.",
    ],
    [
      "with a size that is no whole number",
      [floats("INPUT0", [1.5, 4], 6), B],
      "unexpected shape for input 'INPUT0' for model 'addsub'. Got [1.5,4], but sizes are whole numbers from 0 to 2147483647.",
    ],
    [
      "with a size that the engine does not take",
      [floats("INPUT0", [HUGE, 4], 4), B],
      `unexpected shape for input 'INPUT0' for model 'addsub'. Got [${HUGE},4], but sizes are whole numbers from 0 to 2147483647.`,
    ],
    [
      "for an output that there is not",
      [A, B],
      "unexpected inference output 'ZZ' for model 'addsub'. Expected one of ['OUTPUT0','OUTPUT1'].",
      ["OUTPUT0", "ZZ"],
    ],
  ])("%s (table I)", async (_, inputs, message, outputs) => {
    expect(await refusal(await open("addsub.onnx", "addsub"), inputs, [A, B], outputs)).toBe(message);
  });

  test("whose shape overflows", async () => {
    const size = 2 ** 31 - 1;
    const x = floats("x", [size, 3, size, size], 10);
    expect(await refusal(await open("image.onnx", "image"), [x], [floats("x", [1, 3, 1, 1])])).toBe(
      `input 'x' for model 'image' has 10 elements, but its shape [${size},3,${size},${size}] takes more elements than there can be`,
    );
  });

  test("which announces a gigabyte and has ten bytes", async () => {
    const x = floats("x", [1, 3, 16384, 5461], 10);
    const model = await open("image.onnx", "image");
    expect(await refusal(model, [x], [floats("x", [1, 3, 1, 1])])).toContain("has 10 elements, but its shape");
  });

  test("when a dimension of one input is not what it is elsewhere in it (ONNX-20)", async () => {
    const model = await open("square.onnx", "square");
    expect(await refusal(model, [floats("x", [2, 3])], [floats("x", [2, 2])])).toBe(
      "unexpected shape for input 'x' for model 'square'. Expected [n,n], got [2,3]: 'n' is 2 in input 'x'.",
    );
  });

  test("when a fixed size is another one (ONNX-20)", async () => {
    const model = await open("fixed.onnx", "fixed");
    expect(await refusal(model, [floats("x", [3, 3])], [floats("x", [2, 3])])).toBe(
      "unexpected shape for input 'x' for model 'fixed'. Expected [2,3], got [3,3].",
    );
  });

  test("with a NUL character in a text, which the engine would cut there (ONNX-10)", async () => {
    const texts = (...data: string[]): Tensor => ({ name: "x", datatype: "BYTES", shape: [data.length], data });
    const model = await open("type-string.onnx", "words");
    expect(await refusal(model, [texts("a", "b\0c")], [texts("a")])).toBe(
      "input 'x' for model 'words' holds a text (number 1) with a NUL character, which the ONNX engine takes for its end",
    );
  });

  test("with an input that the model has a value of its own for (ONNX-6)", async () => {
    const model = await open("default-input.onnx", "m");
    expect(model.facts.inputs.map(({ name }) => name)).toEqual(["x"]);
    const bias = floats("bias", [2]);
    expect(await refusal(model, [floats("x", [1, 2]), bias], [floats("x", [1, 2])])).toContain("['bias'] are unknown");
  });

  test("with very many inputs, at once and in few words", async () => {
    const model = await open("addsub.onnx", "addsub");
    const many = Array.from({ length: VERY_MANY }, (_, index) => ({ ...A, name: `${index}` }));
    const message = await refusal(model, many, [A, B]);
    expect(message).toContain(
      `expected 2 inputs but got ${VERY_MANY} inputs for model 'addsub'. Got input(s) ['0','1',`,
    );
    expect(message).toContain(",'99',... 299900 more], but missing required input(s) ['INPUT0','INPUT1']");
    expect(message.length).toBeLessThan(1_000);
  });

  test("with a name of a megabyte, which is told in part", async () => {
    const model = await open("addsub.onnx", "addsub");
    const name = "x".repeat(2 ** 20);
    const messages = [
      await refusal(model, [A, floats(name, [1])], [A, B]),
      await refusal(model, [floats(name, [1]), floats(name, [1])], [A, B]),
      await refusal(model, [A, B], [A, B], [name]),
    ];
    for (const message of messages) expect(message.length).toBeLessThan(1_000);
  });

  test("for a version that there is not", async () => {
    const model = await open("fixed.onnx", "fixed");
    await expect(model.infer("2", [floats("x", [2, 3])], undefined)).rejects.toMatchObject({
      code: "ERR_NOT_FOUND",
      message: "Request for unknown model: 'fixed' version 2 is not found",
    });
  });
});

describe.skipIf(missingEngine())("a request is answered", () => {
  test.each([
    ["scalar.onnx", []],
    ["no-rank.onnx", [2, 1, 2]],
    ["no-rank.onnx", []],
    ["unnamed-dim.onnx", [2, 3]],
    ["unnamed-dim.onnx", [0, 3]],
    ["image.onnx", [0, 3, 2147483647, 2147483647]],
  ])("by %s with the shape [%s] (ONNX-3, ONNX-21)", async (fixture, shape) => {
    const model = await open(fixture, "m");
    const x = floats("x", shape);
    const { outputs } = await model.infer(undefined, [x], []);
    expect(outputs).toEqual([{ ...x, name: "y" }]);
  });

  test("with the values that the model has of its own (ONNX-6)", async () => {
    const model = await open("default-input.onnx", "m");
    const { outputs } = await model.infer(undefined, [floats("x", [1, 2])], undefined);
    expect(outputs[0]!.data).toEqual(Float32Array.of(11, 21));
  });

  test("by a model without inputs", async () => {
    const { outputs } = await (await open("no-input.onnx", "m")).infer(undefined, [], undefined);
    expect(outputs[0]!.data).toEqual(Float32Array.of(7));
  });

  test("by a model whose names are no identifiers", async () => {
    const model = await open("odd-names.onnx", "m");
    const { outputs } = await model.infer(undefined, [floats("größe", [1])], ["y/0:out"]);
    expect(outputs).toEqual([floats("y/0:out", [1])]);
  });

  test("by a model whose names mean something to objects of JavaScript", async () => {
    const model = await open("object-names.onnx", "m");
    const inputs = ["9", "__proto__", "12"].map((name, index) => floats(name, [index + 1]));
    const { outputs } = await model.infer(undefined, inputs, undefined);
    expect(outputs).toEqual([floats("45", [3]), floats("3", [1]), floats("constructor", [2])]);
    expect((await model.infer(undefined, inputs, ["constructor", "45"])).outputs).toEqual([outputs[0], outputs[2]]);
  });

  test("from a part of a greater buffer, and stays as it is when that changes", async () => {
    const whole = Float32Array.of(9, 1, 2, 9);
    const x: Tensor = { name: "x", datatype: "FP32", shape: [2], data: whole.subarray(1, 3) };
    const { outputs } = await (await open("type-float32.onnx", "m")).infer(undefined, [x], undefined);
    whole.fill(0);
    expect(outputs[0]!.data).toEqual(Float32Array.of(1, 2));
  });
});
