import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { BadInputError, ScriptLoadError } from "../../../../src/core/errors.ts";
import { createLog } from "../../../../src/log/create.ts";
import { openSession, type SessionOptions } from "../../../../src/no-code/onnx/session.ts";
import { openRepository } from "../../../../src/no-code/triton/open-repository.ts";
import type { Datatype, Model, Tensor, TensorData } from "../../../../src/no-code/types.ts";
import { command } from "../../../setup/command.mjs";
import { fixtureModel, missingEngine, modelFolder } from "../../../setup/onnx.ts";

/** Lines that the log has written. */
interface Opened {
  readonly path: string;
  readonly models: ReadonlyMap<string, Model>;
  readonly lines: readonly string[];
  /** Of the one model there is. */
  readonly only: Model;
}

/** @param files by their paths; a text is a fixture's name, or the content of a config.pbtxt */
function repository(files: Readonly<Record<string, string>>): string {
  const models = Object.entries(files).filter(([path]) => !path.endsWith("config.pbtxt"));
  const path = modelFolder(Object.fromEntries(models));
  for (const [place, text] of Object.entries(files)) {
    if (!place.endsWith("config.pbtxt")) continue;
    mkdirSync(dirname(join(path, place)), { recursive: true });
    writeFileSync(join(path, place), text);
  }
  return path;
}

async function open(files: Readonly<Record<string, string>> | string): Promise<Opened> {
  const path = typeof files === "string" ? files : repository(files);
  const lines: string[] = [];
  const models = await openRepository(
    path,
    createLog((text) => lines.push(text), "INFO"),
  );
  return { path, lines, models: new Map(models.map((model) => [model.facts.name, model])), only: models[0]! };
}

async function failureOf(files: Readonly<Record<string, string>> | string): Promise<ScriptLoadError> {
  const error = await open(files).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ScriptLoadError);
  expect((error as ScriptLoadError).code).toBe("ERR_MODEL_LOAD");
  return error as ScriptLoadError;
}

/** What the one version says beside a model that serves. */
async function reasonOf(files: Readonly<Record<string, string>>): Promise<string | undefined> {
  const { models } = await open({ ...files, "zz/1/model.onnx": "type-int8.onnx" });
  expect(models.get("zz")!.facts.versions).toEqual([{ version: "1" }]);
  return [...models.values()][0]!.facts.versions[0]!.failure;
}

function tensor(name: string, datatype: Datatype, shape: number[], data: TensorData): Tensor {
  return { name, datatype, shape, data };
}

function floats(name: string, shape: number[], ...values: number[]): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return tensor(name, "FP32", shape, values.length > 0 ? Float32Array.from(values) : new Float32Array(count));
}

async function refusal(model: Model, inputs: Tensor[], version?: string, outputs?: string[]): Promise<string> {
  const error = await model.infer(version, inputs, outputs).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(BadInputError);
  return `${(error as BadInputError).status} ${(error as BadInputError).message}`;
}

const io = (kind: string, name: string, dims: string, more = "") =>
  `${kind} { name: "${name}" data_type: TYPE_FP32 dims: [ ${dims} ] ${more} }\n`;
const ADDSUB_IO =
  ["INPUT0", "INPUT1"].map((name) => io("input", name, "4")).join("") +
  ["OUTPUT0", "OUTPUT1"].map((name) => io("output", name, "4")).join("");
const ADDSUB = `max_batch_size: 8\n${ADDSUB_IO}`;
const PAIR = [floats("INPUT0", [1, 4], 1, 2, 3, 4), floats("INPUT1", [1, 4], 1, 1, 1, 1)];

describe.skipIf(missingEngine())("a repository", () => {
  test("has a model for each folder, and one that cannot be served stops no other (TRI-5)", async () => {
    const { models, lines } = await open({
      "addsub/config.pbtxt": `name: "addsub" ${ADDSUB}`,
      "addsub/1/model.onnx": "addsub.onnx",
      "broken/2/model.onnx": "junk.onnx",
      "plain/1/model.onnx": "fixed.onnx",
    });
    expect([...models.keys()]).toEqual(["addsub", "broken", "plain"]);
    const { versions, ...facts } = models.get("broken")!.facts;
    expect(facts).toEqual({ name: "broken", platform: "onnxruntime_onnx", inputs: [], outputs: [] });
    expect(versions).toEqual([
      { version: "2", failure: expect.stringMatching(/^broken\/2\/model\.onnx cannot be loaded: it is no ONNX model/) },
    ]);
    expect(lines.filter((line) => line.includes("Not served"))).toEqual([
      expect.stringContaining("model 'broken' version 2: broken/2/model.onnx cannot be loaded"),
    ]);
    expect(await refusal(models.get("broken")!, [])).toBe(
      "404 Request for unknown model: 'broken' has no available versions",
    );
    expect((await models.get("addsub")!.infer(undefined, PAIR, ["OUTPUT0"])).outputs).toEqual([
      floats("OUTPUT0", [1, 4], 2, 3, 4, 5),
    ]);
    expect(models.get("plain")!.facts).toMatchObject({
      inputs: [{ name: "x", datatype: "FP32", shape: [2, 3] }],
      outputs: [{ name: "y", datatype: "FP32", shape: [2, 3] }],
    });
  });

  test("takes model.onnx for a folder that holds it with its weights (TRI-2, ONNX-14)", async () => {
    const { only } = await open({
      "m/1/model.onnx/model.onnx": "external.onnx",
      "m/1/model.onnx/external.onnx.data": "external.onnx.data",
    });
    expect((await only.infer("1", [floats("x", [1, 2], 1, 1)], undefined)).outputs).toEqual([
      floats("y", [1, 2], 4, 6),
    ]);
  });

  test("skips what is no model and no version, with a warning (TRI-1)", async () => {
    const path = repository({
      "m/1/model.onnx": "type-int8.onnx",
      "m/v1/model.onnx": "type-int8.onnx",
      "m/01/model.onnx": "type-int8.onnx",
      "m/0/model.onnx": "type-int8.onnx",
      "m/9999999999999999999/model.onnx": "type-int8.onnx",
      "m/.ipynb_checkpoints/model.onnx": "type-int8.onnx",
      "notes/more/model.onnx": "type-int8.onnx",
      ".git/1/model.onnx": "type-int8.onnx",
      "..2026_11_27/1/model.onnx": "type-int8.onnx",
      "lost+found/1/model.onnx": "type-int8.onnx",
    });
    writeFileSync(join(path, "README.md"), "a file at the top is nothing (TRI-1)");
    writeFileSync(join(path, "m", "2"), "a file is no version");
    symlinkSync("circle", join(path, "circle"));
    symlinkSync("3", join(path, "m", "3"));
    const { models, lines } = await open(path);
    expect([...models.values()].map(({ facts }) => [facts.name, facts.versions])).toEqual([["m", [{ version: "1" }]]]);
    const warnings = lines.filter((line) => line.includes("skipped"));
    for (const expected of [
      "Model 'm': the folder v1 is skipped: a version's name is a number",
      "Model 'm': the folder 01 is skipped: a version's name has no zero in front",
      "Model 'm': the folder 0 is skipped: a version's name has no zero in front",
      "Model 'm': the folder 9999999999999999999 is skipped: its number is too large",
      `${join(path, "notes")} is skipped: it is no model, for it holds neither config.pbtxt nor a version`,
    ]) {
      expect(warnings.filter((line) => line.includes(expected))).toHaveLength(1);
    }
    expect(warnings).toHaveLength(5);
  });

  test("says in one line per model which fields have no effect (DESIGN 17)", async () => {
    const { lines } = await open({
      "m/config.pbtxt": "dynamic_batching { }\ninstance_group [ { count: 2 } ]\nfuture_field: 3",
      "m/1/model.onnx": "type-int8.onnx",
      "n/1/model.onnx": "type-int8.onnx",
    });
    expect(lines).toEqual([
      expect.stringContaining(
        "Model 'm': fields of config.pbtxt without effect here: dynamic_batching, instance_group, future_field",
      ),
    ]);
  });

  test("without a model is no repository, and says what one looks like", async () => {
    const path = modelFolder([]);
    const error = await failureOf(path);
    expect(error.message).toBe(`the model repository ${path} holds no model`);
    expect(error.report?.hint).toBe(
      "put each model into a folder of its own: <model>/1/model.onnx, and beside the folder 1 a config.pbtxt if need be",
    );
  });

  test("that is not there, or of which nothing can be served, fails with all reasons", async () => {
    expect((await failureOf(join(modelFolder([]), "gone"))).message).toMatch(
      /^the model repository .*gone cannot be read: ENOENT/,
    );
    const path = repository({
      "a/config.pbtxt": 'backend: "python"',
      "b/1/model.onnx": "empty.onnx",
      "b/2/other.onnx": "fixed.onnx",
    });
    expect((await failureOf(path)).message).toMatch(
      /^no model in .* can be served: model 'a' version 1: failed to read text proto from a\/config\.pbtxt: line 1: backend "python" is not served: .*; model 'b' version 2: there is no b\/2\/model\.onnx$/,
    );
  });

  test("without the engine says once, and not for each model, what to install (ONNX-22)", async () => {
    const path = mkdtempSync(join(tmpdir(), "scorefn-no-engine-"));
    onTestFinished(() => rmSync(path, { recursive: true, force: true }));
    for (const name of ["m", "n"]) {
      mkdirSync(join(path, name, "1"), { recursive: true });
      writeFileSync(join(path, name, "1", "model.onnx"), readFileSync(fixtureModel("fixed.onnx")));
    }
    const error = await failureOf(path);
    expect(error.message).toBe("an ONNX model needs the package onnxruntime-node, which is not installed");
    expect(error.report?.hint).toContain("npm install onnxruntime-node --ignore-scripts");
  });
});

describe.skipIf(missingEngine())("a model that cannot be served says why (TRI-5)", () => {
  const model = { "m/1/model.onnx": "addsub.onnx" };
  test.each<[string, Readonly<Record<string, string>>, string]>([
    [
      "with another name",
      { ...model, "m/config.pbtxt": 'name: "other"' },
      "unexpected directory name 'm' for model 'other', directory name must equal model name",
    ],
    [
      "without a version",
      { "m/config.pbtxt": ADDSUB },
      "at least one version must be available under the version policy of model 'm'",
    ],
    [
      "without a version that its policy takes",
      { ...model, "m/config.pbtxt": "version_policy { specific { versions: [ 2 ] } }" },
      "at least one version must be available under the version policy of model 'm'",
    ],
    [
      "with a configuration that cannot be read",
      { ...model, "m/config.pbtxt": "max_batch_size: 8\ninput [" },
      'failed to read text proto from m/config.pbtxt: line 2: expected ":" or "{", found the end',
    ],
    [
      "of another platform",
      { "m/1/model.plan": "addsub.onnx", "m/config.pbtxt": 'platform: "tensorrt_plan"' },
      'failed to read text proto from m/config.pbtxt: line 1: platform "tensorrt_plan" is not served: only ONNX models are (platform "onnxruntime_onnx" or backend "onnxruntime")',
    ],
    ["without a file", { "m/1/other.onnx": "addsub.onnx" }, "there is no m/1/model.onnx"],
    ["with an empty folder for a file", { "m/1/model.onnx/x": "addsub.onnx" }, "there is no m/1/model.onnx/model.onnx"],
    [
      "with a file outside its folder",
      { ...model, "m/config.pbtxt": 'default_model_filename: "../../secret.onnx"' },
      "default_model_filename '../../secret.onnx' leads out of the folder of the version",
    ],
    [
      "with a file anywhere",
      { ...model, "m/config.pbtxt": 'default_model_filename: "/etc/model.onnx"' },
      "default_model_filename '/etc/model.onnx' leads out of the folder of the version",
    ],
    [
      "with an input that the model does not have",
      { ...model, "m/config.pbtxt": io("input", "X", "4") },
      "input 'X' of config.pbtxt is not in the model, which has the inputs 'INPUT0', 'INPUT1'",
    ],
    [
      "with an output that the model does not have",
      { ...model, "m/config.pbtxt": io("output", "X", "4") },
      "output 'X' of config.pbtxt is not in the model, which has the outputs 'OUTPUT0', 'OUTPUT1'",
    ],
    [
      "with an input left out",
      { ...model, "m/config.pbtxt": io("input", "INPUT1", "-1, 4") + io("output", "OUTPUT0", "-1, 4") },
      "input 'INPUT0' of the model is not in config.pbtxt, which has the inputs 'INPUT1'",
    ],
    [
      "with another type",
      { ...model, "m/config.pbtxt": 'input { name: "INPUT0" data_type: TYPE_STRING dims: [ -1, 4 ] }' },
      "input 'INPUT0' has the data type TYPE_STRING in config.pbtxt and TYPE_FP32 in the model",
    ],
    [
      "with another rank",
      { ...model, "m/config.pbtxt": io("input", "INPUT0", "4") },
      "input 'INPUT0' has the shape [4] in config.pbtxt and [-1,4] in the model",
    ],
    [
      "with a batch that stands in dims, too",
      { ...model, "m/config.pbtxt": `max_batch_size: 8 ${io("input", "INPUT0", "-1, 4")}` },
      "input 'INPUT0' has the shape [-1,-1,4] in config.pbtxt, with the batch that max_batch_size puts in front, and [-1,4] in the model",
    ],
    [
      "with another size",
      { ...model, "m/config.pbtxt": io("output", "OUTPUT1", "-1, 5") },
      "output 'OUTPUT1' has the shape [-1,5] in config.pbtxt and [-1,4] in the model",
    ],
    [
      "with any size where the model has one",
      { ...model, "m/config.pbtxt": io("input", "INPUT0", "-1, -1") },
      "input 'INPUT0' has the shape [-1,-1] in config.pbtxt and [-1,4] in the model",
    ],
    [
      "with a reshape that does not fit",
      { ...model, "m/config.pbtxt": `max_batch_size: 8 ${io("input", "INPUT0", "4", "reshape { shape: [ 2, 2 ] }")}` },
      "input 'INPUT0' has the shape [-1,2,2] in config.pbtxt, with the batch that max_batch_size puts in front, and [-1,4] in the model",
    ],
    [
      "with batches of a model whose batch is fixed",
      { "m/1/model.onnx": "fixed.onnx", "m/config.pbtxt": `max_batch_size: 2 ${io("input", "x", "3")}` },
      "input 'x' has the shape [-1,3] in config.pbtxt, with the batch that max_batch_size puts in front, and [2,3] in the model",
    ],
    [
      "with batches of a model that has none",
      { "m/1/model.onnx": "fixed.onnx", "m/config.pbtxt": "max_batch_size: 8" },
      "max_batch_size is 8, so the first dimension of all inputs and outputs must be of any size, but input 'x' has the shape [2,3]",
    ],
    [
      "with batches of a model of which nothing is known",
      { "m/1/model.onnx": "no-rank.onnx", "m/config.pbtxt": "max_batch_size: 8" },
      "max_batch_size is 8, so the first dimension of all inputs and outputs must be of any size, but input 'x' has a shape that nothing is known of",
    ],
  ])("%s", async (_, files, reason) => {
    expect(await reasonOf(files)).toBe(reason);
  });

  test("with a configuration that is no text, or far too long", async () => {
    const path = repository({ ...model, "n/1/model.onnx": "addsub.onnx", "zz/1/model.onnx": "fixed.onnx" });
    writeFileSync(join(path, "m", "config.pbtxt"), Buffer.of(0x6e, 0xff, 0xfe));
    writeFileSync(join(path, "n", "config.pbtxt"), "#".repeat(4 * 2 ** 20 + 1));
    const { models } = await open(path);
    expect(models.get("m")!.facts.versions[0]!.failure).toMatch(
      /^failed to read text proto from m\/config\.pbtxt: .*not valid/,
    );
    expect(models.get("n")!.facts.versions[0]!.failure).toBe(
      "failed to read text proto from n/config.pbtxt: it has 4194305 bytes, more than 4194304",
    );
  });

  test("with a folder or a pipe in place of its configuration", async () => {
    const path = repository({ ...model, "n/1/model.onnx": "addsub.onnx", "zz/1/model.onnx": "fixed.onnx" });
    mkdirSync(join(path, "m", "config.pbtxt"));
    await command("mkfifo", [join(path, "n", "config.pbtxt")]);
    const { models } = await open(path);
    for (const name of ["m", "n"]) {
      const reason = `failed to read text proto from ${name}/config.pbtxt: it is no file`;
      expect(models.get(name)!.facts.versions).toEqual([{ version: "1", failure: reason }]);
    }
  });
});

describe.skipIf(missingEngine())("versions", () => {
  const three = { "m/1/model.onnx": "addsub.onnx", "m/3/model.onnx": "addsub.onnx", "m/20/model.onnx": "addsub.onnx" };
  test.each([
    ["", ["20"]],
    ["version_policy { latest { } }", ["20"]],
    ["version_policy { latest { num_versions: 2 } }", ["3", "20"]],
    ["version_policy { latest { num_versions: 9 } }", ["1", "3", "20"]],
    ["version_policy { all { } }", ["1", "3", "20"]],
    ["version_policy { specific { versions: [ 3, 1, 3 ] } }", ["1", "3"]],
  ])("with %j are %j, by number (TRI-8)", async (config, expected) => {
    const { only } = await open({ ...three, "m/config.pbtxt": config });
    expect(only.facts.versions).toEqual(expected.map((version) => ({ version })));
    expect((await only.infer(undefined, PAIR, undefined)).version).toBe(expected.at(-1));
    for (const version of expected) expect((await only.infer(version, PAIR, undefined)).version).toBe(version);
    expect(await refusal(only, PAIR, "2")).toBe("404 Request for unknown model: 'm' version 2 is not found");
  });

  test("that the policy names and that are not there are warned of", async () => {
    const { lines, only } = await open({
      ...three,
      "m/config.pbtxt": "version_policy { specific { versions: [ 2, 3 ] } }",
    });
    expect(only.facts.versions).toEqual([{ version: "3" }]);
    expect(lines.join("\n")).toContain("Model 'm': version 2, which version_policy names, is not there");
  });

  test("that fail leave the others, and the greatest that serves is asked (TRI-8)", async () => {
    const { only } = await open({
      ...three,
      "m/20/model.onnx": "truncated.onnx",
      "m/config.pbtxt": "version_policy { all { } }",
    });
    expect(only.facts.versions).toEqual([
      { version: "1" },
      { version: "3" },
      { version: "20", failure: expect.any(String) },
    ]);
    expect(only.facts.inputs).toHaveLength(2);
    expect((await only.infer(undefined, PAIR, undefined)).version).toBe("3");
    expect(await refusal(only, PAIR, "20")).toBe("404 Request for unknown model: 'm' version 20 is not at ready state");
  });

  test("of other shapes are each asked in their own", async () => {
    const { only } = await open({
      "m/1/model.onnx": "fixed.onnx",
      "m/2/model.onnx": "unnamed-dim.onnx",
      "m/config.pbtxt": "version_policy { all { } }",
    });
    expect(only.facts.inputs).toEqual([{ name: "x", datatype: "FP32", shape: [-1, 3] }]);
    const one = [floats("x", [1, 3])];
    expect((await only.infer("2", one, undefined)).outputs).toEqual([floats("y", [1, 3])]);
    expect(await refusal(only, one, "1")).toContain("Expected [2,3], got [1,3]");
  });

  test("serve on when their files go away", async () => {
    const { only, path } = await open({
      "m/1/model.onnx/model.onnx": "external.onnx",
      "m/1/model.onnx/external.onnx.data": "external.onnx.data",
    });
    rmSync(join(path, "m"), { recursive: true });
    expect((await only.infer(undefined, [floats("x", [1, 2], 1, 1)], undefined)).outputs).toEqual([
      floats("y", [1, 2], 4, 6),
    ]);
  });

  test("that go away between the look and the load fail alone", async () => {
    const path = repository({ ...three, "m/config.pbtxt": "version_policy { all { } }" });
    const log = createLog(() => {}, "CRITICAL");
    const [model] = await openRepository(path, log, {
      openSession(options) {
        // Version 1 is being opened.
        if (options.path.includes(join("m", "1"))) renameSync(join(path, "m", "3"), join(path, "gone"));
        return openSession(options);
      },
    });
    expect(model!.facts.versions).toEqual([
      { version: "1" },
      { version: "3", failure: "there is no m/3/model.onnx" },
      { version: "20" },
    ]);
  });
});

describe.skipIf(missingEngine())("sessions", () => {
  /** Opens the real ones, and notes what becomes of them. */
  async function watched(files: Readonly<Record<string, string>>) {
    const opened: SessionOptions[] = [];
    const released: string[] = [];
    let under = 0;
    const path = repository(files);
    const watch = async (options: SessionOptions) => {
      under += 1;
      expect(under).toBe(1);
      const session = await openSession(options);
      under -= 1;
      opened.push(options);
      const release = () => {
        released.push(options.path);
        return session.release();
      };
      return { ...session, release };
    };
    const log = createLog(() => {}, "CRITICAL");
    const models = await openRepository(path, log, { openSession: watch });
    return { models, opened, released: released.map((file) => file.replace(join(path, "/"), "")) };
  }

  test("are opened one after the other, and one that its configuration does not fit is released", async () => {
    const { models, released } = await watched({
      "a/1/model.onnx": "addsub.onnx",
      "b/1/model.onnx": "addsub.onnx",
      "b/2/model.onnx": "fixed.onnx",
      "b/config.pbtxt": `version_policy { all { } } ${ADDSUB}`,
    });
    expect(released).toEqual(["b/2/model.onnx"]);
    expect(models.map(({ facts }) => facts.versions.map(({ failure }) => failure === undefined))).toEqual([
      [true],
      [true, false],
    ]);
    expect((await models[1]!.infer("1", PAIR, ["OUTPUT1"])).outputs).toHaveLength(1);
  });

  test("compute with one thread where there are many (ONNX-17)", async () => {
    const models = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${at}/1/model.onnx`, "fixed.onnx"]));
    expect((await watched(models(4))).opened.map(({ threads }) => threads)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect((await watched(models(5))).opened.map(({ threads }) => threads)).toEqual([1, 1, 1, 1, 1]);
  });
});

describe.skipIf(missingEngine())("a request", () => {
  const addsub = (config = ADDSUB) => open({ "addsub/config.pbtxt": config, "addsub/1/model.onnx": "addsub.onnx" });

  test("may have a batch up to max_batch_size (TRI-4, TRI-6)", async () => {
    const { only } = await addsub();
    expect(only.facts.inputs).toEqual(["INPUT0", "INPUT1"].map((name) => ({ name, datatype: "FP32", shape: [-1, 4] })));
    for (const batch of [0, 1, 8]) {
      const pair = [floats("INPUT0", [batch, 4]), floats("INPUT1", [batch, 4])];
      expect((await only.infer(undefined, pair, ["OUTPUT0"])).outputs).toEqual([floats("OUTPUT0", [batch, 4])]);
    }
  });

  test.each<[string, Tensor[], string]>([
    [
      "batch 9",
      [floats("INPUT0", [9, 4]), floats("INPUT1", [9, 4])],
      "400 inference request batch-size must be <= 8 for 'addsub'",
    ],
    [
      "shape [4]",
      [floats("INPUT0", [4]), floats("INPUT1", [1, 4])],
      "400 input 'INPUT0' batch size does not match other inputs for 'addsub'",
    ],
    [
      "batches that differ",
      [floats("INPUT0", [1, 4]), floats("INPUT1", [2, 4])],
      "400 input 'INPUT0' batch size does not match other inputs for 'addsub'",
    ],
    [
      "shape []",
      [floats("INPUT0", [], 1), floats("INPUT1", [1, 4])],
      "400 input 'INPUT0' has no shape but model requires batch dimension for 'addsub'",
    ],
    [
      "shape [1,5]",
      [floats("INPUT0", [1, 5]), floats("INPUT1", [1, 4])],
      "400 unexpected shape for input 'INPUT0' for model 'addsub'. Expected [-1,4], got [1,5]. NOTE: Setting a non-zero max_batch_size " +
        "in the model config requires a batch dimension to be prepended to each input shape. If you want to specify the full shape " +
        "including the batch dim in your input dims config, try setting max_batch_size to zero. See the model configuration docs " +
        "for more info on max_batch_size.",
    ],
    [
      "an input missing",
      [floats("INPUT0", [1, 4])],
      "400 expected 2 inputs but got 1 inputs for model 'addsub'. Got input(s) ['INPUT0'], but missing required input(s) ['INPUT1']. " +
        "Please provide all required input(s).",
    ],
    [
      "INT32",
      [tensor("INPUT0", "INT32", [1, 4], new Int32Array(4)), floats("INPUT1", [1, 4])],
      "400 inference input 'INPUT0' data-type is 'INT32', but model 'addsub' expects 'FP32'",
    ],
    ["an input twice", [...PAIR, PAIR[0]!], "400 input 'INPUT0' already exists in request"],
  ])("with %s is refused, and the next one works (table I)", async (_, inputs, expected) => {
    const { only } = await addsub();
    expect(await refusal(only, inputs)).toBe(expected);
    expect((await only.infer(undefined, PAIR, undefined)).outputs).toHaveLength(2);
  });

  test("for an output that there is not is refused (table I)", async () => {
    const { only } = await addsub();
    expect(await refusal(only, PAIR, undefined, ["ZZ"])).toContain(
      "400 unexpected inference output 'ZZ' for model 'addsub'",
    );
  });

  test("gets the outputs that the configuration lists, in its order", async () => {
    const outputs = (...names: string[]) => names.map((name) => io("output", name, "4")).join("");
    const inputs = io("input", "INPUT1", "4") + io("input", "INPUT0", "4");
    const swapped = (await addsub(`max_batch_size: 8 ${inputs}${outputs("OUTPUT1", "OUTPUT0")}`)).only;
    const answer = await swapped.infer(undefined, PAIR, ["OUTPUT0", "OUTPUT1"]);
    expect(answer.outputs.map(({ name }) => name)).toEqual(["OUTPUT1", "OUTPUT0"]);
    expect(swapped.facts.inputs.map(({ name }) => name)).toEqual(["INPUT1", "INPUT0"]);
    const fewer = (await addsub(`max_batch_size: 8 ${inputs}${outputs("OUTPUT1")}`)).only;
    expect(fewer.facts.outputs).toHaveLength(1);
    expect((await fewer.infer(undefined, PAIR, undefined)).outputs).toEqual([floats("OUTPUT1", [1, 4], 0, 1, 2, 3)]);
    expect(await refusal(fewer, PAIR, undefined, ["OUTPUT0"])).toContain("unexpected inference output 'OUTPUT0'");
  });

  test("has the whole shapes without max_batch_size, and dimensions of one name are equal (ONNX-20)", async () => {
    const { only } = await addsub("");
    expect(only.facts).toMatchObject({
      config: { max_batch_size: 0 },
      inputs: [{ shape: [-1, 4] }, { shape: [-1, 4] }],
    });
    const nine = [floats("INPUT0", [9, 4]), floats("INPUT1", [9, 4])];
    expect((await only.infer(undefined, nine, ["OUTPUT0"])).outputs[0]!.shape).toEqual([9, 4]);
    expect(await refusal(only, [floats("INPUT0", [1, 4]), floats("INPUT1", [2, 4])])).toContain(
      "'b' is 1 in input 'INPUT0'",
    );
    expect(await refusal(only, [floats("INPUT0", [1, 5]), floats("INPUT1", [1, 4])])).toBe(
      "400 unexpected shape for input 'INPUT0' for model 'addsub'. Expected [-1,4], got [1,5].",
    );
  });

  test("has a bound for its batch where the configuration says that alone (TRI-3, TRI-6)", async () => {
    for (const config of ["max_batch_size: 8", `max_batch_size: 8 ${io("input", "INPUT1", "4")}`]) {
      const { only } = await addsub(config);
      const shapes = { dims: [4], data_type: "TYPE_FP32" };
      expect(only.facts).toMatchObject({
        inputs: [{ shape: [-1, 4] }, { shape: [-1, 4] }],
        outputs: [{ shape: [-1, 4] }, { shape: [-1, 4] }],
        config: { max_batch_size: 8, input: [shapes, shapes], output: [shapes, shapes] },
      });
      expect((await only.infer(undefined, PAIR, undefined)).outputs).toHaveLength(2);
      const nine = [floats("INPUT0", [9, 4]), floats("INPUT1", [9, 4])];
      expect(await refusal(only, nine)).toBe("400 inference request batch-size must be <= 8 for 'addsub'");
    }
  });

  test("is held against a configuration that is narrower than the model (TRI-9)", async () => {
    const { only } = await open({
      "m/config.pbtxt": io("input", "x", "1, 3, 2, 2") + io("output", "y", "1, 3, 2, 2"),
      "m/1/model.onnx": "image.onnx",
    });
    expect((await only.infer(undefined, [floats("x", [1, 3, 2, 2])], undefined)).outputs).toHaveLength(1);
    expect(await refusal(only, [floats("x", [1, 3, 4, 2])])).toContain("Expected [1,3,2,2], got [1,3,4,2]");
  });

  test("has the shape of dims where there is a reshape, and so has its answer (TRI-7)", async () => {
    const { only } = await open({
      "m/config.pbtxt":
        io("input", "x", "3, 2, 2", "reshape { shape: [ 1, 3, 2, 2 ] }") +
        io("output", "y", "12", "reshape { shape: [ 1, 3, 2, 2 ] }"),
      "m/1/model.onnx": "image.onnx",
    });
    expect(only.facts).toMatchObject({ inputs: [{ shape: [3, 2, 2] }], outputs: [{ shape: [12] }] });
    const values = Array.from({ length: 12 }, (_, at) => at);
    const { outputs } = await only.infer(undefined, [floats("x", [3, 2, 2], ...values)], undefined);
    expect(outputs).toEqual([floats("y", [12], ...values)]);
    expect(await refusal(only, [floats("x", [1, 3, 2, 2])])).toBe(
      "400 unexpected shape for input 'x' for model 'm'. Expected [3,2,2], got [1,3,2,2].",
    );
  });

  test("with a reshape has what may be of any size filled in, in its order, and the batch kept (TRI-7)", async () => {
    const { only } = await open({
      "m/config.pbtxt":
        "max_batch_size: 4 " +
        io("input", "x", "3, 1, -1, -1", "reshape { shape: [ 3, -1, -1 ] }") +
        io("output", "y", "1, 3, -1, -1", "reshape { shape: [ 3, -1, -1 ] }"),
      "m/1/model.onnx": "image.onnx",
    });
    const { outputs } = await only.infer(undefined, [floats("x", [2, 3, 1, 5, 7])], undefined);
    expect(outputs).toEqual([floats("y", [2, 1, 3, 5, 7])]);
  });

  test("with a scalar of the model has one element (TRI-4, TRI-7)", async () => {
    const { only } = await open({
      "m/config.pbtxt":
        io("input", "x", "1", "reshape { shape: [ ] }") + io("output", "y", "1", "reshape { shape: [ ] }"),
      "m/1/model.onnx": "scalar.onnx",
    });
    expect((await only.infer(undefined, [floats("x", [1], 5)], undefined)).outputs).toEqual([floats("y", [1], 5)]);
  });

  test("of any rank is taken where nothing is known of it (ONNX-3)", async () => {
    const { only } = await open({ "m/1/model.onnx": "no-rank.onnx" });
    for (const shape of [[], [2], [1, 2, 1]]) {
      expect((await only.infer(undefined, [floats("x", shape)], undefined)).outputs).toEqual([floats("y", shape)]);
    }
  });

  test("may leave out what the model has a default for, and must not set it (ONNX-6)", async () => {
    const { only } = await open({
      "m/config.pbtxt":
        io("input", "x", "-1, 2") + io("input", "bias", "2", "optional: true") + io("output", "y", "-1, 2"),
      "m/1/model.onnx": "default-input.onnx",
    });
    const x = floats("x", [1, 2], 1, 2);
    expect((await only.infer(undefined, [x], undefined)).outputs).toEqual([floats("y", [1, 2], 11, 22)]);
    expect(await refusal(only, [x, floats("bias", [2])])).toBe(
      "400 input 'bias' of model 'm' has a fixed value in its file; leave it out",
    );
  });

  test("must have what the configuration calls optional and the model needs, of which the log warns", async () => {
    const { only, lines } = await addsub(ADDSUB.replace('"INPUT1"', '"INPUT1" optional: true'));
    expect(lines.join("\n")).toContain(
      "Model 'addsub' version 1: input 'INPUT1' is optional in its configuration, but the model needs it",
    );
    expect(await refusal(only, [PAIR[0]!])).toContain("missing required input(s) ['INPUT1']");
  });
});

describe.skipIf(missingEngine())("the configuration that clients see (TRI-16)", () => {
  test("has the members of Triton's in its order", async () => {
    const { only } = await open({
      "addsub/config.pbtxt": `version_policy { all { } } ${ADDSUB}`,
      "addsub/1/model.onnx": "addsub.onnx",
    });
    const input = (name: string) => ({
      name,
      data_type: "TYPE_FP32",
      format: "FORMAT_NONE",
      dims: [4],
      is_shape_tensor: false,
      allow_ragged_batch: false,
      optional: false,
      is_non_linear_format_io: false,
    });
    const output = (name: string) => ({
      name,
      data_type: "TYPE_FP32",
      dims: [4],
      label_filename: "",
      is_shape_tensor: false,
      is_non_linear_format_io: false,
    });
    // Recorded of the real one, but for platform, backend and default_model_filename, which were those of Python.
    expect(JSON.stringify(only.facts.config)).toBe(
      JSON.stringify({
        name: "addsub",
        platform: "onnxruntime_onnx",
        backend: "onnxruntime",
        runtime: "",
        version_policy: { all: {} },
        max_batch_size: 8,
        input: [input("INPUT0"), input("INPUT1")],
        output: [output("OUTPUT0"), output("OUTPUT1")],
        batch_input: [],
        batch_output: [],
        optimization: {
          priority: "PRIORITY_DEFAULT",
          input_pinned_memory: { enable: true },
          output_pinned_memory: { enable: true },
          gather_kernel_buffer_threshold: 0,
          eager_batching: false,
        },
        instance_group: [
          {
            name: "addsub_0",
            kind: "KIND_CPU",
            count: 1,
            gpus: [],
            secondary_devices: [],
            profile: [],
            passive: false,
            host_policy: "",
          },
        ],
        default_model_filename: "model.onnx",
        cc_model_filenames: {},
        metric_tags: {},
        parameters: {},
        model_warmup: [],
      }),
    );
  });

  test("has reshape, parameters, labels and policies, and what comes from the model", async () => {
    const { models } = await open({
      "a/config.pbtxt":
        io("input", "x", "3, 2, 2", "format: FORMAT_NCHW reshape { shape: [ 1, 3, 2, 2 ] }") +
        'output { name: "y" data_type: TYPE_FP32 dims: [ 1, 3, 2, 2 ] label_filename: "labels.txt" }' +
        'default_model_filename: "picture.onnx" parameters { key: "k" value: { string_value: "v" } }' +
        "version_policy { specific { versions: 3 } }",
      "a/3/picture.onnx": "image.onnx",
      "b/1/model.onnx": "type-string.onnx",
    });
    expect(models.get("a")!.facts.config).toMatchObject({
      version_policy: { specific: { versions: [3] } },
      input: [{ format: "FORMAT_NCHW", dims: [3, 2, 2], reshape: { shape: [1, 3, 2, 2] } }],
      output: [{ dims: [1, 3, 2, 2], label_filename: "labels.txt" }],
      default_model_filename: "picture.onnx",
      parameters: { k: { string_value: "v" } },
    });
    expect(models.get("b")!.facts.config).toMatchObject({
      version_policy: { latest: { num_versions: 1 } },
      max_batch_size: 0,
      input: [{ name: "x", data_type: "TYPE_STRING", dims: [-1] }],
      output: [{ name: "y", data_type: "TYPE_STRING", dims: [-1] }],
    });
  });
});
