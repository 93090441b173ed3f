// What deployments ask of a machine (contract ENV, DP, NC-10).
import { chmodSync, existsSync, readdirSync, realpathSync, statSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { type AssetOptions, unknownDeployments, usualCacheFolder } from "../../../endpoint/assets/options.ts";
import { resolveAllAssets, resolveAssets } from "../../../endpoint/assets/resolve-assets.ts";
import { parseSecrets } from "../../../endpoint/assets/secrets-file.ts";
import type { DeploymentSpec, EnvironmentReference, InferenceRoutes } from "../../../endpoint/types.ts";
import { InvalidSettingsError } from "../../../src/host.ts";
import { JS_SCRIPT, PYTHON_SCRIPT, type Tree, tree } from "../../packaging/tree.ts";
import { machine } from "./machine.ts";

const { env } = machine();
const probe = { initialDelay: 10, period: 10, timeout: 2, successThreshold: 1, failureThreshold: 30 };
const port = { port: 5001, path: "/" };
const inference: InferenceRoutes = { liveness: port, readiness: port, scoring: { port: 5001, path: "/score" } };
const inline: Extract<EnvironmentReference, { kind: "inline" }> = {
  kind: "inline",
  name: null,
  image: null,
  hasBuild: false,
  conda: null,
  inference: null,
};
const registered = { kind: "registered", name: "sk", version: "1", text: "azureml:sk:1" } as const;

/** A deployment of a folder with a model and a script in it. */
function setUp(change: Partial<DeploymentSpec> = {}, given: Partial<AssetOptions> = {}, files: Tree = {}) {
  const root = tree({ "model/a.pkl": "a", "code/score.py": PYTHON_SCRIPT, ...files });
  const spec: DeploymentSpec = {
    name: "blue",
    endpointName: "e",
    kind: "managed",
    model: { kind: "inline", name: null, version: null, type: "custom_model", path: join(root, "model") },
    code: { folder: join(root, "code"), scoringScript: "score.py" },
    environment: null,
    environmentVariables: {},
    instanceCount: 1,
    appInsightsEnabled: false,
    requestTimeoutMs: 5000,
    maxConcurrentRequestsPerInstance: 1,
    maxQueueWaitMs: 500,
    livenessProbe: probe,
    readinessProbe: probe,
    scale: { type: "default" },
    ...change,
  };
  const options: AssetOptions = {
    models: new Map(),
    environments: new Map(),
    python: new Map(),
    noEnvironments: false,
    secrets: { file: null, env: {} },
    upstreams: new Map(),
    folder: join(root, "state/blue"),
    cacheFolder: join(root, "cache"),
    env,
    ...given,
  };
  return { root, spec, options, resolve: () => resolveAssets(spec, options, () => {}) };
}

async function problemsOf({ resolve, root }: ReturnType<typeof setUp>): Promise<string[]> {
  const error: unknown = await resolve().catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(InvalidSettingsError);
  // Nothing has been made.
  expect(readdirSync(root).filter((name) => name === "state" || name === "cache")).toEqual([]);
  const texts = (error as InvalidSettingsError).problems.map(({ text }) => text);
  for (const text of texts) expect(text).toMatch(/^deployment blue: [^\n]+$/);
  return texts.map((text) => text.replace("deployment blue: ", ""));
}

test("a folder, a script and nothing else", async () => {
  const { resolve, options } = setUp({ environmentVariables: { A: "1" } });
  const assets = await resolve();
  expect(assets).toEqual({
    modelDir: expect.stringContaining(options.folder),
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

describe("the Python", () => {
  const python = realpathSync(env.SCOREFN_PYTHON!);
  const conda = { ...inline, image: "x", conda: { dependencies: [] } };

  test("of --python wins over all, as an interpreter or as a folder", async () => {
    const given = { environments: new Map([["sk", "/gone"]]), noEnvironments: true };
    for (const [text, found] of [
      [python, python],
      [basename(python), join(dirname(python), basename(python))],
    ]) {
      const where = { ...env, PATH: dirname(python) };
      const { resolve } = setUp(
        { environment: registered },
        { ...given, env: where, python: new Map([["blue", text!]]) },
      );
      expect((await resolve()).python).toBe(found);
    }
    const made = tree({ "venv/bin/x": "" });
    symlinkSync(python, join(made, "venv/bin/python"));
    const { resolve } = setUp({ environment: conda }, { python: new Map([["blue", join(made, "venv")]]) });
    expect((await resolve()).python).toBe(join(made, "venv/bin/python"));
  });

  test.each([
    ["/gone/python", "there is no Python; name an interpreter, or a folder that holds one"],
    [tree(), "there is no Python"],
    ["/bin/false", "/bin/false does not start, or is no Python"],
  ])("%s of --python is refused", async (text, reason) => {
    const [problem] = await problemsOf(setUp({}, { python: new Map([["blue", text]]) }));
    expect(problem).toContain(`--python blue=${text}: `);
    expect(problem).toContain(reason);
  });

  test("that is too old is refused", async () => {
    const folder = tree({ python: '#!/bin/sh\nprintf "3.8.1 /x/python"\n' });
    chmodSync(join(folder, "python"), 0o755);
    const [problem] = await problemsOf(setUp({}, { python: new Map([["blue", join(folder, "python")]]) }));
    expect(problem).toContain("that is Python 3.8.1, and scorefn needs 3.9 or later");
  });

  test("of a registered environment is said by --environment, or is the active one", async () => {
    const environments = new Map([["sk:1", python]]);
    expect((await setUp({ environment: registered }, { environments }).resolve()).python).toBe(python);
    expect((await setUp({ environment: registered }, { noEnvironments: true }).resolve()).python).toBeNull();
    expect(await problemsOf(setUp({ environment: registered }))).toEqual([
      "environment azureml:sk:1 is in a workspace or registry; say what stands for it with --environment sk:1=PYTHON, " +
        "name a Python with --python blue=PYTHON, or take the active one with --no-environments",
    ]);
  });

  test("of a conda file is made, or is the active one", async () => {
    const { resolve, options } = setUp({ environment: conda });
    const lines: string[] = [];
    const { spec } = setUp({ environment: conda });
    const assets = await resolveAssets(spec, options, (line) => lines.push(line));
    expect(assets.python).toContain(options.cacheFolder);
    expect(assets.warnings).toEqual([]);
    for (const line of lines) expect(line).toMatch(/^blue: /);
    expect((await resolve()).python).toBe(assets.python);
    expect((await setUp({ environment: conda }, { noEnvironments: true }).resolve()).python).toBeNull();
    const named = { ...conda, name: "mine" };
    const given = { environments: new Map([["mine", python]]) };
    expect((await setUp({ environment: named }, given).resolve()).python).toBe(python);
  });

  test("of an image is the active one, which is told", async () => {
    const { python: none, warnings } = await setUp({ environment: { ...inline, image: "img" } }).resolve();
    expect(none).toBeNull();
    expect(warnings).toEqual([
      `environment.image img is not used: the script runs here, with ${env.SCOREFN_PYTHON}; name another Python with --python blue=PYTHON`,
    ]);
    const built = await setUp({ environment: { ...inline, hasBuild: true } }).resolve();
    expect(built.warnings).toEqual([expect.stringContaining("environment.build is not built")]);
  });

  test("does not count for a script in TypeScript", async () => {
    const code = { folder: tree({ "score.ts": JS_SCRIPT }), scoringScript: "score.ts" };
    expect((await setUp({ code, environment: conda }).resolve()).python).toBeNull();
    const { warnings } = await setUp({ code }, { python: new Map([["blue", python]]) }).resolve();
    expect(warnings).toEqual(["--python blue has no effect: its script is no Python"]);
  });

  test("that is nowhere is told", async () => {
    const nowhere = { PATH: "/nowhere", HOME: "/nowhere" };
    expect(await problemsOf(setUp({}, { env: nowhere }))).toEqual([
      expect.stringContaining("no Python interpreter found"),
    ]);
  });
});

describe("what cannot run here", () => {
  const typed = (type: "mlflow_model" | "triton_model") =>
    ({ kind: "inline", name: null, version: null, type, path: "/" }) as const;
  const cure = "--upstream blue=http://localhost";

  test.each<[string, Partial<DeploymentSpec>, string[]]>([
    ["no code", { code: null }, ["code_configuration is missing", cure]],
    ["an MLflow model", { code: null, model: typed("mlflow_model") }, ["mlflow models serve", cure]],
    ["a Triton model", { code: null, model: typed("triton_model") }, ["Triton is not part of scorefn", cure]],
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
    ["sub", undefined, "is no file"],
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
    expect(await of(folder)).toEqual([`code_configuration.code: ${folder} is no folder`]);
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
  const making = resolveAllAssets([blue, fine, green], (line) => lines.push(line), new AbortController().signal);
  const error = (await making.catch((cause: unknown) => cause)) as InvalidSettingsError;
  expect(error.problems.map(({ text }) => text)).toEqual([
    expect.stringMatching(/^deployment blue: model azureml:m:1 /),
    expect.stringMatching(/^deployment blue: environment_variables: there is no value for /),
    expect.stringMatching(/^deployment blue: environment azureml:sk:1 /),
    expect.stringMatching(/^deployment green: code_configuration is missing/),
  ]);
  expect(error.exitCode).toBe(1);
  expect(lines).toEqual([]);
  expect(existsSync(fine.options.folder)).toBe(false);
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
