// What Triton was asked when its answers were recorded, asked of a real server with the same model in ONNX (models.md, table I),
// and requests that mean harm.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync, gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { sendTo } from "../setup/http-client.ts";
import { layOutModels, missingEngine } from "../setup/onnx.ts";
import { freePort, type RunningServer, startServer } from "../setup/server.ts";

interface Recorded {
  readonly name: string;
  readonly path: string;
  readonly req_headers: Readonly<Record<string, string>>;
  readonly req: string;
  readonly status: number;
  readonly body: string;
}

const RECORDED: readonly Recorded[] = readFileSync(
  packageFile("test/fixtures/open-inference/triton-infer.jsonl"),
  "utf8",
)
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
const ofAddsub = RECORDED.filter(({ path }) => !/models\/(id|boom)/.test(path));

/** Caller's faults that Triton has other codes for. */
const STATUS: Readonly<Record<number, number>> = { 500: 400, 501: 415 };

const LENGTH = "Inference-Header-Content-Length";
const GB = 1_073_741_824;
const MB = 1_048_576;

describe.skipIf(missingEngine())("inference by HTTP", () => {
  let folder: string;
  let server: RunningServer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "scorefn-open-inference-"));
    layOutModels(folder, {
      "addsub/1/model.onnx": "addsub.onnx",
      "addsub/3/model.onnx": "addsub.onnx",
      "gather/1/model.onnx": "gather.onnx",
    });
    writeFileSync(join(folder, "addsub", "config.pbtxt"), "max_batch_size: 8 version_policy { all { } }");
    const port = await freePort();
    const command = packageFile("dist/adapters/cli/scorefn.js");
    const args = [command, "serve", "--model", folder, "--max_body_mb", "1", "--port", String(port)];
    server = startServer({ command: process.execPath, args, cwd: folder, port });
    await server.waitReady("/v2/health/ready");
  });

  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function send(target: string, body: Uint8Array, headers: Readonly<Record<string, string>> = {}) {
    const answer = await sendTo(Number(new URL(server.url).port), false, {
      target,
      body,
      headers: Object.entries(headers),
    } as Parameters<typeof sendTo>[2]);
    const named = Object.fromEntries(answer.headers.map(([name, value]) => [name.toLowerCase(), value]));
    return { status: answer.status, headers: named, body: Buffer.from(answer.body) };
  }

  const infer = (header: object, tail: Uint8Array = new Uint8Array(0), headers = {}) => {
    const json = Buffer.from(JSON.stringify(header));
    const length = { [LENGTH]: String(json.length) };
    return send("/v2/models/addsub/infer", Buffer.concat([json, tail]), { ...length, ...headers });
  };

  const input = (name: string, shape: number[], size: number) => ({
    name,
    datatype: "FP32",
    shape,
    parameters: { binary_data_size: size },
  });
  const pair = [input("INPUT0", [1, 4], 16), input("INPUT1", [1, 4], 16)];
  const numbers = Buffer.from(Float32Array.of(1, 2, 3, 4, 1, 1, 1, 1).buffer);

  async function expectNextWorks() {
    const { status, headers, body } = await infer({ inputs: pair, parameters: { binary_data_output: true } }, numbers);
    expect({ status, type: headers["content-type"] }).toEqual({ status: 200, type: "application/octet-stream" });
    const tail = body.subarray(Number(headers[LENGTH.toLowerCase()]));
    expect(tail).toEqual(Buffer.from(Float32Array.of(2, 3, 4, 5, 0, 1, 2, 3).buffer));
  }

  test.each(ofAddsub.map((recorded) => [recorded.name, recorded] as const))("%s (table I)", async (_, recorded) => {
    const { path, req, req_headers, status: theirs } = recorded;
    const { status, headers, body } = await send(path, Buffer.from(req, "latin1"), req_headers);
    expect(status).toBe(STATUS[theirs] ?? theirs);
    if (status === 200) {
      const plain = headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
      const expected = Buffer.from(recorded.body, "latin1");
      const packed = req_headers["Accept-Encoding"] === "gzip";
      expect(plain.toString("latin1")).toBe((packed ? gunzipSync(expected) : expected).toString("latin1"));
      expect(headers["content-length"]).toBe(String(body.length));
    } else {
      expect(headers["content-type"]).toBe("application/json");
      expect(JSON.parse(body.toString())).toEqual({ error: expect.stringMatching(/./) });
    }
  });

  test("tensors that lie anywhere in a body reach the engine whole (ONNX-19)", async () => {
    for (let pad = 1; pad <= 8; pad++) {
      const { status, body } = await infer({ id: "i".repeat(pad), inputs: pair }, numbers);
      expect(status).toBe(200);
      expect(JSON.parse(body.toString()).outputs[0].data).toEqual([2, 3, 4, 5]);
    }
  });

  test("what the engine throws is no fault of the caller's, and the next request works (table I: model raises)", async () => {
    const gather = async (index: number) => {
      const inputs = [
        { name: "x", datatype: "FP32", shape: [2], data: [5, 6] },
        { name: "i", datatype: "INT64", shape: [1], data: [index] },
      ];
      const { status, body } = await send("/v2/models/gather/infer", Buffer.from(JSON.stringify({ inputs })));
      return { status, body: JSON.parse(body.toString()) };
    };
    expect(await gather(9)).toEqual({ status: 500, body: { error: expect.stringMatching(/./) } });
    expect((await gather(1)).body.outputs).toEqual([{ name: "y", datatype: "FP32", shape: [1], data: [6] }]);
  });

  const ten = Buffer.alloc(10);
  test.each<[string, object, Uint8Array, object?]>([
    ["a gigabyte that is announced, and ten bytes", { inputs: [input("INPUT0", [1, GB / 4], GB)] }, ten],
    ["a gigabyte by its shape, and ten bytes", { inputs: [input("INPUT0", [1, GB / 4], 10)] }, ten],
    ["a gigabyte of texts, and ten bytes", { inputs: [{ ...input("INPUT0", [GB], 10), datatype: "BYTES" }] }, ten],
    ["a gigabyte in JSON", { inputs: [{ name: "INPUT0", datatype: "FP32", shape: [GB], data: [1] }] }, Buffer.alloc(0)],
    ["a shape that overflows", { inputs: [input("INPUT0", [2 ** 32, 2 ** 32], 0)] }, Buffer.alloc(0)],
    [
      "a shape that overflows, with nothing in it",
      { inputs: [input("INPUT0", [0, 2 ** 52, 2 ** 52], 0)] },
      Buffer.alloc(0),
    ],
    ["lists without an end", { inputs: JSON.parse("[".repeat(900) + "]".repeat(900)) }, Buffer.alloc(0)],
  ])("refuses %s, and the next request works", async (_, header, tail) => {
    const { status, body } = await infer(header, tail);
    expect({ status, body: JSON.parse(body.toString()) }).toEqual({ status: 400, body: { error: expect.any(String) } });
    await expectNextWorks();
  });

  test.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ])(
    "a %s that opens to more than --max_body_mb is refused, and the next request works (OIP-14)",
    async (encoding, pack) => {
      for (const size of [MB + 1, 64 * MB]) {
        const { status, body } = await send("/v2/models/addsub/infer", pack(Buffer.alloc(size, " ")), {
          "Content-Encoding": encoding,
        });
        const error = `the body has more than ${MB} bytes once it is decompressed`;
        expect({ status, body: JSON.parse(body.toString()) }).toEqual({ status: 400, body: { error } });
      }
      await expectNextWorks();
    },
  );
});
