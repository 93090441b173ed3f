// What a conda file comes to on a machine.
import { utimesSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pythonInUse } from "../../../endpoint/assets/pythons.ts";
import { type Recipe, readRecipe } from "../../../endpoint/assets/recipe.ts";
import { ConfigError, type Environment } from "../../../src/host.ts";
import { type Tree, tree, write } from "../../packaging/tree.ts";
import { machine } from "./machine.ts";

const { env } = machine();
const inUse = (await pythonInUse(env))!;

/** With micromamba, as far as anybody looks for it. */
const withConda = machine({ programs: { micromamba: "exit 1" } }).env;
/** No Python but the one in use, and no uv. */
const bare = { ...machine({ uv: false }).env, PATH: "/nowhere", PYENV_ROOT: "/nowhere" };

async function recipe(yaml: string, files: Tree = {}, where: Environment = env): Promise<Recipe> {
  const root = tree({ "env/conda.yml": yaml, "code/score.py": "", ...files });
  return readRecipe({ conda: join(root, "env/conda.yml"), codeFolder: join(root, "code"), env: where });
}

describe("for pip", () => {
  test("the list has what PyPI has, and the rest is told", async () => {
    const made = await recipe(
      "channels: [conda-forge]\ndependencies: [python=3, pip=23, scikit-learn=1.7, libgomp, {pip: [joblib>=1]}]",
    );
    expect(made).toMatchObject({
      content: "scikit-learn==1.7.*\njoblib>=1",
      packages: ["scikit-learn==1.7.*", "joblib>=1"],
    });
    expect(made.warnings).toEqual([
      expect.stringContaining("pip does not have libgomp, and no conda is installed here: left out"),
    ]);
    expect(made.by).toMatchObject({ kind: "venv", uv: expect.stringMatching(/uv$/), python: { found: inUse } });
  });

  test("lists that lists name are taken in, and paths are absolute", async () => {
    const root = tree({
      "env/conda.yml": "dependencies: [{pip: [-r ../more/list.txt, './own pkg'.strip, -e ../own, six]}]".replace(
        "'./own pkg'.strip, ",
        "",
      ),
      "more/list.txt": "toolz\n-c limits.txt\n./w.whl\n",
      "more/limits.txt": "six<2\n",
      "more/w.whl": "",
      "own/setup.py": "",
    });
    const request = { conda: join(root, "env/conda.yml"), codeFolder: null, env };
    const made = await readRecipe(request);
    expect(made.content.split("\n")).toEqual([
      "toolz",
      `-c ${join(root, "more/limits.txt")}`,
      `${join(root, "more/w.whl")}`,
      `-e ${join(root, "own")}`,
      "six",
    ]);
    // What is on this machine counts with what it holds.
    for (const file of ["more/limits.txt", "more/w.whl", "own/setup.py"]) {
      const before = (await readRecipe(request)).key;
      utimesSync(join(root, file), 1, Math.random() * 1e6);
      expect((await readRecipe(request)).key).not.toBe(before);
    }
    const before = (await readRecipe(request)).key;
    write(root, { "own/build/lib/x.py": "", "own/own.egg-info/PKG-INFO": "", "own/__pycache__/a.pyc": "" });
    expect((await readRecipe(request)).key).toBe(before);
  });

  test.each([
    ["a: [", /conda\.yml cannot be read/],
    ["name: x", /has no list "dependencies"/],
    ["dependencies: [{pip: [./gone]}]", /conda\.yml:1: \.\/gone: there is no \S+env\/gone/],
    ["dependencies: [{pip: [-r gone.txt]}]", /there is no file \S+gone\.txt/],
    ["dependencies: [{pip: [six=1]}]", /six=1: pip cannot read it/],
    [`dependencies: [numpy, ${"a ".repeat(300)}]`, /conda\.yml: (a ){30}… has more than 500 characters/],
    [`dependencies: [numpy] # ${" ".repeat(262_144)}`, /conda\.yml has 262\d\d\d bytes; at most 262144 are read/],
    ["dependencies: ['numpy>1|<3']", /pip has no "or" between versions/],
  ])("%j is refused", async (yaml, reason) => {
    const refused = recipe(yaml);
    await expect(refused).rejects.toThrow(reason);
    await expect(refused).rejects.toBeInstanceOf(ConfigError);
  });

  test("a file that is not there, or is a folder", async () => {
    const folder = tree();
    const of = (conda: string) => readRecipe({ conda, codeFolder: null, env });
    await expect(of(join(folder, "x.yml"))).rejects.toThrow("environment.conda_file: there is no file");
    await expect(of(folder)).rejects.toThrow("is a folder; name a file");
  });
});

describe("the Python", () => {
  const python = async (asked: string, where: Environment): Promise<Recipe> =>
    recipe(`dependencies: ["python${asked}"]`, {}, where);

  test("in use is taken where it will do", async () => {
    for (const asked of ["", `=${inUse.version}`, ">=3.9", `==${inUse.release}`]) {
      expect((await python(asked, bare)).by).toMatchObject({ python: { found: inUse, warning: undefined } });
    }
  });

  test("another one of this machine is", async ({ skip }) => {
    const other = ["3.9", "3.10", "3.12", "3.13"].find((version) => version !== inUse.version)!;
    const { by, warnings } = await python(`=${other}`, env);
    skip(by.kind !== "venv" || by.python.found === undefined, `there is no Python ${other}`);
    expect(by).toMatchObject({ python: { version: other, found: { version: other } } });
    expect(warnings).toEqual([]);
  });

  test("is got by uv where the machine has none", async () => {
    const all = machine().env;
    const PATH = all.PATH.split(":")
      .filter((folder) => folder.includes("uv"))
      .join(":");
    const where = { ...all, PATH, PYENV_ROOT: "/nowhere" };
    const other = inUse.version === "3.14" ? "3.13" : "3.14";
    expect((await python(`=${other}`, where)).by).toMatchObject({ python: { version: other, found: undefined } });
  });

  test.each(["=3.6", "=2.7", "=3.99", "=4", "<3.9"])(
    "%s: the nearest is used instead, which is told",
    async (asked) => {
      const { by, warnings } = await python(asked, bare);
      expect(by).toMatchObject({ python: { found: inUse } });
      expect(warnings).toEqual([
        expect.stringMatching(/asks for Python .*scorefn runs on 3\.9 to 3\.14; Python 3\.\S+ is used instead$/),
      ]);
    },
  );

  test("is a must", async () => {
    const nothing = { ...bare, SCOREFN_PYTHON: "/nowhere/python" };
    await expect(python("=3.10", nothing)).rejects.toThrow(
      /conda\.yml needs Python 3\.9 or later, and this machine has none/,
    );
  });
});

describe("for conda", () => {
  const content = async (yaml: string, files: Tree = {}) => {
    const made = await recipe(yaml, files, withConda);
    return { ...made, file: JSON.parse(made.content) };
  };

  test("the file stays what it is, with absolute paths", async () => {
    const { file, by } = await content(
      "name: x\nprefix: /y\nchannels: [conda-forge]\ndependencies: [python=3.10, 'numpy>1|<3', libgomp, pip, {pip: [../own/w.whl]}]",
      { "own/w.whl": "" },
    );
    expect(by).toMatchObject({ kind: "conda", tool: { name: "micromamba" } });
    expect(file).toEqual({
      channels: ["conda-forge"],
      dependencies: [
        "python=3.10",
        "numpy>1|<3",
        "libgomp",
        "pip",
        { pip: [expect.stringMatching(/^\/.*\/own\/w\.whl$/)] },
      ],
    });
  });

  test("it gets a Python that scorefn runs, and pip", async () => {
    expect((await content("dependencies: [{pip: [six]}]")).file.dependencies).toEqual([
      "python>=3.9",
      "pip",
      { pip: ["six"] },
    ]);
    const { file, warnings } = await content("dependencies: [python=3.8.5]");
    expect(file.dependencies).toEqual(["python=3.9"]);
    expect(warnings).toEqual([expect.stringContaining("asks for Python 3.8.5, but scorefn runs on 3.9 to 3.14")]);
  });
});

describe("packages of a server", () => {
  const yaml =
    "dependencies: [{pip: ['azureml-defaults==1.5', azureml_inference_server_http, inference-schema, azureml-ai-monitoring]}]";
  const left = async (script: string, where: Environment = env): Promise<readonly string[]> =>
    (await recipe(yaml, { "code/score.py": script }, where)).leftOut;

  test("are left out", async () => {
    for (const where of [env, withConda]) {
      const made = await recipe(yaml, {}, where);
      expect(made.leftOut).toEqual(["azureml-defaults==1.5", "azureml_inference_server_http"]);
      expect(made.packages.filter((name) => !/^(?:python|pip)/.test(name))).toEqual([
        "inference-schema",
        "azureml-ai-monitoring",
      ]);
    }
  });

  test.each([
    ["from azureml.contrib.services.aml_request import rawhttp", 2],
    ["from azureml.ai.monitoring import Collector", 2],
    ["import json, numpy_financial", 2],
    ["# import flask", 2],
    ["from azureml.core.model import Model", 1],
    ["import os, requests as r", 1],
    ["def run(x):\n    import flask", 0],
    ["from flask import request", 0],
  ])("for a script with %j, %i of two", async (script, count) => {
    expect(await left(script)).toHaveLength(count);
  });

  test("modules beside the script count, others' do not", async () => {
    const files = (path: string): Tree => ({ [path]: "import flask" });
    expect((await recipe(yaml, files("code/sub/helper.py"))).leftOut).toHaveLength(0);
    expect((await recipe(yaml, files("code/.venv/lib/x.py"))).leftOut).toHaveLength(2);
    expect((await recipe(yaml, files("other/x.py"))).leftOut).toHaveLength(2);
  });
});

describe("the key", () => {
  test("is of the content, not of the file's name or place", async () => {
    const one = await recipe("name: a\ndependencies: [numpy]  # comment");
    expect((await recipe("dependencies:\n  - numpy\nname: b")).key).toBe(one.key);
    expect((await readRecipe({ conda: { dependencies: ["numpy"] }, codeFolder: null, env })).key).toBe(one.key);
    expect((await recipe("dependencies: [numpy=1]")).key).not.toBe(one.key);
    expect((await recipe("dependencies: [numpy]", {}, withConda)).key).not.toBe(one.key);
  });
});

test("whatever a conda file holds, it is a recipe or a refusal", async () => {
  const entry = fc.oneof(
    fc.string(),
    fc.constantFrom("python=3.10", "numpy", "pip", null, 1, true, {}, [], { npm: ["x"] }),
    fc.record({ pip: fc.oneof(fc.array(fc.string(), { maxLength: 2 }), fc.string(), fc.constant(null)) }),
  );
  const conda = fc.record({
    dependencies: fc.oneof(fc.array(entry, { maxLength: 4 }), fc.anything()),
    channels: fc.jsonValue(),
  });
  await fc.assert(
    fc.asyncProperty(conda, async (content) => {
      try {
        expect((await readRecipe({ conda: content, codeFolder: null, env: withConda })).key).toMatch(/^[0-9a-f]{20}$/);
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigError);
      }
    }),
  );
});
