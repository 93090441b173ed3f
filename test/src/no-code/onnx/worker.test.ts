// Models in real worker processes: what a model does there to the process, and what a server says that has none to serve.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { ScoreError } from "../../../../src/core/errors.ts";
import { packageFile } from "../../../../src/core/package-root.ts";
import { missingEngine, modelFolder } from "../../../setup/onnx.ts";
import { createService, type Service, temporaryFolder, until } from "../../../setup/service.ts";

/** Asks a model for what a request brings: `{"file": ..., "inputs": [[name, datatype, shape, values], ...]}`. */
const SCRIPT = `
import { writeFileSync } from "node:fs";
import { openOnnx } from ${JSON.stringify(pathToFileURL(packageFile("dist/src/no-code/onnx/open-onnx.js")))};
const log = { server: { info() {}, warning() {} } };
const make = { FP32: (values) => Float32Array.from(values), INT64: (values) => BigInt64Array.from(values, BigInt) };
const models = {};
export async function init() {
  for (const file of ["loop", "gather", "fill", "addsub"]) {
    models[file] = await openOnnx({ path: import.meta.dirname + "/" + file + ".onnx", name: file }, log);
  }
}
export async function run(data) {
  const { file, inputs, mark } = JSON.parse(data);
  if (mark) writeFileSync(mark, "");
  const tensors = inputs.map(([name, datatype, shape, values]) => ({ name, datatype, shape, data: make[datatype](values) }));
  const { outputs } = await models[file].infer(undefined, tensors, undefined);
  return [process.pid, ...outputs.map(({ data }) => Array.from(data, Number))];
}
`;

const GOOD = ask("addsub", [
  ["INPUT0", "FP32", [1, 4], [1, 2, 3, 4]],
  ["INPUT1", "FP32", [1, 4], [1, 1, 1, 1]],
]);

/** 2^62 rounds: some thousand years. */
const ENDLESS: Input[] = [
  ["times", "INT64", [], ["4611686018427387904"]],
  ["x", "FP32", [], [1]],
];

/** Limit of one run in ms: what answers at once never takes so long, however busy the machine is. */
const RUN_LIMIT_MS = 5_000;

type Input = [name: string, datatype: string, shape: number[], values: (number | string)[]];

function ask(file: string, inputs: Input[], mark?: string): string {
  return JSON.stringify({ file, inputs, mark });
}

async function serve(env: Readonly<Record<string, string>> = {}): Promise<Service & { readonly folder: string }> {
  const folder = modelFolder(["loop.onnx", "gather.onnx", "fill.onnx", "addsub.onnx"]);
  writeFileSync(join(folder, "score.mjs"), SCRIPT);
  const service = createService("score.mjs", { AML_APP_ROOT: folder, WORKER_COUNT: "1", ...env });
  onTestFinished(service.close);
  await service.runtime.start();
  return { ...service, folder };
}

/** The worker that answered a request that it could answer. */
async function answeredBy({ post }: Service): Promise<number> {
  const { status, text } = await post(GOOD);
  expect(status).toBe(200);
  const [pid, ...rest] = JSON.parse(text);
  expect(rest).toEqual([
    [2, 3, 4, 5],
    [0, 1, 2, 3],
  ]);
  return pid;
}

describe.skipIf(missingEngine())("a worker with models", () => {
  test.each([
    [
      "computes with what is not there",
      ask("gather", [
        ["x", "FP32", [2], [1, 2]],
        ["i", "INT64", [1], [5]],
      ]),
      /Gather node.* Status Message: indices element out of data bounds, idx=5/,
    ],
    [
      "wants more memory than there is",
      ask("fill", [["shape", "INT64", [2], [2 ** 40, 2 ** 10]]]),
      /Failed to allocate memory/,
    ],
    [
      "overflows a shape",
      ask("fill", [["shape", "INT64", [2], ["4611686018427387904", "4611686018427387904"]]]),
      /overflow/,
    ],
  ])("answers 500 when one %s, and goes on", async (_, body, message) => {
    const service = await serve({ SCOREFN_ERROR_DETAIL: "location" });
    const pid = await answeredBy(service);
    const { status, text } = await service.post(body);
    expect(status).toBe(500);
    expect(JSON.parse(text).error).toMatchObject({ message: expect.stringMatching(message) });
    expect(await answeredBy(service)).toBe(pid);
  });

  test("answers 400 when a request does not fit one, and goes on", async () => {
    const service = await serve();
    const pid = await answeredBy(service);
    const { status, text } = await service.post(ask("addsub", [["INPUT0", "FP32", [1, 4], [1, 2, 3, 4]]]));
    expect([status, JSON.parse(text).message]).toEqual([
      400,
      expect.stringContaining("missing required input(s) ['INPUT1']"),
    ]);
    expect(await answeredBy(service)).toBe(pid);
  });

  test("is replaced when a run takes too long, which nothing can interrupt (ONNX-15)", async () => {
    const service = await serve({ SCORING_TIMEOUT_MS: `${RUN_LIMIT_MS}` });
    const pid = await answeredBy(service);
    const { status, text } = await service.post(ask("loop", ENDLESS));
    expect([status, text]).toEqual([500, expect.stringContaining(`${RUN_LIMIT_MS} ms`)]);
    expect(await answeredBy(service)).not.toBe(pid);
  });

  test("is replaced when it is killed during a run", async () => {
    const service = await serve();
    const mark = join(service.folder, "begun");
    const pid = await answeredBy(service);
    const running = service.post(ask("loop", ENDLESS, mark));
    await until(() => existsSync(mark), "the run has begun");
    process.kill(pid, "SIGKILL");
    expect((await running).status).toBe(500);
    expect(await answeredBy(service)).not.toBe(pid);
  });

  test("is replaced when the client has left, once the run has taken too long", async () => {
    const service = await serve({ SCORING_TIMEOUT_MS: `${RUN_LIMIT_MS}` });
    const mark = join(service.folder, "begun");
    const pid = await answeredBy(service);
    const client = new AbortController();
    const running = service.post(ask("loop", ENDLESS, mark), { signal: client.signal });
    await until(() => existsSync(mark), "the run has begun");
    client.abort();
    expect((await running).status).toBe(499);
    expect(await answeredBy(service)).not.toBe(pid);
  });

  test("ends when the server stops, during a run, too", async () => {
    const service = await serve();
    const mark = join(service.folder, "begun");
    const running = service.post(ask("loop", ENDLESS, mark));
    await until(() => existsSync(mark), "the run has begun");
    const [pid] = service.workerPids();
    await service.close();
    expect((await running).status).toBeGreaterThanOrEqual(499);
    expect(() => process.kill(pid!, 0)).toThrow("ESRCH");
  });
});

describe.skipIf(missingEngine())("a model that does not end, asked by the Open Inference Protocol", () => {
  async function serveModel(env: Readonly<Record<string, string>> = {}) {
    const folder = modelFolder(["loop.onnx"]);
    const service = createService("", {
      AML_APP_ROOT: folder,
      AZUREML_ENTRY_SCRIPT: "",
      SCOREFN_MODEL: join(folder, "loop.onnx"),
      WORKER_COUNT: "1",
      ...env,
    });
    onTestFinished(service.close);
    await service.runtime.start();
    const infer = async (times: string) => {
      const inputs = [
        `{"name":"times","datatype":"INT64","shape":[],"data":[${times}]}`,
        '{"name":"x","datatype":"FP32","shape":[],"data":[0]}',
      ];
      const body = Buffer.from(`{"inputs":[${inputs}]}`);
      const { status, text } = await service.get("/v2/models/loop/infer", { method: "POST", body });
      return { status, body: JSON.parse(text) };
    };
    const works = async () => {
      const y = { name: "y", datatype: "FP32", shape: [], data: [0] };
      expect(await infer("2")).toEqual({
        status: 200,
        body: { model_name: "loop", model_version: "1", outputs: [y] },
      });
    };
    return { service, infer, works };
  }

  test("is 504 after its time, and the next request works", async () => {
    const { infer, works } = await serveModel({ SCORING_TIMEOUT_MS: `${RUN_LIMIT_MS}` });
    await works();
    const error = `Scoring timeout after ${RUN_LIMIT_MS} ms`;
    expect(await infer("4611686018427387904")).toEqual({ status: 504, body: { error } });
    await works();
  });

  test("is 500 when its process ends, and the next request works", async () => {
    const { service, infer, works } = await serveModel();
    await works();
    const [pid] = service.workerPids();
    const running = infer("4611686018427387904");
    await until(() => service.runtime.state === "busy", "the run has begun");
    process.kill(pid!, "SIGKILL");
    expect(await running).toEqual({ status: 500, body: { error: expect.stringMatching(/./) } });
    await works();
  });
});

/** An engine that writes down its level of what it says. */
const TELLS = `
const env = { versions: { node: "1.30.0" } };
const create = async (path) => {
  require("node:fs").writeFileSync(path + ".level", String(env.logLevel));
  throw new Error("no model");
};
module.exports = { env, InferenceSession: { create } };
`;

test.each([
  ["DEBUG", "undefined"],
  ["INFO", "fatal"],
])("with the log level %s the engine's is %s (ONNX-23)", async (level, engine) => {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const place = folder.file("node_modules/onnxruntime-node");
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "index.js"), TELLS);
  const model = folder.file("model.onnx");
  writeFileSync(model, "something");
  const service = createService("", {
    AML_APP_ROOT: folder.file("."),
    AZUREML_ENTRY_SCRIPT: "",
    AZUREML_LOG_LEVEL: level,
    SCOREFN_MODEL: model,
  });
  onTestFinished(service.close);
  await expect(service.runtime.start()).rejects.toMatchObject({ code: "ERR_MODEL_LOAD" });
  expect(readFileSync(`${model}.level`, "utf8")).toBe(engine);
});

describe.each(["workers", "in-process"])("a server whose model cannot be loaded (%s)", (host) => {
  /** What start() ends with for this model. */
  async function failure(model: string, appRoot: string): Promise<ScoreError> {
    vi.spyOn(process, "cwd").mockReturnValue(appRoot);
    onTestFinished(() => void vi.restoreAllMocks());
    const service = createService("", {
      AML_APP_ROOT: appRoot,
      AZUREML_ENTRY_SCRIPT: "",
      SCOREFN_MODEL: model,
      SCOREFN_SCRIPT_HOST: host,
    });
    onTestFinished(service.close);
    const error = await service.runtime.start().then(
      () => expect.unreachable("it was loaded"),
      (thrown: unknown) => thrown as ScoreError,
    );
    expect(error).toMatchObject({ code: "ERR_MODEL_LOAD", report: { type: "ModelLoadError", location: null } });
    return error;
  }

  test.skipIf(missingEngine())("says why, and what to do", async () => {
    const folder = modelFolder(["junk.onnx"]);
    const model = join(folder, "junk.onnx");
    const { message, report } = await failure(model, folder);
    expect(message).toContain(`${model} cannot be loaded: it is no ONNX model, or only a part of one`);
    expect(report!.hint).toContain("compare its size with that of the original");
  });

  test("for want of an engine says how to install it", async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const model = folder.file("model.onnx");
    writeFileSync(model, "something");
    const { message, report } = await failure(model, folder.file("."));
    expect(message).toContain("an ONNX model needs the package onnxruntime-node, which is not installed");
    expect(report!.hint).toContain("npm install onnxruntime-node --ignore-scripts");
  });
});

test("a model for Node is not preloaded, and the log says so", () => {
  const folder = modelFolder(["addsub.onnx"]);
  const { logged } = createService("", {
    AML_APP_ROOT: folder,
    AZUREML_ENTRY_SCRIPT: "",
    SCOREFN_MODEL: join(folder, "addsub.onnx"),
    WORKER_PRELOAD: "true",
  });
  expect(logged()).toContain("WORKER_PRELOAD has no effect: Node cannot fork a process that runs.");
});
