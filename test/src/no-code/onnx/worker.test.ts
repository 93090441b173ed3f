// Models in real worker processes: what a model does there to the process, and what a server says that has none to serve.
import { existsSync, writeFileSync } from "node:fs";
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
    const service = await serve({ SCORING_TIMEOUT_MS: "1000" });
    const pid = await answeredBy(service);
    const { status, text } = await service.post(ask("loop", ENDLESS));
    expect([status, text]).toEqual([500, expect.stringContaining("1000 ms")]);
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
    const service = await serve({ SCORING_TIMEOUT_MS: "2000" });
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
