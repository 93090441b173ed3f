import fc from "fast-check";
import { expect, test } from "vitest";
import { toAnswer, toFeeds } from "../../../../src/no-code/triton/request.ts";
import type { BoundTensor, Signature } from "../../../../src/no-code/triton/signature.ts";
import type { Tensor } from "../../../../src/no-code/types.ts";

const bound = (name: string, dims: number[], reshape: number[] | undefined): BoundTensor => ({
  name,
  datatype: "FP32",
  dims,
  reshape,
  optional: false,
  format: "FORMAT_NONE",
  labelFile: "",
  isThere: true,
});

const count = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** Sizes whose product is that of the numbers, in one way of many. */
const split = (numbers: readonly number[], cut: boolean, ones: boolean): number[] => [
  ...(ones ? [1] : []),
  ...(cut ? numbers : numbers.length === 0 ? [] : [count(numbers)]),
];
/** What stands between dimensions of any size, twice: as dims has it, and as reshape does. */
const PART = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
    fc.boolean(),
    fc.boolean(),
    fc.boolean(),
    fc.boolean(),
  )
  .map(
    ([numbers, cut, ones, otherCut, otherOnes]) =>
      [split(numbers, cut, ones), split(numbers, otherCut, otherOnes)] as const,
  );
const SHAPES = fc.tuple(PART, fc.array(PART, { maxLength: 3 })).map(([first, rest]) => {
  const joined = (side: 0 | 1) => [...first[side], ...rest.flatMap((part) => [-1, ...part[side]])];
  return { dims: joined(0), reshape: joined(1), free: rest.length };
});

test("a reshape moves no element, and its reverse gives the shape that there was (TRI-7)", () => {
  const sizes = fc.array(fc.nat({ max: 5 }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(SHAPES, sizes, fc.option(fc.nat({ max: 8 })), ({ dims, reshape, free }, any, batch) => {
      const maxBatchSize = batch === null ? 0 : 8;
      const signature: Signature = {
        maxBatchSize,
        inputs: [bound("x", dims, reshape)],
        outputs: [bound("x", dims, reshape)],
      };
      let next = 0;
      const own = dims.map((dim) => (dim === -1 ? any[next++]! : dim));
      const shape = batch === null ? own : [batch, ...own];
      const given: Tensor = { name: "x", datatype: "FP32", shape, data: new Float32Array(count(shape)) };
      const [fed] = toFeeds("m", signature, [given]);
      expect(fed!.data).toBe(given.data);
      expect(count(fed!.shape)).toBe(count(shape));
      const inner = batch === null ? fed!.shape : fed!.shape.slice(1);
      expect(inner.map((size, at) => (reshape[at] === -1 ? -1 : size))).toEqual(reshape);
      expect(inner.filter((_, at) => reshape[at] === -1)).toEqual(any.slice(0, free));
      expect(toAnswer(signature, [fed!])).toEqual([given]);
    }),
  );
});

test("an output of another rank than its file says keeps its shape", () => {
  const signature: Signature = { maxBatchSize: 0, inputs: [], outputs: [bound("y", [2, 2], [4])] };
  const tensors: Tensor[] = [{ name: "y", datatype: "FP32", shape: [2, 2, 1], data: new Float32Array(4) }];
  expect(toAnswer(signature, tensors)).toEqual(tensors);
});

test("what nothing is reshaped of is handed on as it is", () => {
  const signature: Signature = {
    maxBatchSize: 4,
    inputs: [bound("x", [2], undefined)],
    outputs: [bound("y", [2], undefined)],
  };
  const given: Tensor = { name: "x", datatype: "FP32", shape: [3, 2], data: new Float32Array(6) };
  expect(toFeeds("m", signature, [given])[0]).toBe(given);
  const answer = [{ ...given, name: "y" }];
  expect(toAnswer(signature, answer)).toBe(answer);
});
