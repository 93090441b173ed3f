// A repository of Triton's layout through the real server: three models, of which one is broken.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { layOutModels, missingEngine } from "../setup/onnx.ts";
import { freePort, type RunningServer, startServer } from "../setup/server.ts";

const CONFIG = `name: "addsub"
platform: "onnxruntime_onnx"
max_batch_size: 8
version_policy: { all { } }
dynamic_batching { }
`;
const RESHAPED = `input [ { name: "x" data_type: TYPE_FP32 dims: [ 3, 1, 2 ] reshape { shape: [ 1, 3, 1, 2 ] } } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ 6 ] reshape { shape: [ 1, 3, 1, 2 ] } } ]
`;
const REASON = "broken/1/model.onnx cannot be loaded: it is no ONNX model";

describe.skipIf(missingEngine())("scorefn serve --model <repository>", () => {
  let folder: string;
  let server: RunningServer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "scorefn-repository-"));
    layOutModels(folder, {
      "addsub/1/model.onnx": "addsub.onnx",
      "addsub/3/model.onnx": "addsub.onnx",
      "broken/1/model.onnx": "junk.onnx",
      "image/1/model.onnx": "image.onnx",
    });
    writeFileSync(join(folder, "addsub", "config.pbtxt"), CONFIG);
    writeFileSync(join(folder, "image", "config.pbtxt"), RESHAPED);
    const port = await freePort();
    const program = [packageFile("dist/adapters/cli/scorefn.js"), "serve", "--model", folder];
    // Otherwise reasons are in the log alone.
    const command = [...program, "--port", String(port), "--error_detail", "location"];
    server = startServer({ command: process.execPath, args: command, cwd: folder, port });
    await server.waitReady("/v2/models/addsub/ready");
  });

  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function ask(path: string, body?: object, method = body === undefined ? "GET" : "POST") {
    const init = { method, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await fetch(`${server.url}${path}`, init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  const input = (name: string, shape: number[], data: number[]) => ({ name, datatype: "FP32", shape, data });
  const pair = (shape: number[], ...data: number[]) => ({
    inputs: [input("INPUT0", shape, data), input("INPUT1", shape, data)],
  });
  const ONES = pair([1, 4], 1, 1, 1, 1);

  test("is live, and ready but for the broken model, which it names (TRI-5)", async () => {
    expect((await ask("/v2/health/live")).status).toBe(200);
    const { status, body } = await ask("/v2/health/ready");
    expect(status).toBe(503);
    expect(JSON.stringify(body)).toContain("broken");
    expect((await ask("/v2/models/image/ready")).status).toBe(200);
    expect((await ask("/v2/models/addsub/versions/1/ready")).status).toBe(200);
    expect((await ask("/v2/models/broken/ready")).status).not.toBe(200);
    expect((await ask("/v2/models/nope/ready")).status).not.toBe(200);
  });

  test("lists its models with the reason of the broken one (TRI-16)", async () => {
    const { status, body } = await ask("/v2/repository/index", undefined, "POST");
    expect(status).toBe(200);
    expect(body).toEqual([
      { name: "addsub", version: "1", state: "READY" },
      { name: "addsub", version: "3", state: "READY" },
      { name: "broken", version: "1", state: "UNAVAILABLE", reason: expect.stringContaining(REASON) },
      { name: "image", version: "1", state: "READY" },
    ]);
  });

  test("describes a model and its configuration (TRI-10, TRI-16)", async () => {
    const { body } = await ask("/v2/models/addsub");
    expect(body).toEqual({
      name: "addsub",
      versions: ["1", "3"],
      platform: "onnxruntime_onnx",
      inputs: ["INPUT0", "INPUT1"].map((name) => ({ name, datatype: "FP32", shape: [-1, 4] })),
      outputs: ["OUTPUT0", "OUTPUT1"].map((name) => ({ name, datatype: "FP32", shape: [-1, 4] })),
    });
    expect((await ask("/v2/models/addsub/versions/1")).body.versions).toEqual(["1"]);
    expect((await ask("/v2/models/addsub/config")).body).toMatchObject({
      name: "addsub",
      max_batch_size: 8,
      version_policy: { all: {} },
      input: [{ name: "INPUT0", dims: [4] }, { name: "INPUT1" }],
    });
  });

  test("answers inferences of each model and version (TRI-7, TRI-8)", async () => {
    const { status, body } = await ask("/v2/models/addsub/infer", { id: "42", ...ONES });
    expect(status).toBe(200);
    expect(body).toEqual({
      id: "42",
      model_name: "addsub",
      model_version: "3",
      outputs: [input("OUTPUT0", [1, 4], [2, 2, 2, 2]), input("OUTPUT1", [1, 4], [0, 0, 0, 0])],
    });
    expect((await ask("/v2/models/addsub/versions/1/infer", ONES)).body.model_version).toBe("1");
    const x = { inputs: [input("x", [3, 1, 2], [1, 2, 3, 4, 5, 6])] };
    expect((await ask("/v2/models/image/infer", x)).body.outputs).toEqual([input("y", [6], [1, 2, 3, 4, 5, 6])]);
  });

  test.each<[string, string, object, number, string]>([
    ["model", "nope", ONES, 404, "Request for unknown model: 'nope' is not found"],
    ["version", "addsub/versions/2", ONES, 404, "Request for unknown model: 'addsub' version 2 is not found"],
    [
      "batch",
      "addsub",
      pair([9, 4], ...Array(36).fill(1)),
      400,
      "inference request batch-size must be <= 8 for 'addsub'",
    ],
    [
      "shape",
      "addsub",
      { inputs: [input("INPUT0", [4], [1, 2, 3, 4]), ONES.inputs[1]] },
      400,
      "input 'INPUT0' batch size does not match other inputs for 'addsub'",
    ],
  ])(
    "refuses a %s that does not fit, and answers the next request (table I)",
    async (_, path, request, status, error) => {
      const answer = await ask(`/v2/models/${path}/infer`, request);
      expect(answer).toEqual({ status, body: { error: expect.stringContaining(error) } });
      expect((await ask("/v2/models/addsub/infer", ONES)).status).toBe(200);
    },
  );

  test("says of the broken model why it does not answer", async () => {
    const { status, body } = await ask("/v2/models/broken/infer", ONES);
    expect(status).toBe(503);
    expect(body.error).toContain(REASON);
  });

  test("tells in its log what it does not serve, and what has no effect (DESIGN 17)", () => {
    const log = server.stdout() + server.stderr();
    expect(log).toContain(`model 'broken' version 1: ${REASON}`);
    expect(log).toContain("Model 'addsub': fields of config.pbtxt without effect here: dynamic_batching");
  });

  test("serves on when the files of a version go away", async () => {
    rmSync(join(folder, "addsub"), { recursive: true });
    expect((await ask("/v2/models/addsub/versions/1/infer", ONES)).status).toBe(200);
  });
});
