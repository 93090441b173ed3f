// What deployments ask of a machine (contract ENV, DP, NC-10).
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { unknownDeployments, usualCacheFolder } from "../../../endpoint/assets/asset-sources.ts";
import { planDeployments } from "../../../endpoint/assets/plan.ts";
import { resolveAssets } from "../../../endpoint/assets/resolve-assets.ts";
import { parseSecrets } from "../../../endpoint/assets/secrets-file.ts";
import type { DeploymentSpec } from "../../../endpoint/types.ts";
import type { InvalidSettingsError } from "../../../src/host.ts";
import { PYTHON_SCRIPT, tree } from "../../packaging/tree.ts";

import { inference, inline, problemsOf, registered, setUp } from "./set-up.ts";

test("a folder, a script and nothing else", async () => {
  const { resolve, options } = setUp({ environmentVariables: { A: "1" } });
  const assets = await resolve();
  expect(assets).toEqual({
    modelDir: expect.stringContaining(options.folder),
    served: null,
    python: null,
    environmentVariables: { A: "1" },
    upstream: null,
    warnings: [],
  });
  expect(readdirSync(assets.modelDir!)).toEqual(["model"]);
  expect(statSync(options.folder).mode & 0o777).toBe(0o700);
});

test("no model, no folder", async () => {
  const { resolve, options } = setUp({ model: null });
  expect((await resolve()).modelDir).toBeNull();
  expect(existsSync(options.folder)).toBe(false);
});

describe("a registered model", () => {
  const model = (version: string | null, text = `azureml:m${version === null ? "" : `:${version}`}`) =>
    ({ kind: "registered", name: "m", version, text }) as const;
  const all = tree({ "one/x": "", "two/x": "", "ten/x": "", "any.pkl": "" });
  const map = (...pairs: [string, string][]) => new Map(pairs.map(([key, path]) => [key, join(all, path)]));

  test.each<[ReturnType<typeof model>, Map<string, string>, string, string]>([
    [model("1"), map(["m:1", "one"], ["m", "any.pkl"]), "one", "m/1"],
    [model("2"), map(["m:1", "one"], ["m", "any.pkl"]), "any.pkl", "m/2"],
    [model(null), map(["m", "any.pkl"], ["m:1", "one"]), "any.pkl", "m/1"],
    [model(null), map(["m:2", "two"], ["m:10", "ten"], ["m:1", "one"]), "ten", "m/1"],
    [model("latest", "azureml:m@latest"), map(["m:3", "two"]), "two", "m/1"],
    [model("7", "azureml://registries/R/models/m/versions/7"), map(["m", "one"]), "one", "m/7"],
    [
      model("7", "azureml://registries/R/models/m/versions/7"),
      map(["azureml://registries/R/models/m/versions/7", "two"], ["m", "one"]),
      "two",
      "m/7",
    ],
  ])("%o", async (reference, models, shown, place) => {
    const { modelDir } = await setUp({ model: reference }, { models }).resolve();
    expect(readdirSync(modelDir!)).toEqual([shown]);
    expect(modelDir!.endsWith(`azureml-models/${place}`)).toBe(true);
  });

  test("that nothing is said of", async () => {
    expect(await problemsOf(setUp({ model: model("1") }))).toEqual([
      "model azureml:m:1 is in a workspace or registry; say where it is here with --model m:1=PATH",
    ]);
    expect(await problemsOf(setUp({ model: model("1") }, { models: map(["m:2", "two"], ["mm:1", "one"]) }))).toEqual([
      expect.stringContaining("--model m:1=PATH (given: m:2)"),
    ]);
    expect(await problemsOf(setUp({ model: model(null) }, { models: map(["m", "gone"]) }))).toEqual([
      `--model m: there is no file or folder ${join(all, "gone")}`,
    ]);
  });
});

describe("a model without code", () => {
  const inlined = (type: "custom_model" | "mlflow_model" | "triton_model", path: string, name: string | null = null) =>
    ({ kind: "inline", name, version: null, type, path }) as const;
  const mlflow = (): string =>
    join(tree({ "iris/MLmodel": "", "iris/conda.yaml": "dependencies: [python]\n" }), "iris");
  const registeredModel = { kind: "registered", name: "m", version: "1", text: "azureml:m:1" } as const;
  const repository = (): string => tree({ "iris/1/model.onnx": "" });

  test("is served as what it is", async () => {
    const onnx = join(tree({ "iris.onnx": "" }), "iris.onnx");
    const { resolve } = setUp({ code: null, model: inlined("custom_model", onnx) });
    expect(await resolve()).toMatchObject({ served: { kind: "onnx", path: onnx, name: "iris" }, upstream: null });
    const repo = repository();
    const triton = setUp({ code: null, model: inlined("triton_model", repo, "not-a-name-of-its-models") });
    expect(await triton.resolve()).toMatchObject({ served: { kind: "triton", path: repo, name: basename(repo) } });
  });

  test("has the name that the document or the workspace gives it", async () => {
    const path = mlflow();
    const named = setUp({ code: null, model: inlined("mlflow_model", path, "flowers") }, { noEnvironments: true });
    expect((await named.resolve()).served).toEqual({ kind: "mlflow", path, name: "flowers" });
    const found = setUp(
      { code: null, model: registeredModel },
      { models: new Map([["m:1", path]]), noEnvironments: true },
    );
    expect((await found.resolve()).served).toEqual({ kind: "mlflow", path, name: "m" });
  });

  test("brings the environment that its own conda file asks for, unless it is not wanted", async () => {
    const path = mlflow();
    const { spec, options } = setUp({ code: null, model: inlined("mlflow_model", path) });
    const [made] = await planDeployments([spec], options);
    expect(made?.python).toMatchObject({ source: join(path, "conda.yaml") });
    const [active] = await planDeployments([spec], { ...options, noEnvironments: true });
    expect(active?.python).toBeNull();
  });

  test.each([
    ["triton_model", mlflow, "holds an MLflow model"],
    ["mlflow_model", repository, "holds a repository in Triton's layout"],
  ] as const)("%s that is another one", async (type, make, reason) => {
    const [problem, ...more] = await problemsOf(setUp({ code: null, model: inlined(type, make()) }));
    expect(more).toEqual([]);
    expect(problem).toContain(`model.type is ${type}, but `);
    expect(problem).toContain(reason);
  });

  test("is no reason for a script to be looked at differently", async () => {
    expect((await setUp({ model: inlined("mlflow_model", mlflow()) }).resolve()).served).toBeNull();
  });
});

describe("what cannot run here", () => {
  const typed = (type: "mlflow_model" | "triton_model") =>
    ({ kind: "inline", name: null, version: null, type, path: tree({ "weights.bin": "" }) }) as const;
  const cure = "--upstream blue=http://localhost";

  test.each<[string, Partial<DeploymentSpec>, string[]]>([
    ["no code", { code: null }, ["code_configuration is missing", cure]],
    ["neither code nor model", { code: null, model: null }, ["code_configuration is missing: name code", cure]],
    ["no MLflow model", { code: null, model: typed("mlflow_model") }, ["it holds no model. Looked for: ", cure]],
    ["no repository", { code: null, model: typed("triton_model") }, ["it holds no model. Looked for: ", cure]],
    [
      "a server of the image's",
      { code: null, environment: { ...inline, image: "i", inference } },
      ["environment.inference_config: the image brings a server of its own", `${cure}:5001`],
    ],
  ])("%s", async (_, change, reasons) => {
    const [problem, ...more] = await problemsOf(setUp(change));
    expect(more).toEqual([]);
    for (const reason of reasons) expect(problem).toContain(reason);
    const { resolve } = setUp(change, { upstreams: new Map([["blue", "http://localhost:8501"]]) });
    expect(await resolve()).toMatchObject({ upstream: "http://localhost:8501", modelDir: null, python: null });
  });

  test.each([
    ["plumber.R", "", `plumber.R is neither Python nor TypeScript nor JavaScript, which scorefn runs; start a server`],
    ["app.py", "from fastapi import FastAPI\napp = FastAPI()\n", "app.py has no run()"],
    ["gone.py", undefined, "there is no file"],
    ["sub", undefined, "is not a file"],
  ])("%s", async (scoringScript, text, reason) => {
    const files = { "sub/x.py": "", ...(text !== undefined && { [scoringScript]: text }) };
    const change = { code: { folder: tree(files), scoringScript }, environment: { ...inline, image: "i", inference } };
    const [problem, ...more] = await problemsOf(setUp(change));
    expect(more).toEqual([]);
    expect(problem).toContain(reason);
  });

  test("a folder that is none", async () => {
    const folder = join(tree({ file: "" }), "file");
    const of = (path: string) => problemsOf(setUp({ code: { folder: path, scoringScript: "score.py" } }));
    expect(await of(folder)).toEqual([`code_configuration.code: ${folder} is not a folder`]);
    expect(await of(`${folder}.gone`)).toEqual([`code_configuration.code: there is no folder ${folder}.gone`]);
  });

  test("but a script with the container's routes does", async () => {
    const { resolve } = setUp({ environment: { ...inline, image: "i", inference } });
    expect(await resolve()).toMatchObject({
      upstream: null,
      warnings: [expect.stringContaining("environment.image i is not used")],
    });
  });
});

test("all that cannot be had is told at once, by deployment, before anything is made", async () => {
  const environmentVariables = { KEY: `\${{azureml://connections/c/credentials/k}}` };
  const model = { kind: "registered", name: "m", version: "1", text: "azureml:m:1" } as const;
  const blue = setUp({ model, environment: registered, environmentVariables });
  const green = setUp({ name: "green", code: null });
  const lines: string[] = [];
  const fine = setUp({ name: "fine" });
  const making = planDeployments([blue.spec, fine.spec, green.spec], blue.options);
  const error = (await making.catch((cause: unknown) => cause)) as InvalidSettingsError;
  const made = resolveAssets(blue.spec, blue.options, (line) => lines.push(line));
  await expect(made).rejects.toThrow("deployment blue: ");
  expect(error.problems.map(({ text }) => text)).toEqual([
    expect.stringMatching(/^deployment blue: model azureml:m:1 /),
    expect.stringMatching(/^deployment blue: environment_variables: there is no value for /),
    expect.stringMatching(/^deployment blue: environment azureml:sk:1 /),
    expect.stringMatching(/^deployment green: code_configuration is missing/),
  ]);
  expect(error.exitCode).toBe(1);
  expect(lines).toEqual([]);
  expect(existsSync(blue.options.folder)).toBe(false);
});

test("a file with a fault is told beside a script that is missing", async () => {
  const change = {
    environment: { ...inline, conda: "/gone.yml" },
    code: { folder: tree(), scoringScript: "score.py" },
  };
  expect(await problemsOf(setUp(change))).toEqual([
    expect.stringContaining("code_configuration.scoring_script: there is no file"),
    "environment.conda_file: there is no file /gone.yml",
  ]);
});

test("paths of the cloud are told where they are written", async () => {
  const path = "/var/azureml-app/azureml-models/m/1/model.pkl";
  const score = `import os\nMODEL = "${path}"\n${PYTHON_SCRIPT}`;
  const { resolve, root } = setUp(
    { environmentVariables: { MODEL_BASE_PATH: path, B: "/var/x" } },
    {},
    { "code/score.py": score },
  );
  const { warnings } = await resolve();
  expect(warnings).toEqual([
    expect.stringMatching(
      /^environment_variables: MODEL_BASE_PATH holds \/var\/azureml-app\/azureml-models, which is in the cloud only/,
    ),
    expect.stringContaining(`${join(root, "code/score.py")}:2 holds `),
  ]);
});

test("values of secrets are there, and show nowhere", async () => {
  const environmentVariables = {
    KEY: `\${{azureml://connections/c/credentials/k}}`,
    BAD: `\${{azureml://connections/d/target}}`,
  };
  const file = parseSecrets("c: {credentials: {k: s3cret}}", "f");
  const secrets = { file, env: { SCOREFN_SECRET_D_TARGET: "s3cret-2" } };
  const assets = await setUp({ environmentVariables }, { secrets }).resolve();
  expect(assets.environmentVariables.KEY).toBe("s3cret");
  expect({ ...assets.environmentVariables }).toEqual({ KEY: "s3cret", BAD: "s3cret-2" });
  const { resolve } = setUp({ environmentVariables, code: null }, { secrets: { file, env: {} } });
  const error = (await resolve().catch((cause: unknown) => cause)) as Error;
  const shown = [
    inspect(assets, { depth: 9 }),
    JSON.stringify(assets),
    inspect(error, { depth: 9 }),
    JSON.stringify(error),
    error.message,
  ];
  expect(shown.join("\n")).not.toContain("s3cret");
});

test("an abort before it begins", async () => {
  const { spec, options } = setUp();
  await expect(resolveAssets(spec, options, () => {}, AbortSignal.abort(new Error("no more")))).rejects.toThrow(
    "no more",
  );
  expect(existsSync(options.folder)).toBe(false);
});

test("environments lie in the user's cache", () => {
  expect(usualCacheFolder({ HOME: "/h" })).toBe("/h/.cache/scorefn/environments");
  expect(usualCacheFolder({ HOME: "/h", XDG_CACHE_HOME: "/c" })).toBe("/c/scorefn/environments");
});

test("flags for deployments that are not there", () => {
  const flags = { python: new Map([["bleu", "x"]]), upstreams: new Map([["green", "x"]]) };
  expect(unknownDeployments(flags, ["blue", "green"])).toEqual([
    "--python: there is no deployment bleu; there is blue, green",
  ]);
});
