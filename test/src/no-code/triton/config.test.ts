import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { packageFile } from "../../../../src/core/package-root.ts";
import { NO_CONFIG, readConfig, typeName } from "../../../../src/no-code/triton/config.ts";
import { PbtxtError } from "../../../../src/no-code/triton/pbtxt-tokens.ts";

const FIXTURES = packageFile("test/fixtures/triton");
const NAMES = readdirSync(FIXTURES).map((file) => file.replace(".pbtxt", ""));
const fixture = (name: string) => readFileSync(join(FIXTURES, `${name}.pbtxt`), "utf8");

/** An input or output that says no more than that. */
function tensor(name: string, datatype: string | undefined, dims: number[] | undefined, more: object = {}): object {
  return { name, datatype, dims, reshape: undefined, optional: false, format: "FORMAT_NONE", labelFile: "", ...more };
}

const SERVED: Record<string, object> = {
  densenet_onnx: {
    name: "densenet_onnx",
    inputs: [tensor("data_0", "FP32", [3, 224, 224], { reshape: [1, 3, 224, 224], format: "FORMAT_NCHW" })],
    outputs: [tensor("fc6_1", "FP32", [1000], { reshape: [1, 1000, 1, 1], labelFile: "densenet_labels.txt" })],
  },
  addsub: {
    name: "addsub",
    maxBatchSize: 8,
    inputs: [tensor("INPUT0", "FP32", [4]), tensor("INPUT1", "FP32", [4])],
    outputs: [tensor("OUTPUT0", "FP32", [4]), tensor("OUTPUT1", "FP32", [4])],
    versionPolicy: { kind: "all" },
  },
  batch_only: { maxBatchSize: 16 },
  empty: {},
  repeated_fields: {
    name: "repeated_fields",
    inputs: [tensor("tokens", "INT64", [-1, 2]), tensor("mask", "BOOL", [-1, 2])],
    outputs: [tensor("scores", "FP64", [1])],
  },
  angle_brackets: {
    name: "angle_brackets",
    inputs: [tensor("text", "BYTES", [-1])],
    outputs: [tensor("label", "BYTES", [1], { reshape: [] })],
    versionPolicy: { kind: "latest", count: 3 },
  },
  separators: {
    name: "separators",
    maxBatchSize: 4,
    inputs: [tensor("x", "INT8", [1, 2])],
    outputs: [tensor("y", "UINT8", [3]), tensor("z", "UINT16", [-1])],
  },
  numbers: { maxBatchSize: 32, inputs: [tensor("x", "INT16", [8, 31, -1])], ignored: ["dynamic_batching", "rate"] },
  joined_strings: {
    name: "joined_strings",
    modelFile: "quantized.onnx",
    parameters: { prompt: 'line one\n\tline "two" é é 😀', empty: "" },
    ignored: ["parameters"],
  },
  comments: { name: "comments", inputs: [tensor("#1", "FP16", [7])] },
  extensions: { name: "extensions", ignored: ["[nvidia.triton.ext_tuning]", "[type.googleapis.com/acme.Audit]"] },
  future_fields: {
    name: "future_fields",
    inputs: [tensor("x", "UINT32", [1])],
    ignored: ["quantum_scheduling", "future_flag", "future_list"],
  },
  speed_only: {
    name: "speed_only",
    maxBatchSize: 64,
    parameters: { intra_op_thread_count: "2" },
    ignored: ["dynamic_batching", "instance_group", "optimization", "model_warmup", "parameters", "response_cache"],
  },
  specific_versions: { name: "specific_versions", versionPolicy: { kind: "specific", versions: ["1", "3"] } },
  specific_versions_repeated: { versionPolicy: { kind: "specific", versions: ["7", "5"] } },
  latest_without_a_number: { versionPolicy: { kind: "latest", count: 1 } },
  latest_two: { versionPolicy: { kind: "latest", count: 2 } },
  empty_policy: { versionPolicy: { kind: "latest", count: 1 } },
  optional_inputs: {
    name: "optional_inputs",
    maxBatchSize: 2,
    inputs: [
      tensor("x", "FP32", [2]),
      tensor("bias", "FP32", [2], { optional: true }),
      tensor("scale", "FP32", [1], { reshape: [] }),
    ],
    outputs: [tensor("y", "FP32", [2])],
  },
  reshape_parts: {
    name: "reshape_parts",
    inputs: [tensor("x", "FP32", [2, 4, -1, 6], { reshape: [8, -1, 1, 6] })],
    outputs: [tensor("y", "FP32", [-1, -1], { reshape: [1, -1, 1, -1] })],
  },
  every_type: {
    name: "every_type",
    inputs: "BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64"
      .split(" ")
      .map((type) => tensor(type.toLowerCase(), type, [1]))
      .concat(tensor("string", "BYTES", [1])),
  },
  no_types: {
    name: "no_types",
    inputs: [tensor("x", undefined, undefined), tensor("z", undefined, undefined)],
    outputs: [tensor("y", undefined, [3])],
  },
  windows_lines: { name: "windows_lines", maxBatchSize: 1, inputs: [tensor("x", "FP32", [2])] },
  not_ascii: { name: "größe_模型", inputs: [tensor("größe", "FP32", [1])] },
  coupled: { name: "coupled" },
};

const ONLY = 'is not served: only ONNX models are (platform "onnxruntime_onnx" or backend "onnxruntime")';
const TYPES =
  "which is not served; there are TYPE_BOOL, TYPE_UINT8, TYPE_UINT16, TYPE_UINT32, TYPE_UINT64, TYPE_INT8, TYPE_INT16, " +
  "TYPE_INT32, TYPE_INT64, TYPE_FP16, TYPE_FP32, TYPE_FP64, TYPE_STRING";
const NOT_SERVED: Record<string, string> = {
  ensemble: `line 2: platform "ensemble" ${ONLY}`,
  ensemble_without_platform: "line 2: ensembles are not served: only single ONNX models are",
  python_backend: `line 2: backend "python" ${ONLY}`,
  tensorrt_plan: `line 3: platform "tensorrt_plan" ${ONLY}`,
  sequence: "line 3: sequence_batching is not done: requests are answered one by one, without state",
  decoupled: "line 3: decoupled models are not served: a request has one answer",
  ragged_batch: "line 2: batch_input is not done: requests are not joined",
  bfloat16: `line 1: data_type of input 'x' is TYPE_BF16, ${TYPES}`,
  shape_tensor: "line 1: input 'x' is a shape tensor, which only TensorRT has",
  unfit_reshape: "line 2: input 'x' has different sizes in dims [3,-1] and in reshape [-1,4]",
  two_policies: "line 2: version_policy must be one of latest, all and specific",
};

function problemOf(text: string): string {
  try {
    readConfig(text);
  } catch (error) {
    expect(error).toBeInstanceOf(PbtxtError);
    return (error as PbtxtError).message;
  }
  throw new Error(`nothing is wrong with ${text}`);
}

describe("config.pbtxt (TRI-6)", () => {
  test.each(Object.entries(SERVED))("%s is read", (name, expected) => {
    expect(readConfig(fixture(name))).toEqual({ ...NO_CONFIG, ...expected });
  });

  test.each(Object.entries(NOT_SERVED))("%s is refused with the reason", (name, problem) => {
    expect(problemOf(fixture(name))).toBe(problem);
  });

  test("there is no fixture that nobody reads", () => {
    expect(NAMES.sort()).toEqual([...Object.keys(SERVED), ...Object.keys(NOT_SERVED)].sort());
  });

  test.each([
    ["max_batch_size: -1", "line 1: max_batch_size must be an integer from 0 on, not -1"],
    ["max_batch_size: 1.5", "line 1: max_batch_size must be an integer from 0 on, not 1.5"],
    ["max_batch_size: 4294967296", "line 1: max_batch_size must be an integer from 0 on, not 4294967296"],
    ["max_batch_size: 99999999999999999999", 'line 1: "99999999999999999999" does not fit into 64 bits'],
    ['max_batch_size: "8"', 'line 1: max_batch_size must be an integer from 0 on, not "8"'],
    ["max_batch_size: nan", "line 1: max_batch_size must be an integer from 0 on, not NaN"],
    ["max_batch_size: 1\nmax_batch_size: 2", "line 2: max_batch_size is there twice"],
    ["max_batch_size { }", "line 1: max_batch_size must be an integer from 0 on, not a message"],
    ["name: addsub", 'line 1: name must be a string in quotes, not "addsub"'],
    ["name: 5", "line 1: name must be a string in quotes, not 5"],
    ['input: "x"', 'line 1: input must be a message in braces, not "x"'],
    ["input { }", "line 1: input must have a name"],
    ['input { name: "x" }\noutput { name: "x" }\ninput { name: "x" }', "line 3: input 'x' is there twice"],
    [
      'input {\n name: "x" dims: 0 }',
      "line 1: dims of input 'x' must be integers from 1 on, or -1 for any size, not 0",
    ],
    ['output { name: "x"\n dims: [ 1, -2 ] }', "line 2: dims must be integers from 1 on, or -1 for any size, not -2"],
    [
      'input { name: "x" dims: 18446744073709551615 }',
      "line 1: dims must be integers from 1 on, or -1 for any size, not 18446744073709551615",
    ],
    [
      'input { name: "x" data_type: "TYPE_FP32" }',
      'line 1: data_type must be a name without quotes, or its number, not "TYPE_FP32"',
    ],
    ['input { name: "x" data_type: 1.5 }', "line 1: data_type must be a name without quotes, or its number, not 1.5"],
    [
      'input { name: "x" data_type: { } }',
      "line 1: data_type must be a name without quotes, or its number, not a message",
    ],
    ['input { name: "x" data_type: 14 }', `line 1: data_type of input 'x' is TYPE_BF16, ${TYPES}`],
    ['input { name: "x" data_type: 99 }', `line 1: data_type of input 'x' is 99, ${TYPES}`],
    ['input { name: "x" data_type: -1 }', `line 1: data_type of input 'x' is -1, ${TYPES}`],
    ['input { name: "x" data_type: constructor }', `line 1: data_type of input 'x' is constructor, ${TYPES}`],
    ['input { name: "x" optional: maybe }', 'line 1: optional must be true or false, not "maybe"'],
    ['input { name: "x" reshape { shape: 1 } }', "line 1: input 'x' has reshape but no dims"],
    [
      'input { name: "x" dims: [ 4 ] reshape { shape: [ ] } }',
      "line 1: input 'x' has different sizes in dims [4] and in reshape []",
    ],
    [
      'input { name: "x" dims: [ -1 ] reshape { shape: [ 1 ] } }',
      "line 1: input 'x' has different sizes in dims [-1] and in reshape [1]",
    ],
    [
      'input { name: "x" dims: [ 2, -1, 3 ] reshape { shape: [ 3, -1, 2 ] } }',
      "line 1: input 'x' has different sizes in dims [2,-1,3] and in reshape [3,-1,2]",
    ],
    ["version_policy: ALL", 'line 1: version_policy must be a message in braces, not "ALL"'],
    ["version_policy { specific { versions: -1 } }", "line 1: versions must be integers from 1 on, not -1"],
    ["version_policy { latest { num_versions: -1 } }", "line 1: num_versions must be an integer from 1 on, not -1"],
    ['backend: "onnxruntime" platform: "pytorch_libtorch"', `line 1: platform "pytorch_libtorch" ${ONLY}`],
    ['backend: "openvino" platform: "onnxruntime_onnx"', `line 1: backend "openvino" ${ONLY}`],
    ["batch_output { }", "line 1: batch_output is not done: requests are not joined"],
    ["input [", 'line 1: expected ":" or "{", found the end'],
  ])("%s is refused", (text, problem) => {
    expect(problemOf(text)).toBe(problem);
  });

  test("enums may be numbers (TRI-15)", () => {
    const types = [..."BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 BYTES".split(" ")];
    const inputs = types.map((type, index) => `input { name: "${type}" data_type: ${index + 1} }`);
    expect(readConfig(inputs.join("\n")).inputs.map(({ datatype }) => datatype)).toEqual(types);
    const [x] = readConfig('input { name: "x" data_type: 0 format: 0x2 }').inputs;
    expect(x).toMatchObject({ datatype: undefined, format: "FORMAT_NCHW" });
    // Of a newer Triton.
    expect(readConfig('input { name: "x" format: 9 }').inputs[0]!.format).toBe("9");
  });

  test("sizes whose product no number holds are compared exactly", () => {
    const huge = (last: number) =>
      `input { name: "x" dims: [ 9007199254740991, 9007199254740991, 2 ] reshape { shape: [ 9007199254740991, 9007199254740991, ${last} ] } }`;
    expect(readConfig(huge(2)).inputs).toHaveLength(1);
    expect(problemOf(huge(3))).toContain("different sizes");
  });

  test("types have Triton's names again (TRI-9)", () => {
    expect(["FP32", "BOOL", "BYTES", "UINT64"].map(typeName)).toEqual([
      "TYPE_FP32",
      "TYPE_BOOL",
      "TYPE_STRING",
      "TYPE_UINT64",
    ]);
  });
});
