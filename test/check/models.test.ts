// `scorefn check --model`: a model without a script.
import { describe, expect, test } from "vitest";
import { judge } from "../../check/judge.ts";
import { binaryBody, invocationsBody, isMadeUp, tensorsOf } from "../../check/model-bodies.ts";
import { check, project } from "../adapters/cli/check/scorefn-check.ts";
import { layOutModels, missingEngine } from "../setup/onnx.ts";

const body = (value: Buffer | undefined): unknown => value && JSON.parse(value.toString());

describe("bodies of one example", () => {
  const TABLE = {
    input_data: {
      columns: ["a", "b"],
      index: [],
      data: [
        [1, "x"],
        [2, "y"],
      ],
    },
    params: { k: 1 },
  };
  const COLUMNS = [
    { name: "b", datatype: "BYTES", shape: [-1, 1] },
    { name: "a", datatype: "FP64", shape: [-1] },
  ];
  const ONE = [{ name: "x", datatype: "FP32", shape: [-1, 2] }];

  test("a table is a table for /invocations, and columns for /v2", () => {
    expect(body(invocationsBody(TABLE))).toEqual({
      dataframe_split: { columns: ["a", "b"], data: TABLE.input_data.data },
      params: { k: 1 },
    });
    expect(tensorsOf(TABLE, COLUMNS)).toEqual([
      { name: "b", datatype: "BYTES", shape: [2, 1], data: ["x", "y"] },
      { name: "a", datatype: "FP64", shape: [2], data: [1, 2] },
    ]);
  });

  test("a list is the only input; what does not fit becomes zeros", () => {
    const list = {
      input_data: [
        [1, 2],
        [3, 4],
      ],
    };
    expect(body(invocationsBody(list))).toEqual({ inputs: list.input_data });
    expect(tensorsOf(list, ONE)).toEqual([{ name: "x", datatype: "FP32", shape: [2, 2], data: [1, 2, 3, 4] }]);
    for (const other of [
      { input_data: [1, 2] },
      { input_data: [[1, 2], [3]] },
      { input_data: [[1, null]] },
      {},
      undefined,
    ]) {
      expect(tensorsOf(other, ONE)).toEqual([{ name: "x", datatype: "FP32", shape: [1, 2], data: [0, 0] }]);
    }
    expect(invocationsBody({ data: 1 })).toBeUndefined();
  });

  test("zeros have the bytes that their types take", () => {
    const inputs = [
      { name: "t", datatype: "BYTES", shape: [-1, 2] },
      { name: "f", datatype: "FP16", shape: [3] },
      { name: "b", datatype: "BOOL", shape: [] },
      { name: "l", datatype: "UINT64", shape: [-1] },
    ];
    const { body: bytes, headerBytes } = binaryBody(inputs);
    expect(bytes.length - headerBytes).toBe(8 + 6 + 1 + 8);
    expect(bytes.subarray(headerBytes).every((byte) => byte === 0)).toBe(true);
  });

  test.each([
    [{ input_data: [[0, 0.0]] }, true],
    [{ input_data: { columns: ["a"], data: [[""]] } }, true],
    [{ input_data: [[0, 1]] }, false],
    [{ input_data: { a: ["x"] } }, false],
  ])("%j is made up: %s", (example, isMade) => expect(isMadeUp(example)).toBe(isMade));
});

test("an answer with NaN is not JSON that every reader takes", () => {
  const request = { method: "POST", path: "/invocations", query: "", headers: {}, body: Buffer.alloc(0) };
  const answer = { status: 200, headers: [], body: Buffer.from('{"predictions": [NaN]}'), isComplete: true, ms: 1 };
  const [finding, ...others] = judge(
    { name: "a", request, expect: { strictJson: true } },
    answer,
    undefined,
    undefined,
  );
  expect(others).toEqual([]);
  expect([finding?.rule, finding?.message]).toEqual(["answer-json", expect.stringContaining("NaN or Infinity")]);
});

describe.skipIf(missingEngine())("scorefn check --model", () => {
  test("sends the sample by every protocol, and what is to be refused", async () => {
    const folder = project({ "sample-request.json": '{"input_data": [[1, 2, 3, 4]]}' });
    layOutModels(folder, ["iris-plain.onnx"]);
    const { code, stdout } = await check(folder, ["--model", "iris-plain.onnx", "--model_name", "iris"]);
    for (const line of [
      "the model loads",
      "the swagger documents 2, 3 and 3.1 are valid",
      "the model can be served (iris)",
      "the example of the swagger document (200",
      "iris: tensors as JSON (200",
      "iris: tensors as bytes, without a content type (200",
      "iris: an input that the model does not have is refused (400",
      "iris: a body that is not JSON is refused (400",
      "/invocations (200",
      "/score: a body that is not JSON is refused (400",
      "/invocations: the next request (200",
      "sample-request.json (200",
    ]) {
      expect(stdout).toContain(`passed   ${line}`);
    }
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^passed \(\d+ checks/m)]);
  });

  test("names what of a repository cannot be served, and tries the rest", async () => {
    const folder = layOutModels(project({}), { "a/1/model.onnx": "addsub.onnx", "b/2/model.onnx": "junk.onnx" });
    const { code, stdout } = await check(folder, ["--model", "."]);
    expect(stdout).toMatch(/FAILED {3}all models can be served/);
    expect(stdout).toMatch(/the model b, version 2 cannot be served: .*no ONNX model/);
    expect(stdout).toContain("passed   a: tensors as JSON (200");
    expect(code).toBe(4);
  });

  test("a model that takes no zeros is only warned of; one that does not load is not checked", async () => {
    const folder = layOutModels(project({}), ["gather.onnx", "junk.onnx"]);
    const junk = await check(folder, ["--model", "junk.onnx"]);
    expect([junk.code, junk.stdout]).toEqual([
      3,
      expect.stringContaining("it is no ONNX model, or only a part of one"),
    ]);
    const none = await check(folder, ["--model", "nothing.onnx"]);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("nothing.onnx")]);
    const both = await check(folder, ["score.py", "--model", "gather.onnx"]);
    expect([both.code, both.stderr]).toEqual([1, expect.stringContaining("leave one of the two out")]);
  });
});
