// The extension for binary tensors (OIP-7 to OIP-9; models.md, table I), and compressed bodies (OIP-14).
import { deflateRawSync, deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { Datatype, Model } from "../../../../src/no-code/types.ts";
import { ask, identity, MAX_BODY_BYTES, read, refusal } from "./models.ts";

const LENGTH = "inference-header-content-length";

function askBinary(model: string, header: object, bytes: Uint8Array, headers = {}) {
  const json = Buffer.from(JSON.stringify(header));
  const body = Buffer.concat([json, bytes]);
  return ask(`/v2/models/${model}/infer`, body, { [LENGTH]: String(json.length), ...headers });
}

function input(datatype: Datatype, shape: readonly number[], size: unknown) {
  return { name: "x", datatype, shape, parameters: { binary_data_size: size } };
}

function texts(...list: (string | Buffer)[]): Buffer {
  return Buffer.concat(
    list.flatMap((text) => {
      const bytes = Buffer.from(text as string);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}

describe("sizes that lie are refused, and nothing of their size is made", () => {
  const GB = 1_073_741_824;
  const ten = Buffer.alloc(10);
  test.each<[string, object, Uint8Array, string]>([
    [
      "a gigabyte of numbers with ten bytes behind it",
      input("FP32", [1, GB / 4], GB),
      ten,
      `unexpected size for input 'x', expecting ${GB - 10} additional bytes for model 'idf32'`,
    ],
    [
      "a gigabyte by the shape alone",
      input("FP32", [1, GB / 4], 10),
      ten,
      `input byte size mismatch for input 'x' for model 'idf32'. Expected ${GB}, got 10`,
    ],
    [
      "a billion texts",
      input("BYTES", [1_000_000_000], 10),
      ten,
      "unexpected number of string elements for inference input 'x' for model 'idf32', expecting 1000000000, got at most 2",
    ],
    [
      "a text of four gigabytes",
      input("BYTES", [1], 10),
      Buffer.from("ffffffff414141414141", "hex"),
      "incomplete string data for inference input 'x' for model 'idf32', expecting string of length 4294967295 but only 6 bytes available",
    ],
    [
      "half a length",
      input("BYTES", [2], 10),
      Buffer.from("0300000041414100ffff", "hex").subarray(0, 10),
      "incomplete string length indicator for inference input 'x' for model 'idf32', expecting 4 bytes but only 3 bytes available",
    ],
    [
      "more texts than the shape has",
      input("BYTES", [1], 8),
      Buffer.alloc(8),
      "unexpected number of string elements for inference input 'x' for model 'idf32', expecting 1, got 4 more bytes",
    ],
    [
      "a size below zero",
      input("FP32", [1], -4),
      ten,
      "Unable to parse 'binary_data_size' of input 'x': expected an unsigned integer, got -4",
    ],
    [
      "a size with a fraction",
      input("FP32", [1], 4.5),
      ten,
      "Unable to parse 'binary_data_size' of input 'x': expected an unsigned integer, got 4.5",
    ],
    [
      "a size beyond all numbers",
      input("FP32", [1], 1e300),
      ten,
      "Unable to parse 'binary_data_size' of input 'x': expected an unsigned integer, got 1e+300",
    ],
    [
      "a size that is a text",
      input("FP32", [1], "4"),
      ten,
      "Unable to parse 'binary_data_size' of input 'x': expected an unsigned integer, got a string",
    ],
    ["bytes that no input takes", input("FP32", [1], 4), ten, "unexpected additional input data for model 'idf32'"],
    [
      "a text that is not UTF-8",
      input("BYTES", [2], 10),
      texts("", Buffer.from([0xc3, 0x28])),
      "string element 1 for inference input 'x' for model 'idf32' is not UTF-8: invalid continuation byte",
    ],
  ])("%s", async (_, one, bytes, text) => {
    expect(await refusal(askBinary("idf32", { inputs: [one] }, bytes))).toBe(text);
  });

  test.each(["283", "99999999999999999999999999", "-1", "1.0", "0x10", "", " 5", "1e1"])(
    "header length %j",
    async (length) => {
      const text = await refusal(ask("/v2/models/idf32/infer", Buffer.alloc(282), { [LENGTH]: length }));
      expect(text).toBe(`inference header size should be in range (0, 282), got: ${length.slice(0, 20)}`);
    },
  );
});

test("a body of JSON alone may have its length", async () => {
  const header = { inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [1] }] };
  expect(read(await askBinary("idf32", header, new Uint8Array(0))).body.toString()).toContain('"data":[1.0]');
});

test("tensors are read at any place in the body (ONNX-19)", async () => {
  for (let pad = 0; pad < 8; pad++) {
    const header = { id: "i".repeat(pad + 1), inputs: [input("FP64", [2], 16)] };
    const answer = read(await askBinary("idf64", header, Buffer.from(Float64Array.of(0.1, -3).buffer)));
    expect(answer.body.toString()).toContain('"data":[0.1,-3.0]');
  }
});

test("a boolean is 0 or 1 to the model, whatever byte it came as", async () => {
  const model = identity("m", "BOOL", [-1]);
  const seen: unknown[] = [];
  const spying: Model = {
    ...model,
    infer: (version, inputs) => {
      seen.push(inputs[0]!.data);
      return model.infer(version, inputs, undefined);
    },
  };
  const header = Buffer.from(JSON.stringify({ inputs: [input("BOOL", [4], 4)] }));
  const body = Buffer.concat([header, Buffer.of(0, 1, 2, 255)]);
  await ask("/v2/models/m/infer", body, { [LENGTH]: String(header.length) }, new Map([["m", spying]]));
  expect(seen).toEqual([Uint8Array.of(0, 1, 1, 1)]);
});

describe("which outputs come as bytes (OIP-8)", () => {
  const x = { name: "x", datatype: "FP32", shape: [1], data: [1] };
  const byHand = (parameters: object | undefined, all: object | undefined) =>
    ask(
      "/v2/models/idf32/infer",
      JSON.stringify({ inputs: [x], outputs: [{ name: "y", ...(parameters && { parameters }) }], parameters: all }),
    );
  test.each([
    [undefined, undefined, false],
    [{ binary_data: true }, undefined, true],
    [{ binary_data: true }, { binary_data_output: false }, true],
    [{ binary_data: false }, { binary_data_output: true }, false],
    [undefined, { binary_data_output: true }, true],
    [{}, { binary_data_output: false }, false],
  ])("%j with %j: %s", async (parameters, all, binary) => {
    const { headers, body } = read(await byHand(parameters, all));
    expect(headers["content-type"]).toBe(binary ? "application/octet-stream" : "application/json");
    expect(headers[LENGTH] !== undefined).toBe(binary);
    if (binary) expect(body.subarray(Number(headers[LENGTH])).toString("hex")).toBe("0000803f");
  });

  test("an empty one has the size 0, and the answer is JSON", async () => {
    const { headers, body } = read(
      await askBinary(
        "idf32",
        { inputs: [input("FP32", [0, 2], 0)], parameters: { binary_data_output: true } },
        Buffer.alloc(0),
      ),
    );
    expect(headers).toEqual({ "content-type": "application/json" });
    expect(JSON.parse(body.toString()).outputs).toEqual([
      { name: "y", datatype: "FP32", shape: [0, 2], parameters: { binary_data_size: 0 } },
    ]);
  });
});

describe("which outputs are wanted", () => {
  const pair = ["INPUT0", "INPUT1"].map((name) => ({ name, datatype: "FP32", shape: [1], data: [1] }));
  const named = (...names: string[]) => names.map((name) => ({ name }));
  test.each([
    [undefined, ["OUTPUT0", "OUTPUT1"]],
    [[], ["OUTPUT0", "OUTPUT1"]],
    [named("OUTPUT1"), ["OUTPUT1"]],
    [named("OUTPUT1", "OUTPUT0"), ["OUTPUT0", "OUTPUT1"]],
    [named("OUTPUT1", "OUTPUT1"), ["OUTPUT1"]],
  ])("%j: %j, in the model's order (OIP-6)", async (outputs, expected) => {
    const { body } = read(await ask("/v2/models/addsub/infer", JSON.stringify({ inputs: pair, outputs })));
    expect(JSON.parse(body.toString()).outputs.map(({ name }: { name: string }) => name)).toEqual(expected);
  });
});

describe("a request of bytes alone (OIP-9)", () => {
  const raw = (datatype: Datatype, shape: number[], bytes: Uint8Array) =>
    ask("/v2/models/m/infer", bytes, { [LENGTH]: "0" }, new Map([["m", identity("m", datatype, shape)]]));
  test.each<[Datatype, number[], number, string]>([
    ["FP32", [-1, 2], 16, "[2,2]"],
    ["FP32", [2, -1], 16, "[2,2]"],
    ["FP32", [-1, -1], 16, "[1,4]"],
    ["FP32", [2, 2], 16, "[2,2]"],
    ["INT64", [-1], 16, "[2]"],
    ["FP32", [-1, 2], 0, "[0,2]"],
    ["BYTES", [-1], 4, "[1]"],
    ["BYTES", [-1, 1], 4, "[1,1]"],
  ])("%s %j of %d bytes: %s", async (datatype, shape, size, expected) => {
    const bytes = Buffer.alloc(size, "abcd");
    const { headers, body } = read(await raw(datatype, shape, bytes));
    const json = body.toString("utf8", 0, headers[LENGTH] === undefined ? undefined : Number(headers[LENGTH]));
    expect(json).toContain(`"shape":${expected}`);
    if (datatype !== "BYTES" && size > 0) expect(body.subarray(Number(headers[LENGTH]))).toEqual(bytes);
  });
  const where = "Raw request for model 'm': the shape of input 'x', ";
  test.each<[Datatype, number[], number, string]>([
    ["FP32", [-1, 2], 15, `${where}[-1,2], takes multiples of 8 bytes, got 15`],
    ["FP32", [-1, 0], 16, `${where}[-1,0], takes multiples of 0 bytes, got 16`],
    ["FP32", [-1, -1, -1], 16, `${where}[-1,-1,-1], has more than one dimension of variable size`],
    ["FP32", [2, -1, -1], 16, `${where}[2,-1,-1], has more than one dimension of variable size`],
    ["FP32", [2, 2], 12, "input byte size mismatch for input 'x' for model 'm'. Expected 16, got 12"],
    ["BYTES", [2], 12, `${where}[2], takes more than one text`],
  ])("refuses %s %j of %d bytes", async (datatype, shape, size, text) => {
    expect(await refusal(raw(datatype, shape, Buffer.alloc(size)))).toBe(text);
  });
});

describe("compressed bodies (OIP-14)", () => {
  const json = JSON.stringify({
    inputs: [input("FP32", [2], 8)],
    parameters: { binary_data_output: true },
  });
  const plain = Buffer.concat([Buffer.from(json), Buffer.from(Float32Array.of(1, 2).buffer)]);
  const length = { [LENGTH]: String(Buffer.byteLength(json)) };
  const send = (body: Uint8Array, headers: object) => ask("/v2/models/idf32/infer", body, { ...length, ...headers });

  test.each([
    ["gzip", gzipSync(plain), gunzipSync],
    ["deflate", deflateSync(plain), inflateSync],
    ["GZIP", gzipSync(plain), gunzipSync],
    ["identity", plain, (body: Buffer) => body],
  ])("%s both ways; lengths count what was not compressed", async (encoding, body, open) => {
    const { headers, body: answer } = read(
      await send(body, { "content-encoding": encoding, "accept-encoding": encoding }),
    );
    expect(headers["content-encoding"]).toBe(encoding === "identity" ? undefined : encoding.toLowerCase());
    expect(headers["content-type"]).toBe("application/octet-stream");
    const opened = open(answer);
    expect(opened.subarray(Number(headers[LENGTH])).toString("hex")).toBe("0000803f00000040");
  });

  test.each([
    ["", undefined],
    ["br", undefined],
    ["*", undefined],
    ["identity", undefined],
    ["gzip;q=0", undefined],
    ["gzip;q=x", undefined],
    ["br, gzip", "gzip"],
    ["deflate, gzip", "deflate"],
    ["deflate;q=0.5, gzip;q=0.8", "gzip"],
    ["gzip;q=0, deflate", "deflate"],
  ])("Accept-Encoding %j: %s", async (accepted, encoding) => {
    const { headers } = read(await send(plain, { "accept-encoding": accepted }));
    expect(headers["content-encoding"]).toBe(encoding);
  });

  test("a bomb is stopped at the size that bodies may have", async () => {
    const bomb = gzipSync(Buffer.alloc(MAX_BODY_BYTES + 1));
    expect(bomb.length).toBeLessThan(4096);
    const text = `the body has more than ${MAX_BODY_BYTES} bytes once it is decompressed`;
    expect(await refusal(send(bomb, { "content-encoding": "gzip" }))).toBe(text);
    const other = deflateSync(Buffer.alloc(MAX_BODY_BYTES + 1));
    expect(await refusal(send(other, { "content-encoding": "deflate" }))).toBe(text);
    // Too long to be opened at once.
    const long = gzipSync(Buffer.alloc(16 * MAX_BODY_BYTES));
    expect(long.length).toBeGreaterThan(4096);
    expect(await refusal(send(long, { "content-encoding": "gzip" }))).toBe(text);
  });

  test("as much as bodies may have is read", async () => {
    const blanks = Buffer.concat([plain.subarray(0, json.length), Buffer.alloc(MAX_BODY_BYTES - plain.length, " ")]);
    const body = Buffer.concat([blanks, plain.subarray(json.length)]);
    expect(body.length).toBe(MAX_BODY_BYTES);
    const headers = { [LENGTH]: String(blanks.length), "content-encoding": "gzip" };
    expect(read(await send(gzipSync(body), headers)).headers["content-type"]).toBe("application/octet-stream");
  });

  test("long bodies are packed and opened, too", async () => {
    const numbers = Float32Array.from({ length: 20_000 }, (_, index) => Math.fround(Math.sin(index)));
    const data = JSON.stringify({ inputs: [{ name: "x", datatype: "FP32", shape: [20_000], data: [...numbers] }] });
    for (const [encoding, pack, open] of [
      ["gzip", gzipSync, gunzipSync],
      ["deflate", deflateSync, inflateSync],
    ] as const) {
      const headers = { "content-encoding": encoding, "accept-encoding": encoding };
      const { body } = read(await ask("/v2/models/idf32/infer", pack(data), headers));
      expect(JSON.parse(open(body).toString()).outputs[0].data).toEqual([...numbers]);
    }
  });

  test.each([
    ["gzip", plain, "incorrect header check"],
    ["gzip", gzipSync(plain).subarray(0, -9), "unexpected end of file"],
    ["gzip", Buffer.alloc(0), "unexpected end of file"],
    ["deflate", deflateRawSync(plain), "incorrect header check"],
    ["deflate", deflateSync(plain).subarray(0, 20), "unexpected end of file"],
  ])("what is not %s is refused", async (encoding, body, reason) => {
    const text = `the body is not ${encoding} as its Content-Encoding says: ${reason}`;
    expect(await refusal(send(body, { "content-encoding": encoding }))).toBe(text);
  });
});
