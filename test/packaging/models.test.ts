// `scorefn build --model`: what goes in, and that it runs.
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { buildLambda, type LambdaBuildOptions } from "../../packaging/aws-lambda/build.ts";
import { readAnswer, startFunction } from "../../packaging/aws-lambda/invoke.ts";
import { type AzureBuildOptions, buildAzure } from "../../packaging/azure-functions/build.ts";
import { listFiles } from "../../packaging/paths.ts";
import { formatReport } from "../../packaging/report.ts";
import { layOutModels, missingEngine } from "../setup/onnx.ts";
import { JS_SCRIPT, read, type Tree, tree, write } from "./tree.ts";

const ARCH = process.arch === "arm64" ? "arm64" : "x64";
const IS_LINUX = process.platform === "linux";

async function lambda(model: string, options: Partial<LambdaBuildOptions> = {}) {
  const out = join(tree(), "build");
  const report = await buildLambda({ model, out, arch: ARCH, ...options });
  return { out, report, text: formatReport(report), files: await listFiles(join(out, "function")) };
}

async function azure(model: string, options: Partial<AzureBuildOptions> = {}) {
  const out = join(tree(), "build");
  const report = await buildAzure({ model, out, ...options });
  return { out, report, text: formatReport(report), files: await listFiles(out) };
}

/** Those of some words that scorefn's own code has in a build. */
async function wordsIn(out: string, words: readonly string[]): Promise<string[]> {
  const files = (await listFiles(join(out, "function/scorefn"))).filter((path) => path.endsWith(".mjs"));
  const texts = files.map((path) => read(out, `function/scorefn/${path}`));
  return words.filter((word) => texts.some((text) => text.includes(word)));
}

describe.skipIf(missingEngine() || !IS_LINUX)("a build with an ONNX model", () => {
  const folder = layOutModels(tree(), ["addsub.onnx", "external.onnx", "external.onnx.data", "junk.onnx"]);
  const repository = layOutModels(tree(), {
    "addsub/1/model.onnx": "addsub.onnx",
    "addsub/3/model.onnx": "addsub.onnx",
    "external/2/model.onnx": "external.onnx",
    "external/2/external.onnx.data": "external.onnx.data",
  });

  test.each(["x64", "arm64"] as const)(
    "for %s holds of the engine what runs there, and nothing else (ONNX-24, SIZE-3)",
    async (arch) => {
      const { files, report } = await lambda(join(folder, "external.onnx"), { arch, noTry: true });
      const packages = files.filter((file) => file.startsWith("node_modules/"));
      const engine = packages.filter((file) => file.startsWith("node_modules/onnxruntime-node/"));
      expect(engine.map((file) => file.slice("node_modules/onnxruntime-node/".length)).sort()).toEqual([
        `bin/napi-v6/linux/${arch}/libonnxruntime.so.1`,
        `bin/napi-v6/linux/${arch}/onnxruntime_binding.node`,
        ...["backend", "binding", "index", "version"].map((name) => `dist/${name}.js`),
        "package.json",
      ]);
      const common = packages.filter((file) => !engine.includes(file));
      expect(
        common.filter(
          (file) => !/^node_modules\/onnxruntime-common\/(?:dist\/.*\.js(?:on)?|package\.json)$/.test(file),
        ),
      ).toEqual([]);
      const bytes = report.sizes.find(({ name }) => name === "engine")!.bytes;
      expect(bytes).toBeLessThan(arch === "x64" ? 47_000_000 : 26_000_000);
    },
  );

  test("takes a file's weights along, and the whole of a folder; builds with a script have nothing that serves models", async () => {
    const file = await lambda(join(folder, "external.onnx"), { noTry: true });
    const inModel = (files: readonly string[]) => files.filter((path) => path.startsWith("model/"));
    expect(inModel(file.files)).toEqual(["model/external.onnx", "model/external.onnx.data"]);
    const name = repository.split("/").at(-1);
    const whole = await lambda(repository, { noTry: true });
    expect(inModel(whole.files)).toEqual([
      `model/${name}/addsub/1/model.onnx`,
      `model/${name}/addsub/3/model.onnx`,
      `model/${name}/external/2/external.onnx.data`,
      `model/${name}/external/2/model.onnx`,
    ]);
    expect(file.files.filter((path) => /^scorefn\/open-here-\w+\.mjs$/.test(path))).toHaveLength(1);
    const script = tree({ "score.mjs": JS_SCRIPT });
    const built = join(script, "build");
    await buildLambda({ entryScript: join(script, "score.mjs"), out: built, noTry: true });
    // Of the engine, and of what the front says.
    const servesModels = ["onnxruntime-node", "model_repository"];
    expect(await wordsIn(file.out, servesModels)).toEqual(servesModels);
    expect(await wordsIn(built, servesModels)).toEqual([]);
  });

  test.each([false, true])(
    "answers on Lambda by all protocols, bytes without a content type included (streaming: %s)",
    async (streams) => {
      const { out, text } = await lambda(join(folder, "external.onnx"), { streams, modelName: "other" });
      expect(text).toContain("tried:      external.onnx was loaded");
      const local = await startFunction({ directory: out, onOutput: () => {} });
      onTestFinished(async () => void (await local.stop()));
      const ask = async (method: string, path: string, body: Buffer, headers: Record<string, string> = {}) =>
        readAnswer(
          await local.invoke({
            ...{ version: "2.0", rawPath: path, rawQueryString: "", headers: { host: "localhost", ...headers } },
            requestContext: { stage: "$default", http: { method, path, sourceIp: "127.0.0.1" } },
            ...{ body: body.toString("base64"), isBase64Encoded: true },
          }),
        );
      const metadata = await ask("GET", "/v2/models/other", Buffer.alloc(0));
      expect(metadata.status, metadata.text).toBe(200);
      const [{ name, datatype, shape }] = JSON.parse(metadata.text).inputs;
      expect(datatype).toBe("FP32");
      const sizes = shape.map((size: number) => Math.max(1, size));
      const count = sizes.reduce((product: number, size: number) => product * size, 1);
      const header = Buffer.from(
        JSON.stringify({ inputs: [{ name, datatype, shape: sizes, parameters: { binary_data_size: 4 * count } }] }),
      );
      const infer = await ask("POST", "/v2/models/other/infer", Buffer.concat([header, Buffer.alloc(4 * count)]), {
        "inference-header-content-length": String(header.length),
      });
      expect(infer.status, infer.text).toBe(200);
      const swagger = JSON.parse((await ask("GET", "/swagger.json", Buffer.alloc(0))).text);
      const example = Buffer.from(JSON.stringify(swagger.definitions.ServiceInput.example));
      const score = await ask("POST", "/score", example, { "content-type": "application/json" });
      expect([score.status, Array.isArray(JSON.parse(score.text))], score.text).toEqual([200, true]);
    },
  );

  test("for Azure Functions is a zip with the model, and registers the routes of models", async () => {
    const { out, files, text } = await azure(join(folder, "addsub.onnx"));
    expect(text).toContain("tried:      addsub.onnx was loaded");
    expect(files).toContain("model/addsub.onnx");
    expect(files.filter((path) => path.includes("score.bundle"))).toEqual([]);
    expect(files.filter((path) => /adm-zip|global-agent|\/arm64\//.test(path))).toEqual([]);
    expect(statSync(join(out, "app.zip")).size).toBeLessThan(20_000_000);
    expect(JSON.parse(read(out, "package.json")).name).toBe("scorefn-addsub");
    expect(read(out, "dist/index.cjs")).toContain('model:"model/addsub.onnx"');
  });

  test("that does not load is refused with the reason", async () => {
    await expect(lambda(join(folder, "junk.onnx"))).rejects.toThrow(
      /the build does not work: junk\.onnx: .*junk\.onnx cannot be loaded: it is no ONNX model, or only a part of one/,
    );
    const lost = layOutModels(tree(), ["external.onnx"]);
    await expect(lambda(join(lost, "external.onnx"))).rejects.toThrow(/its weights lie in a file of their own/);
    const broken = layOutModels(tree(), { "a/1/model.onnx": "addsub.onnx", "b/1/model.onnx": "junk.onnx" });
    await expect(lambda(broken)).rejects.toThrow(/the build does not work: b, version 1: /);
  });

  test("a script that imports the engine takes no more of it along (ONNX-28)", async () => {
    write(folder, { "score.mjs": `import "onnxruntime-node";\n${JS_SCRIPT}` });
    const out = join(tree(), "build");
    const { notes } = await buildLambda({ entryScript: join(folder, "score.mjs"), out, arch: ARCH });
    expect(notes[0]).toContain("score.mjs was loaded");
    const files = await listFiles(join(out, "function/node_modules"));
    expect([...new Set(files.map((file) => file.split("/")[0]))]).toEqual(["onnxruntime-common", "onnxruntime-node"]);
  });
});

const MLFLOW: Tree = {
  "iris/MLmodel": "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n",
  "iris/requirements.txt": "mlflow==3.17.2\nnumpy==2.4.6\npandas==3.1.1\n",
  "iris/python_env.yaml": "python: 3.13.2\nbuild_dependencies:\n- pip\n",
  "iris/model.pkl": "",
};

describe("a build with an MLflow model", () => {
  test("is the context of an image, with the packages and the Python that the model names", async () => {
    const root = tree(MLFLOW);
    const { out, files, text } = await lambda(join(root, "iris"), { noTry: true });
    expect(files).toContain("model/iris/MLmodel");
    expect(files).toContain("scorefn/python/scorefn_worker/no_code/__init__.py");
    expect(read(out, "function/requirements.txt")).toBe(MLFLOW["iris/requirements.txt"]);
    expect(read(out, "function/Dockerfile")).toContain("ARG PYTHON_IMAGE=python:3.13-slim-bookworm");
    expect(read(out, "function/Dockerfile")).toContain("ARG MODEL_DIR=model");
    expect(text).toContain("a zip takes no MLflow model");
    expect(text).toContain("mlflow-skinny in place of mlflow");
    const app = await azure(join(root, "iris"), { noTry: true });
    expect(app.files).toContain("model/iris/MLmodel");
    expect(app.text).toContain("WORKER_PRELOAD=true");
    expect(read(app.out, "dist/index.cjs")).toContain('model:"model/iris"');
  });

  test("takes conda.yaml where there is no other list, and advises nothing where there is nothing to spare", async () => {
    const { "iris/requirements.txt": _, "iris/python_env.yaml": _env, ...rest } = MLFLOW;
    const conda = "dependencies:\n- python=3.10.4\n- pip:\n  - mlflow-skinny==3.17.2\n  - numpy\n  - pandas\n";
    const root = tree({ ...rest, "iris/conda.yaml": conda });
    const { out, text } = await lambda(join(root, "iris"), { noTry: true });
    expect(read(out, "function/requirements.txt")).toContain("mlflow-skinny==3.17.2");
    expect(read(out, "function/Dockerfile")).toContain("python:3.10-slim");
    expect(text).not.toContain("in place of mlflow");
  });
});

describe("what cannot be built", () => {
  const alone = tree({ "model.onnx": "", "score.mjs": JS_SCRIPT, ...MLFLOW });
  const bare = tree({ "iris/MLmodel": "" });

  test.for<[string, Partial<LambdaBuildOptions>, RegExp]>([
    [
      "a model without the engine",
      {},
      /needs the package onnxruntime-node, .*npm install onnxruntime-node --ignore-scripts/,
    ],
    [
      "a model beside a script",
      { entryScript: join(alone, "score.mjs") },
      /--entry_script is for a script, and --model takes its place/,
    ],
    ["a model beside a model directory", { modelDir: alone }, /--model_dir is for a script/],
    [
      "packages of Python for ONNX",
      { requirements: "r" },
      /--requirements has no effect: an ONNX model needs no Python/,
    ],
    ["a name that is part of no path", { modelName: "a/b" }, /--model_name a\/b must be of letters/],
    ["a name for nothing", { model: undefined, modelName: "a" }, /--model_name names a model, and there is no --model/],
    ["nothing", { model: undefined }, /--entry_script is missing: .* or --model/],
    ["a folder without a model", { model: tree() }, /--model .* holds no model\. Looked for: /],
    ["an MLflow model without a list", { model: join(bare, "iris") }, /has neither requirements\.txt nor conda\.yaml/],
  ])("%s", async ([, options, reason]) => {
    const out = join(tree(), "build");
    const all = { model: join(alone, "model.onnx"), out, noTry: true, ...options };
    await expect(buildLambda(all)).rejects.toThrow(reason);
    expect(existsSync(out)).toBe(false);
  });

  test("an MLflow model as a zip", async () => {
    await expect(azure(join(alone, "iris"), { template: "code" })).rejects.toThrow(
      /a zip for Node brings no Python along/,
    );
  });
});
