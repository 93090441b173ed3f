// A build is tried before it is called good.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { PYTHON_VERSIONS } from "../../endpoint/assets/python-versions.ts";
import { findPythonOf } from "../../endpoint/assets/pythons.ts";
import { buildLambda } from "../../packaging/aws-lambda/build.ts";
import { buildAzure } from "../../packaging/azure-functions/build.ts";
import type { CommonOptions } from "../../packaging/inputs.ts";
import { environment } from "../setup/environments.mjs";
import { until } from "../setup/service.ts";
import { type Tree, tree } from "./tree.ts";

type Make = (options: CommonOptions) => Promise<{ notes: readonly string[]; directory: string }>;
const HELLO_TS = "export function init() {}\nexport function run(data: string) { return data; }\n";

afterEach(() => vi.unstubAllEnvs());

async function build(make: Make, files: Tree, options: Partial<CommonOptions> = {}) {
  const root = tree(files);
  const script = ["score.ts", "score.py"].find((name) => name in files)!;
  const report = await make({ entryScript: join(root, script), out: join(root, "build"), ...options });
  return { ...report, root, said: report.notes.join("\n") };
}

describe("a TypeScript script", () => {
  const make = buildLambda as Make;

  test.each<[string, string, RegExp]>([
    ["without run()", "export function init() {}\n", /score\.ts: .*score\.ts does not have a run\(\) function defined/],
    ["without init()", "export function run() {}\n", /does not have a init\(\) function defined/],
    ["whose run is no function", "export const init = () => {};\nexport const run = 1;\n", /not a function but number/],
    [
      "that throws",
      'export const a = 1;\nthrow new RangeError("no licence");\n',
      /score\.ts:2: RangeError: no licence/,
    ],
    ["that ends the process", "process.exit(3);\n", /its process ended \(3\)/],
    [
      "that kills it",
      'console.log("last words");\nprocess.kill(process.pid, "SIGKILL");\n',
      /\(SIGKILL\): .*last words/s,
    ],
  ])("%s is not built", async (_what, script, reason) => {
    const root = tree({ "score.ts": script });
    const options = { entryScript: join(root, "score.ts"), out: join(root, "build") };
    await expect(make(options)).rejects.toThrow(reason);
    expect(readdirSync(root)).toEqual(["score.ts"]);
    await make({ ...options, noTry: true });
  });

  test("is loaded, and only on demand its init() runs", async () => {
    const script = `${HELLO_TS.replace("{}", '{ throw new TypeError("no model"); }')}setInterval(() => {}, 1000);\n`;
    const { said } = await build(make, { "score.ts": script });
    expect(said).toContain("tried:      score.ts was loaded");
    await expect(build(make, { "score.ts": script }, { try: "init" })).rejects.toThrow(
      /score\.ts:1: .*TypeError: no model/,
    );
    const fine = await build(make, { "score.ts": HELLO_TS }, { try: "init" });
    expect(fine.said).toContain("score.ts was loaded, and init() is done");
  });

  test("sees its model", async () => {
    const modelDir = tree({ "deep/name.txt": "Ada" });
    const script =
      // biome-ignore lint/suspicious/noTemplateCurlyInString: text of a module
      'import { readFileSync } from "node:fs";\nconst path = `${process.env.AZUREML_MODEL_DIR}/deep/name.txt`;\n' +
      'if (readFileSync(path, "utf8") !== "Ada") throw new Error("wrong model");\n';
    await build(make, { "score.ts": script + HELLO_TS }, { modelDir });
  });

  test("finds nothing of the project it is built in", async () => {
    const script = `import { createRequire } from "node:module";\ncreateRequire(import.meta.url)("only-here");\n${HELLO_TS}`;
    const files = {
      "score.ts": script,
      "node_modules/only-here/package.json": '{"name": "only-here", "main": "index.js"}',
      "node_modules/only-here/index.js": "",
    };
    await expect(build(make, files)).rejects.toThrow(
      /Cannot find module 'only-here' \(nothing but the build is in reach; take it along with --external only-here\)/,
    );
    const { directory } = await build(make, files, { external: ["only-here"] });
    expect(existsSync(join(directory, "function", "node_modules/only-here/index.js"))).toBe(true);
    await expect(build(make, files, { external: ["nowhere"] })).rejects.toThrow("there is no package nowhere in reach");
  });

  test("finds nothing by NODE_PATH and in the home folder either", async () => {
    const elsewhere = tree({ "only-here/index.js": "", ".node_modules/at-home/index.js": "" });
    vi.stubEnv("NODE_PATH", elsewhere);
    vi.stubEnv("HOME", elsewhere);
    const wants = (name: string) =>
      `import { createRequire } from "node:module";\ncreateRequire(import.meta.url)("${name}");\n${HELLO_TS}`;
    await expect(build(make, { "score.ts": wants("only-here") })).rejects.toThrow("Cannot find module 'only-here'");
    await expect(build(make, { "score.ts": wants("at-home") })).rejects.toThrow("Cannot find module 'at-home'");
  });

  test("that never comes to an end is given up, with all it has started", async () => {
    const mark = join(tree(), "pid");
    const script =
      'import { spawn } from "node:child_process";\nimport { writeFileSync } from "node:fs";\n' +
      'const child = spawn("sleep", ["600"], { stdio: "inherit" });\n' +
      `writeFileSync(${JSON.stringify(mark)}, String(child.pid));\nawait new Promise(() => setInterval(() => {}, 1000));\n`;
    const options = { tryLimitMs: 5_000 };
    await expect(build(make, { "score.ts": script + HELLO_TS }, options)).rejects.toThrow("was not loaded within 5 s");
    const pid = Number(readFileSync(mark, "utf8"));
    onTestFinished(() => void (isRunning(pid) && process.kill(pid, "SIGKILL")));
    await until(() => !isRunning(pid), "its child has ended");
  });
});

describe("a Python script", () => {
  const make = buildLambda as Make;

  const RUN = "\n\ndef init():\n    pass\n\n\ndef run(data):\n    return data\n";

  test.each<[string, string, RegExp]>([
    ["without run()", "def init():\n    pass\n", /score\.py: .*does not have a run\(\) function defined/],
    ["whose run() takes nothing", "def init():\n    pass\n\n\ndef run():\n    pass\n", /needs to accept an argument/],
    ["that is no Python", "def init(:\n", /score\.py:1:\d+: /],
    ["that raises", `X = 1\nraise RuntimeError("no licence")${RUN}`, /score\.py:2: RuntimeError: no licence/],
    [
      "that raises an error that is its own cause",
      `error = RuntimeError("round")\nraise error from error${RUN}`,
      /score\.py:2: RuntimeError: round/,
    ],
    [
      "whose error has no text",
      `class Mute(Exception):\n    def __str__(self):\n        raise TypeError\n\n\nraise Mute${RUN}`,
      /score\.py:6: Mute: an error whose text cannot be had/,
    ],
    [
      "that is nested too deeply",
      `X = ${"(".repeat(150)}1${")".repeat(150)}\nY = ${"-".repeat(200_000)}1${RUN}`,
      /score\.py:/,
    ],
    ["that exits", `import sys\nsys.exit(3)${RUN}`, /score\.py:2: SystemExit: 3/],
    ["that dies", `import os\nos._exit(3)${RUN}`, /its process ended \(3\)/],
    [
      "that lacks a list of packages",
      `import numpyx${RUN}`,
      /score\.py:1 imports numpyx, and there is no list of packages/,
    ],
  ])("%s is not built", async (_what, script, reason) => {
    const root = tree({ "score.py": script });
    const options = { entryScript: join(root, "score.py"), out: join(root, "build") };
    await expect(make(options)).rejects.toThrow(reason);
    expect(readdirSync(root)).toEqual(["score.py"]);
    await make({ ...options, noTry: true });
  });

  test("is loaded, and only on demand its init() runs", async () => {
    const script = `async def init():\n    raise ValueError("no model")\n\n\ndef run(data):\n    return data\n`;
    const { said } = await build(make, { "score.py": script });
    expect(said).toContain("tried:      score.py was loaded");
    await expect(build(make, { "score.py": script }, { try: "init" })).rejects.toThrow(
      "score.py:2: ValueError: no model",
    );
  });

  test("is read with what it imports beside it", async () => {
    const files = { "score.py": `from lib import words\nimport data.labels${RUN}`, "lib/__init__.py": "" };
    await build(make, { ...files, "lib/words.py": "from . import more\n", "lib/more.py": "", "data/labels.py": "" });
    const broken = {
      ...files,
      "lib/words.py": "from .more import x\n",
      "lib/more.py": "x = = 1\n",
      "data/labels.py": "",
    };
    await expect(build(make, broken)).rejects.toThrow("lib/more.py:1:");
    const absent = { ...files, "lib/words.py": "import numpyx\n", "data/labels.py": "" };
    await expect(build(make, absent)).rejects.toThrow("lib/words.py:1 imports numpyx");
  });

  test("may do without what it asks for below try, and what only type checkers read", async () => {
    const script = `from __future__ import annotations\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandasx\ntry:\n    import orjsonx\nexcept ImportError:\n    import json${RUN}`;
    expect((await build(make, { "score.py": script })).said).toContain("score.py was loaded");
  });

  test("may lie beside files that are no Python", async () => {
    const { said } = await build(make, { "score.py": RUN.trimStart(), "notebooks/export.py": "%matplotlib inline\n" });
    expect(said).toContain("not Python: notebooks/export.py");
  });

  test("may lie beside files that cannot be read or are nested too deeply", async () => {
    const files = { "score.py": RUN.trimStart(), "deep.py": `X = ${"-".repeat(200_000)}1\n` };
    const { said } = await build(make, files);
    expect(said).toContain("score.py was loaded");
    expect(said).toContain("not Python: deep.py");
  });

  test("may have a list of packages that is longer than an argument", async () => {
    const hashes = Array.from({ length: 3_000 }, (_, index) => `    --hash=sha256:${String(index).padStart(64, "0")}`);
    const files = { "score.py": RUN.trimStart(), "requirements.txt": `numpyx==1.0 \\\n${hashes.join(" \\\n")}\n` };
    expect((await build(make, files)).said).toContain("score.py was loaded");
  });

  test("with packages that are not installed here is not loaded, which is said", async () => {
    const files = { "score.py": `import numpyx\nimport transitivex${RUN}`, "requirements.txt": "NumPyX == 1.0  # a\n" };
    const { said } = await build(make, files);
    expect(said).toMatch(/not loaded: not installed for this machine's Python [\d.]+: numpyx/);
    expect(said).toContain("score.py:2 imports transitivex, which no package of requirements.txt is known to bring");
  });
});

describe("the copy that is tried", () => {
  test("holds code, and only links to large files of data, which are there all the same", async () => {
    const script =
      "import os\nHERE = os.path.dirname(__file__)\nassert os.path.getsize(HERE + '/data/big.bin') == 3000000\n" +
      "assert os.path.islink(HERE + '/data/big.bin')\nassert not os.path.islink(__file__)\n" +
      "\n\ndef init():\n    pass\n\n\ndef run(data):\n    return data\n";
    const { said } = await build(buildLambda, { "score.py": script, "data/big.bin": new Uint8Array(3_000_000) });
    expect(said).toContain("score.py was loaded");
  });

  test("is removed, and is not waited for when something left it that holds its output", async () => {
    const temporary = tree();
    vi.stubEnv("TMPDIR", temporary);
    const mark = join(tree(), "pid");
    const script =
      'import { spawn } from "node:child_process";\nimport { writeFileSync } from "node:fs";\n' +
      'const child = spawn("sleep", ["600"], { stdio: "inherit", detached: true });\nchild.unref();\n' +
      `writeFileSync(${JSON.stringify(mark)}, String(child.pid));\n${HELLO_TS}`;
    await build(buildLambda, { "score.ts": script });
    process.kill(Number(readFileSync(mark, "utf8")), "SIGKILL");
    expect(readdirSync(temporary).filter((name) => name.startsWith("scorefn-try-"))).toEqual([]);
  });
});

describe("what the cloud loads is tried as the user has edited it", () => {
  const files = { "score.ts": HELLO_TS };
  const python = { "score.py": "def init():\n    pass\n\n\ndef run(data):\n    return data\n" };
  const streams = { streams: true } as Partial<CommonOptions>;

  /** Builds, edits a file of the build, and builds again. */
  async function rebuild(make: Make, [path, text]: readonly [string, string], from: Tree, options = {}) {
    const { root, directory } = await build(make, from, options);
    writeFileSync(join(directory, path), text);
    const script = Object.keys(from)[0]!;
    return make({ entryScript: join(root, script), out: directory, ...options });
  }

  test.each<[string, Make, readonly [string, string], Tree, object, RegExp]>([
    ["Lambda", buildLambda, ["function/index.mjs", "export { handler from"], files, {}, /index\.mjs: SyntaxError/],
    ["Lambda with Python", buildLambda, ["function/index.mjs", "{"], python, {}, /index\.mjs: SyntaxError/],
    [
      "Lambda, streaming",
      buildLambda,
      ["function/stream.mjs", "nope();\n"],
      files,
      streams,
      /stream\.mjs:1: ReferenceError/,
    ],
    [
      "Lambda, no handler",
      buildLambda,
      ["function/index.mjs", "export {};\n"],
      files,
      {},
      /exports no function handler/,
    ],
    [
      "Lambda, a lost file",
      buildLambda,
      ["function/index.mjs", 'export { handler } from "./gone.mjs";\n'],
      files,
      {},
      /gone\.mjs/,
    ],
    ["Azure", buildAzure, ["dist/index.cjs", "}"], files, {}, /does not load: SyntaxError/],
    [
      "Azure, another main",
      buildAzure,
      ["package.json", '{"main": "gone.cjs"}'],
      files,
      {},
      /does not load: .*gone\.cjs/,
    ],
    [
      "a custom handler",
      buildAzure,
      ["dist/server.mjs", "nope();\n"],
      files,
      { template: "custom-handler" },
      /node dist\/server\.mjs: its process ended \(1\).*ReferenceError/s,
    ],
    [
      "a custom handler with Python",
      buildAzure,
      ["host.json", '{"customHandler": {"description": {"defaultExecutablePath": "no-such-program"}}}'],
      python,
      { template: "custom-handler" },
      /no-such-program.*ENOENT/,
    ],
  ])("%s", async (_what, make, edit, from, options, reason) => {
    await expect(rebuild(make as Make, edit, from, options)).rejects.toThrow(reason);
  });

  test.each<[string, Make, readonly [string, string], Tree, object]>([
    [
      "Lambda",
      buildLambda as Make,
      ["function/index.mjs", 'import "./scorefn/host.mjs";\nexport const handler = () => 1;\n'],
      files,
      {},
    ],
    [
      "Lambda, streaming",
      buildLambda as Make,
      ["function/stream.mjs", 'export { handler } from "./scorefn/host.mjs";\n// mine\n'],
      files,
      streams,
    ],
  ])("an edit that works is kept: %s", async (_what, make, edit, from, options) => {
    const { directory } = await rebuild(make, edit, from, options);
    expect(readFileSync(join(directory, edit[0]), "utf8")).toBe(edit[1]);
  });

  test("init() does not run for it", async () => {
    const script = `import { writeFileSync } from "node:fs";\nexport const init = () => writeFileSync(process.env.MARK!, "");\nexport const run = () => 1;\n`;
    const mark = join(tree(), "mark");
    vi.stubEnv("MARK", mark);
    await build(buildLambda, { "score.ts": script });
    await build(buildAzure, { "score.ts": script }, { template: "custom-handler" } as Partial<CommonOptions>);
    const inPython = `import os\n\n\ndef init():\n    open(os.environ["MARK"], "w")\n\n\ndef run(data):\n    return data\n`;
    await build(buildLambda, { "score.py": inPython });
    expect(existsSync(mark)).toBe(false);
  });
});

test("a Python script in the home folder is refused: all of it would go in", async () => {
  const root = tree({ "score.py": "" });
  vi.stubEnv("HOME", root);
  await expect(buildLambda({ entryScript: join(root, "score.py"), out: join(tree(), "o") })).rejects.toThrow(
    /the whole folder of a Python script goes in, and that is .*; give it one of its own/,
  );
});

describe("on Azure, as well,", () => {
  const make = buildAzure as Make;

  test.each([
    [{ "score.ts": "export function init() {}\n" }, "does not have a run() function defined"],
    [{ "score.py": "def init():\n    pass\n" }, "does not have a run() function defined"],
    [{ "score.py": "import numpyx\n" }, "score.py:1 imports numpyx, and there is no list of packages"],
  ])("%j is not built", async (files, reason) => {
    await expect(build(make, files as Tree)).rejects.toThrow(reason);
  });

  test("init() does not run unless it is asked for, although the app is loaded", async () => {
    const script = `import { writeFileSync } from "node:fs";\nexport const init = () => writeFileSync(process.env.MARK!, "");\nexport const run = () => 1;\n`;
    const mark = join(tree(), "mark");
    vi.stubEnv("MARK", mark);
    await build(make, { "score.ts": script });
    expect(existsSync(mark)).toBe(false);
    await build(make, { "score.ts": script }, { try: "init" });
    expect(existsSync(mark)).toBe(true);
  });
});

describe("a Python script, with scikit-learn installed", () => {
  const sklearn = environment("sklearn");
  const skipped = "unavailable" in sklearn;
  const script =
    "import numpy\nfrom sklearn import linear_model\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    return data\n";

  test.skipIf(skipped)("is loaded with what the list brings, directly or not", async () => {
    vi.stubEnv("SCOREFN_PYTHON", skipped ? "" : sklearn.python);
    const { said } = await build(buildLambda, { "score.py": script, "requirements.txt": "scikit-learn>=1\n" });
    expect(said).toMatch(/tried: {6}score\.py was loaded .*with Python 3/);
    expect(said).not.toContain("known to bring");
  });

  test.skipIf(skipped)("is not, when the list does not bring it", async () => {
    vi.stubEnv("SCOREFN_PYTHON", skipped ? "" : sklearn.python);
    const files = { "score.py": script, "requirements.txt": "numpy\n" };
    await expect(build(buildLambda, files)).rejects.toThrow(
      /score\.py:2: ModuleNotFoundError: No module named 'sklearn'.*score\.py:2 imports sklearn, which no package of requirements\.txt/,
    );
  });

  test.skipIf(skipped)("takes a conda file for a list", async () => {
    vi.stubEnv("SCOREFN_PYTHON", skipped ? "" : sklearn.python);
    const conda = "dependencies:\n  - scikit-learn=1.9\n  - libgomp\n  - pip:\n      - numpy\n";
    const { said, directory } = await build(buildLambda, { "score.py": script, "conda.yml": conda });
    expect(readFileSync(join(directory, "function/requirements.txt"), "utf8")).toBe("scikit-learn==1.9.*\nnumpy\n");
    expect(said).toContain("packages of conda.yml that pip does not have, and that are left out: libgomp");
    expect(said).toContain("score.py was loaded");
  });
});

describe("the Python of an image", async () => {
  const script =
    "def init():\n    pass\n\n\ndef run(data):\n    match data:\n        case _:\n            return data\n";
  const found = await Promise.all(PYTHON_VERSIONS.map((version) => findPythonOf(version)));
  const here = PYTHON_VERSIONS.filter((_, index) => found[index] !== undefined);
  const absent = PYTHON_VERSIONS.find((version) => !here.includes(version));

  test("is the one that reads the script", async ({ skip }) => {
    skip(!here.includes("3.9"), "there is no Python 3.9");
    const options = { pythonVersion: "3.9" };
    await expect(build(buildLambda, { "score.py": script }, options)).rejects.toThrow("score.py:6:");
    const conda = { "environment.yml": "dependencies: [python=3.9]\n", "score.py": script };
    await expect(build(buildLambda, conda)).rejects.toThrow("score.py:6:");
  });

  test("stands in the build", async () => {
    const [version] = here;
    const files = { "score.py": "def init():\n    pass\n\n\ndef run(data):\n    return data\n" };
    const { directory, said } = await build(buildLambda, files, { pythonVersion: version! });
    expect(JSON.parse(readFileSync(join(directory, "scorefn-build.json"), "utf8")).settings.python).toBe(version);
    expect(said).toContain(`with Python ${version}`);
  });

  test("need not be on this machine", async ({ skip }) => {
    skip(absent === undefined, "all are here");
    const files = { "score.py": "def init():\n    pass\n\n\ndef run(data):\n    return data\n" };
    const { said } = await build(buildLambda, files, { pythonVersion: absent! });
    expect(said).toContain(`not loaded: there is no Python ${absent} on this machine; score.py was read by 3.`);
  });
});

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
