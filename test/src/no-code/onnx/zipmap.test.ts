import { readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createLog } from "../../../../src/log/create.ts";
import { openOnnx } from "../../../../src/no-code/onnx/open-onnx.ts";
import type { Ort } from "../../../../src/no-code/onnx/ort.ts";
import {
  fieldsOf,
  intOf,
  intsOf,
  lengthField,
  textOf,
  varintField,
  WireError,
} from "../../../../src/no-code/onnx/wire.ts";
import { withoutZipMaps } from "../../../../src/no-code/onnx/zipmap.ts";
import type { Tensor } from "../../../../src/no-code/types.ts";
import { engineModules, fixtureModel, missingEngine, modelFolder } from "../../../setup/onnx.ts";

/** A setosa and a virginica. */
const FLOWERS = Float32Array.of(5.1, 3.5, 1.4, 0.2, 7.7, 3, 6.1, 2.3);
const X: Tensor = { name: "X", datatype: "FP32", shape: [2, 4], data: FLOWERS };

async function open(...fixtures: string[]) {
  const lines: string[] = [];
  const path = join(modelFolder(fixtures), fixtures[0]!);
  const model = await openOnnx(
    { path, name: "m" },
    createLog((line) => lines.push(line), "INFO"),
  );
  return { model, log: lines.join("") };
}

describe.skipIf(missingEngine())("a classifier of scikit-learn (ONNX-12, ONNX-13)", () => {
  test.each([
    ["iris-regression.onnx", "INT64", BigInt64Array.of(0n, 2n), "0, 1, 2"],
    ["iris-forest.onnx", "INT64", BigInt64Array.of(0n, 2n), "0, 1, 2"],
    ["iris-regression-names.onnx", "BYTES", ["setosa", "virginica"], "setosa, versicolor, virginica"],
    ["iris-forest-names.onnx", "BYTES", ["setosa", "virginica"], "setosa, versicolor, virginica"],
  ])("with ZipMap gives labels and probabilities: %s", async (fixture, datatype, labels, classes) => {
    const { model, log } = await open(fixture);
    expect(model.facts.outputs).toEqual([
      { name: "output_label", datatype, shape: [-1] },
      { name: "output_probability", datatype: "FP32", shape: [-1, 3] },
    ]);
    expect(log).toContain(`output 'output_probability' is a tensor with a column per class: ${classes}`);
    const { outputs } = await model.infer(undefined, [X], undefined);
    expect(outputs[0]).toEqual({ name: "output_label", datatype, shape: [2], data: labels });
    const { shape, data } = outputs[1]!;
    expect(shape).toEqual([2, 3]);
    const [first, second] = [Array.from(data as Float32Array).slice(0, 3), Array.from(data as Float32Array).slice(3)];
    expect(first[0]).toBeGreaterThan(0.9);
    expect(second[2]).toBeGreaterThan(0.8);
    for (const row of [first, second]) expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
  });

  test("gives what the same one gives that was converted without ZipMap", async () => {
    const [{ model: zipped }, { model: plain }] = await Promise.all([
      open("iris-regression.onnx"),
      open("iris-plain.onnx"),
    ]);
    const [one, other] = await Promise.all([zipped, plain].map((model) => model.infer(undefined, [X], undefined)));
    expect(one!.outputs.map(({ data }) => data)).toEqual(other!.outputs.map(({ data }) => data));
  });

  test("with a column per class is served as it is", async () => {
    const { model, log } = await open("iris-columns.onnx");
    expect(model.facts.outputs.map(({ name }) => name)).toEqual(["output_label", "i0", "i1", "i2"]);
    expect(log).toBe("");
  });

  test("whose weights lie beside it is served (ONNX-14)", async () => {
    const { model } = await open("zipmap-external.onnx", "zipmap-external.onnx.data");
    const x: Tensor = { name: "x", datatype: "FP32", shape: [1, 2], data: Float32Array.of(1, 1) };
    const { outputs } = await model.infer(undefined, [x], undefined);
    expect(outputs).toEqual([{ name: "z", datatype: "FP32", shape: [1, 2], data: Float32Array.of(4, 6) }]);
  });

  test.each(["the file is gone meanwhile", "the engine does not take it"])(
    "that cannot be had without ZipMap, because %s, is served without that output",
    async (why) => {
      const { InferenceSession }: Ort = createRequire(join(engineModules(), "x.js"))("onnxruntime-node");
      const { create } = InferenceSession;
      const spy = vi.spyOn(InferenceSession, "create");
      onTestFinished(() => spy.mockRestore());
      spy.mockImplementation((model, options) => {
        if (model instanceof Uint8Array) throw new Error("not this one");
        const session = create.call(InferenceSession, model, options);
        return why === "the file is gone meanwhile" ? session.finally(() => rmSync(model)) : session;
      });
      const { model, log } = await open("iris-regression.onnx");
      expect(log).toMatch(/its ZipMap cannot be taken out: .*(ENOENT|not this one)/);
      expect(log).toContain("left out 'output_probability' (a sequence, a map or an optional value)");
      const { outputs } = await model.infer(undefined, [X], undefined);
      expect(outputs.map(({ name, data }) => [name, data])).toEqual([["output_label", BigInt64Array.of(0n, 2n)]]);
    },
  );

  test("is served though it names no version of the standard operators", async () => {
    const { model, log } = await open("zipmap-no-standard.onnx");
    expect(log).toContain("a column per class: -1, 1099511627776");
    const x: Tensor = { name: "x", datatype: "FP32", shape: [1, 2], data: Float32Array.of(1, 3) };
    const { outputs } = await model.infer(undefined, [x], undefined);
    expect(outputs).toEqual([{ name: "z", datatype: "FP32", shape: [1, 2], data: Float32Array.of(0.25, 0.75) }]);
  });
});

describe("taking out ZipMap", () => {
  test("leaves models alone that have none", () => {
    const others = readdirSync(fixtureModel("")).filter((name) =>
      /^(type|iris-plain|addsub|external).*\.onnx$/.test(name),
    );
    expect(others.length).toBeGreaterThan(15);
    for (const name of others) expect(withoutZipMaps(readFileSync(fixtureModel(name))), name).toBeUndefined();
    expect(withoutZipMaps(new Uint8Array())).toBeUndefined();
  });

  test("ends with an error of its own, or with nothing, whatever the bytes are", () => {
    const whole = readFileSync(fixtureModel("iris-forest-names.onnx"));
    const attempt = (bytes: Uint8Array): void => {
      try {
        withoutZipMaps(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    };
    for (let length = 0; length < whole.length; length++) attempt(whole.subarray(0, length));
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(damage, (changes) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, byte] of changes) bytes[at] = byte;
        attempt(bytes);
      }),
    );
  });
});

describe("the wire format", () => {
  test("reads what it wrote", () => {
    const field = fc.record({
      number: fc.integer({ min: 1, max: 2 ** 20 }),
      value: fc.oneof(fc.maxSafeNat(), fc.string({ unit: "binary", maxLength: 300 })),
    });
    fc.assert(
      fc.property(fc.array(field, { maxLength: 4 }), (fields) => {
        const bytes = Buffer.concat(
          fields.flatMap(({ number, value }) =>
            typeof value === "number" ? varintField(number, value) : lengthField(number, value),
          ),
        );
        const read = [...fieldsOf(bytes)].map((at) => ({
          number: at.number,
          value: at.wireType === 0 ? Number(intOf(bytes, at)) : textOf(bytes, at),
        }));
        expect(read).toEqual(
          fields.map(({ number, value }) => ({
            number,
            value: typeof value === "string" ? Buffer.from(value).toString() : value,
          })),
        );
      }),
    );
  });

  test("reads numbers of 64 bits, packed or one by one, and skips fields of fixed width", () => {
    const minusOne = Uint8Array.of(0x40, ...Array(9).fill(0xff), 0x01);
    const packed = Uint8Array.of(0x42, 0x03, 0xac, 0x02, 0x05);
    const fixed = Uint8Array.of(0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x15, 1, 2, 3, 4);
    const bytes = Buffer.concat([fixed, minusOne, packed]);
    const fields = [...fieldsOf(bytes)];
    expect(fields.map(({ number }) => number)).toEqual([1, 2, 8, 8]);
    expect(fields.slice(2).flatMap((field) => intsOf(bytes, field))).toEqual([-1n, 300n, 5n]);
  });

  test.each([
    ["a number that does not end", [0xff]],
    ["a number of more than 64 bits", [0x08, ...Array(11).fill(0x80), 0]],
    ["a length beyond the end", [0x0a, 0x05, 0x00]],
    ["a length that no memory holds", [0x0a, ...Array(9).fill(0xff), 0x01]],
    ["a group, which nothing uses", [0x0b]],
  ])("refuses %s", (_, bytes) => {
    expect(() => [...fieldsOf(Uint8Array.from(bytes))]).toThrow(WireError);
  });
});
