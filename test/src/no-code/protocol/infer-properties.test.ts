// What holds for any request by the Open Inference Protocol, and that nothing but an answer or a refusal comes of any bytes.
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toBinary } from "../../../../src/no-code/protocol/oip-binary.ts";
import { readRequest } from "../../../../src/no-code/protocol/oip-request.ts";
import type { Datatype, Tensor, TensorData } from "../../../../src/no-code/types.ts";
import { ask, identity, read, refusal } from "./models.ts";

const LENGTH = "inference-header-content-length";
const RUNS = { numRuns: 300 };

/** Arrays of every type but BYTES, of so many elements. */
const NUMERIC: Readonly<Record<Exclude<Datatype, "BYTES">, (length: number) => fc.Arbitrary<TensorData>>> = {
  BOOL: (length) => bits(length, fc.nat(1), Uint8Array),
  UINT8: (length) => bits(length, fc.nat(0xff), Uint8Array),
  UINT16: (length) => bits(length, fc.nat(0xffff), Uint16Array),
  UINT32: (length) => bits(length, fc.nat(0xffff_ffff), Uint32Array),
  UINT64: (length) => long(length, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), BigUint64Array),
  INT8: (length) => bits(length, fc.integer({ min: -0x80, max: 0x7f }), Int8Array),
  INT16: (length) => bits(length, fc.integer({ min: -0x8000, max: 0x7fff }), Int16Array),
  INT32: (length) => bits(length, fc.integer(), Int32Array),
  INT64: (length) => long(length, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), BigInt64Array),
  FP16: (length) => bits(length, fc.nat(0xffff), Uint16Array),
  FP32: (length) => bits(length, fc.float(), Float32Array),
  FP64: (length) => bits(length, fc.double(), Float64Array),
};

function bits<T extends TensorData>(length: number, item: fc.Arbitrary<number>, Type: { from(items: number[]): T }) {
  return fc.array(item, { minLength: length, maxLength: length }).map((items) => Type.from(items));
}

function long<T extends TensorData>(length: number, item: fc.Arbitrary<bigint>, Type: { from(items: bigint[]): T }) {
  return fc
    .array(fc.oneof(item, fc.constantFrom(0n, 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 63n - 1n)), {
      minLength: length,
      maxLength: length,
    })
    .map((items) => Type.from(items));
}

const shape = fc.array(fc.nat(3), { maxLength: 4 });

function tensorOf(name: string): fc.Arbitrary<Tensor> {
  return fc
    .record({ shape, datatype: fc.constantFrom<Datatype>(...(Object.keys(NUMERIC) as Datatype[]), "BYTES") })
    .chain(({ shape, datatype }) => {
      const length = shape.reduce((product, size) => product * size, 1);
      const data: fc.Arbitrary<TensorData> =
        datatype === "BYTES"
          ? fc.array(fc.string({ unit: "binary" }), { minLength: length, maxLength: length })
          : NUMERIC[datatype](length);
      return data.map((data) => ({ name, datatype, shape, data }));
    });
}

const tensors = fc
  .uniqueArray(fc.string({ unit: "grapheme" }), { maxLength: 4 })
  .chain((names) => fc.tuple(...names.map(tensorOf)));

/** A request of tensors, those as bytes that are marked so. */
function toBody(list: readonly Tensor[], binary: readonly boolean[], pad: number) {
  const parts: Uint8Array[] = [];
  const inputs = list.map((tensor, index) => {
    const { name, datatype, shape } = tensor;
    if (!(binary[index] ?? true) && datatype !== "FP16") return `{${members(tensor)},"data":[${jsonOf(tensor)}]}`;
    const bytes = toBinary(tensor);
    parts.push(bytes);
    return JSON.stringify({ name, datatype, shape, parameters: { binary_data_size: bytes.length } });
  });
  const json = Buffer.from(`${" ".repeat(pad)}{"inputs":[${inputs}]}`);
  return { json, body: Buffer.concat([json, ...parts]) };
}

function members({ name, datatype, shape }: Tensor): string {
  return JSON.stringify({ name, datatype, shape }).slice(1, -1);
}

/** Written by other means than the product's. */
function jsonOf({ datatype, data }: Tensor): string {
  const items = [...(data as readonly (string | number | bigint)[])];
  if (datatype === "BYTES") return items.map((item) => JSON.stringify(item)).join(",");
  if (datatype === "BOOL") return items.map((item) => String(item === 1)).join(",");
  return items.map((item) => (Object.is(item, -0) ? "-0.0" : String(item))).join(",");
}

function nestedOf(tensor: Tensor): string {
  const items = jsonItems(tensor);
  const nest = (depth: number, from: number, to: number): string => {
    if (depth === tensor.shape.length) return items[from]!;
    const size = tensor.shape[depth]!;
    const step = size === 0 ? 0 : (to - from) / size;
    return `[${Array.from({ length: size }, (_, index) => nest(depth + 1, from + index * step, from + (index + 1) * step))}]`;
  };
  return nest(0, 0, items.length);
}

function jsonItems(tensor: Tensor): string[] {
  return [...(tensor.data as readonly (string | number | bigint)[])].map((item) =>
    jsonOf({ ...tensor, data: [item] as unknown as TensorData }),
  );
}

describe("the binary extension", () => {
  test("gives back the tensors that were sent, as bytes or as JSON, wherever they begin (OIP-7)", () => {
    fc.assert(
      fc.property(tensors, fc.array(fc.boolean(), { maxLength: 4 }), fc.nat(9), (list, binary, pad) => {
        const { json, body } = toBody(list, binary, pad);
        const { inputs } = readRequest(body, json.length, "m");
        expect(inputs).toEqual(list);
      }),
      RUNS,
    );
  });

  test("answers in bytes what it was sent in bytes (OIP-8)", async () => {
    await fc.assert(
      fc.asyncProperty(tensorOf("x"), async (tensor) => {
        const bytes = toBinary(tensor);
        const { name, datatype, shape } = tensor;
        const input = { name, datatype, shape, parameters: { binary_data_size: bytes.length } };
        const json = Buffer.from(JSON.stringify({ inputs: [input], parameters: { binary_data_output: true } }));
        const models = new Map([["m", identity("m", datatype, [-1])]]);
        const headers = { [LENGTH]: String(json.length) };
        const answer = read(await ask("/v2/models/m/infer", Buffer.concat([json, bytes]), headers, models));
        const length = bytes.length === 0 ? answer.body.length : Number(answer.headers[LENGTH]);
        expect(answer.body.subarray(length)).toEqual(Buffer.from(bytes));
        expect(JSON.parse(answer.body.toString("utf8", 0, length))).toEqual({
          model_name: "m",
          model_version: "1",
          outputs: [{ name: "y", datatype, shape, parameters: { binary_data_size: bytes.length } }],
        });
      }),
      RUNS,
    );
  });

  test("refuses every other length of the header, or reads what is there", () => {
    fc.assert(
      fc.property(tensors, fc.nat(), (list, at) => {
        const { body } = toBody(list, [], 0);
        expectAnswerOrRefusal(() => readRequest(body, at % (body.length + 1), "m"));
      }),
      RUNS,
    );
  });

  test("refuses every body that is cut", () => {
    fc.assert(
      fc.property(tensors, fc.nat(), (list, cut) => {
        const { json, body } = toBody(list, [], 0);
        const tail = body.length - json.length;
        fc.pre(tail > 0);
        const shorter = body.subarray(0, json.length + (cut % tail));
        expect(() => readRequest(shorter, json.length, "m")).toThrow(/^unexpected size for input /);
      }),
      RUNS,
    );
  });
});

describe("JSON", () => {
  const withNumbers = tensorOf("x").filter(({ datatype }) => datatype !== "FP16");

  test("nested and flat data are the same (OIP-4)", () => {
    fc.assert(
      fc.property(withNumbers, (tensor) => {
        fc.pre(tensor.shape.length > 0);
        for (const data of [`[${jsonOf(tensor)}]`, nestedOf(tensor)]) {
          const body = Buffer.from(`{"inputs":[{${members(tensor)},"data":${data}}]}`);
          expect(readRequest(body, body.length, "m").inputs).toEqual([tensor]);
        }
      }),
      RUNS,
    );
  });

  test("means the same to JavaScript's own reader and to the one that knows NaN", () => {
    fc.assert(
      fc.property(withNumbers, fc.string({ unit: "binary" }), (tensor, id) => {
        const text = `{"id":${JSON.stringify(id)},"inputs":[{${members(tensor)},"data":[${jsonOf(tensor)}]}]`;
        const [own, other] = [`${text}}`, `${text},"parameters":{"p":NaN}}`].map((whole) => {
          const body = Buffer.from(whole);
          const { id, inputs } = readRequest(body, body.length, "m");
          return { id, inputs };
        });
        expect(own).toEqual(other);
      }),
      RUNS,
    );
  });

  test("means the same to both for any JSON in the place of a request's members", () => {
    const anything = fc.json({ maxDepth: 3 });
    const text = fc
      .tuple(
        fc.oneof(anything, fc.constant('"x"')),
        fc.oneof(anything, fc.constantFrom('"FP32"', '"INT64"', '"UINT8"', '"BYTES"', '"BOOL"')),
        fc.oneof(anything, fc.constantFrom("[1]", "[2]", "[1,1]", "[9007199254740993]")),
        fc.oneof(
          anything,
          fc.constantFrom("[1]", "[9007199254740993]", "[1e400]", '["a"]', "[true]", "[[1]]", "[1.0]"),
        ),
      )
      .map(
        ([name, datatype, shape, data]) => `{"name":${name},"datatype":${datatype},"shape":${shape},"data":${data}}`,
      );
    fc.assert(
      fc.property(text, (input) => {
        const [own, other] = [`{"inputs":[${input}]}`, `{"inputs":[${input}],"p":NaN}`].map((whole) => {
          const body = Buffer.from(whole);
          return expectAnswerOrRefusal(() => readRequest(body, body.length, "m").inputs);
        });
        expect(own).toEqual(other);
      }),
      { numRuns: 1000 },
    );
  });

  test("numbers come back bit by bit from what an answer says", async () => {
    await fc.assert(
      fc.asyncProperty(withNumbers, async (tensor) => {
        const models = new Map([["m", identity("m", tensor.datatype, [-1])]]);
        const first = `{"inputs":[{${members(tensor)},"data":[${jsonOf(tensor)}]}]}`;
        const answer = read(await ask("/v2/models/m/infer", first, {}, models)).body.toString();
        const again = Buffer.from(answer.replace('"outputs":', '"inputs":'));
        expect(readRequest(again, again.length, "m").inputs).toEqual([{ ...tensor, name: "y" }]);
      }),
      RUNS,
    );
  });
});

test("any bytes in the place of others give an answer or a refusal", async () => {
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255), kind: fc.constantFrom("set", "insert", "remove") });
  const request = fc.tuple(tensors, fc.array(fc.boolean(), { maxLength: 4 }));
  await fc.assert(
    fc.asyncProperty(request, fc.array(change, { minLength: 1, maxLength: 6 }), async ([list, binary], changes) => {
      const { json, body } = toBody(list, binary, 0);
      let bytes = [...body];
      for (const { at, byte, kind } of changes) {
        const place = at % (bytes.length + 1);
        if (kind === "set") bytes[place] = byte;
        else if (kind === "insert") bytes.splice(place, 0, byte);
        else bytes = bytes.filter((_, index) => index !== place);
      }
      const models = new Map([["m", identity("m", "FP32", [-1])]]);
      const headers = { [LENGTH]: String(json.length) };
      const answer = ask("/v2/models/m/infer", Buffer.from(bytes), headers, models);
      await answer.catch(() => refusal(answer));
    }),
    { numRuns: 1000 },
  );
});

test("any bytes alone give an answer or a refusal, whatever the model takes (OIP-9)", async () => {
  const datatypes = fc.constantFrom<Datatype>(...(Object.keys(NUMERIC) as Datatype[]), "BYTES");
  const dims = fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(datatypes, dims, fc.uint8Array({ maxLength: 64 }), async (datatype, dims, bytes) => {
      const models = new Map([["m", identity("m", datatype, dims)]]);
      const answer = ask("/v2/models/m/infer", bytes, { [LENGTH]: "0" }, models);
      const outcome = await answer.catch(() => refusal(answer));
      if (typeof outcome === "string" || datatype === "BYTES") return;
      const { headers, body } = read(outcome);
      if (bytes.length > 0 && datatype !== "BOOL") {
        expect(body.subarray(Number(headers[LENGTH]))).toEqual(Buffer.from(bytes));
      }
    }),
    { numRuns: 1000 },
  );
});

test("packed bodies with any bytes in the place of others give an answer or a refusal (OIP-14)", async () => {
  const packed = gzipSync('{"inputs":[{"name":"x","datatype":"FP32","shape":[4],"data":[1,2,3,4]}]}');
  const change = fc.record({ at: fc.nat(packed.length - 1), byte: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 3 }), fc.nat(packed.length), async (changes, end) => {
      const bytes = Buffer.from(packed);
      for (const { at, byte } of changes) bytes[at] = byte;
      for (const encoding of ["gzip", "deflate"]) {
        const headers = { "content-encoding": encoding };
        const answer = ask("/v2/models/idf32/infer", bytes.subarray(0, end), headers);
        await answer.catch(() => refusal(answer));
      }
    }),
    RUNS,
  );
});

/** @throws what is no refusal */
function expectAnswerOrRefusal<Result>(run: () => Result): Result | string {
  try {
    return run();
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_BAD_INPUT") throw error;
    return (error as Error).message;
  }
}
