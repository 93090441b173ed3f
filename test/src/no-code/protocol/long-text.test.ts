// Answers with millions of elements: none costs the worker, and what JSON cannot hold is an error that says so.
import { describe, expect, test } from "vitest";
import { inPieces } from "../../../../src/no-code/protocol/long-text.ts";
import type { Tensor } from "../../../../src/no-code/types.ts";
import { ask, identity, read } from "./models.ts";
import { plainModel, score } from "./plain-model.ts";

describe("a text in pieces", () => {
  test.each([0, 1, 4095, 4096, 4097, 8192, 10_000])("of %d elements is what it would be in one", (count) => {
    const numbers = Array.from({ length: count }, (_, index) => index);
    expect(inPieces(0, count, ", ", (from, to) => numbers.slice(from, to).join(", "))).toBe(numbers.join(", "));
  });

  test("ends before its pieces fill the memory", () => {
    const long = "x".repeat(1_048_576);
    let pieces = 0;
    const write = () => {
      pieces++;
      return long;
    };
    expect(() => inPieces(0, 2 ** 40, "", write)).toThrow(RangeError);
    expect(pieces).toBeLessThanOrEqual(1024);
  });
});

const many = 10_001;

test.each<[Tensor["datatype"], Tensor["data"], string]>([
  ["FP32", Float32Array.from({ length: many }, (_, index) => index / 2), "0.5"],
  ["BOOL", Uint8Array.from({ length: many }, (_, index) => index % 2), "true"],
])("many of %s are answered one by one", async (datatype, data, second) => {
  const tensor = { name: "y", datatype, data };
  const values = [...(data as Float32Array)].map((value) => (datatype === "BOOL" ? value === 1 : value));
  const model = identity("m", datatype, [-1]);
  const giving = (shape: number[]) => ({ version: "1", outputs: [{ ...tensor, shape }] });
  const models = new Map([["m", { ...model, infer: async () => giving([many]) }]]);
  const { body } = read(await ask("/v2/models/m/infer", '{"inputs":[]}', {}, models));
  expect(body.toString()).toContain(`,${second},`);
  expect(JSON.parse(body.toString()).outputs[0].data).toEqual(values);
  for (const [shape, expected] of [
    [[many], values],
    [[many, 1], values.map((value) => [value])],
  ] as const) {
    const table = plainModel(["x FP32"], () => giving([...shape]).outputs);
    expect(JSON.parse((await score(table, '{"input_data": 1}')).text)).toEqual(expected);
  }
});

test("what is longer than JSON can be is an error of the result", async () => {
  // Numbers that fail like an answer of half a gigabyte, which would take its time to write.
  const long = () => "1".repeat(2 ** 29);
  const data = [{ toString: long }] as unknown as Int32Array;
  const output: Tensor = { name: "y", datatype: "INT32", shape: [1], data };
  const error = { code: "ERR_RESULT", message: expect.stringContaining("which may have 512 MB. Ask for binary") };
  const model = { ...identity("m", "INT32", [-1]), infer: async () => ({ version: "1", outputs: [output] }) };
  await expect(ask("/v2/models/m/infer", '{"inputs":[]}', {}, new Map([["m", model]]))).rejects.toMatchObject(error);
  const table = plainModel(["x FP32"], () => [output]);
  await expect(score(table, '{"input_data": 1}')).rejects.toMatchObject(error);
});
