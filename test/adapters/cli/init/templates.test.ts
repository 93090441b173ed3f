// Each template: made as a user makes it, served, checked, built for both clouds, deployed here.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { TEMPLATES } from "../../../../adapters/cli/init/templates.ts";
import { packageFile } from "../../../../src/core/package-root.ts";
import { DEADLINE_MS } from "../../../setup/deadline.ts";
import { environment } from "../../../setup/environments.mjs";
import { pathWithPrograms } from "../../../setup/programs.ts";
import { freePort, type RunningServer, startServer } from "../../../setup/server.ts";

const COMMAND = packageFile("dist/adapters/cli/scorefn.js");
const root = mkdtempSync(join(tmpdir(), "scorefn-templates-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const sklearn = environment("sklearn");
const onnx = environment("onnx");
const python = "python" in sklearn ? sklearn.python : "python3";
const unavailable: Readonly<Record<string, string | undefined>> = {
  sklearn: "unavailable" in sklearn ? sklearn.unavailable : undefined,
  onnx: "unavailable" in onnx ? onnx.unavailable : undefined,
};

const env: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: pathWithPrograms(root),
  SCOREFN_PYTHON: python,
  SCOREFN_HOME: join(root, "home"),
};

function scorefn(cwd: string, ...args: string[]) {
  return spawnSync(process.execPath, [COMMAND, ...args], { cwd, env, encoding: "utf8", timeout: DEADLINE_MS });
}

function readJson(path: string) {
  return JSON.parse(readFileSync(path, "utf8"));
}

async function post(url: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  const all = { "Content-Type": "application/json", ...headers };
  return fetch(url, { method: "POST", headers: all, body, signal: AbortSignal.timeout(DEADLINE_MS) });
}

/** The server that a command line of a template starts, at a port of its own. */
async function start(project: string, words: readonly string[]): Promise<RunningServer> {
  const port = await freePort();
  const server = startServer({
    command: words[0]!,
    args: words.slice(1),
    cwd: project,
    env: { ...env, SCOREFN_PORT: String(port), SCOREFN_HOST: "127.0.0.1" },
    port,
  });
  onTestFinished(async () => void (await server.stop()));
  return server;
}

/** The commands of a README, without those that install packages: the test environments have them. */
function commandsOf(readme: string): string[] {
  const lines = [...readme.matchAll(/^\$ (.*)$/gm)].map(([, line]) => line!);
  return lines.filter((line) => !/^npm install|pip install/.test(line));
}

describe.each(TEMPLATES)("template $name", ({ name, script }) => {
  const project = join(root, "projects", name);
  const why = unavailable[name];

  beforeAll(() => {
    expect(scorefn(root, "init", project, "--template", name)).toMatchObject({ status: 0, stderr: "" });
    if (!script.endsWith(".ts")) return;
    const modules = join(project, "node_modules");
    mkdirSync(modules);
    symlinkSync(packageFile("."), join(modules, "scorefn"), "junction");
    symlinkSync(packageFile("node_modules/@types"), join(modules, "@types"), "junction");
    if (name !== "onnx" || why !== undefined) return;
    const installed = packageFile("examples/onnx/node_modules");
    for (const entry of readdirSync(installed).filter((found) => !found.startsWith("."))) {
      symlinkSync(join(installed, entry), join(modules, entry), "junction");
    }
  });

  test.skipIf(why !== undefined)("answers what its README promises, and its checks", async () => {
    const readme = readFileSync(join(project, "README.md"), "utf8");
    const dev = commandsOf(readme).find((line) => / dev /.test(line))!;
    const server = await start(project, dev.split(" "));
    await server.waitReady();

    const answer = await post(`${server.url}/score`, readFileSync(join(project, "sample-request.json"), "utf8"));
    const promised: number[] = JSON.parse(/^\$ curl .*\n(.*)$/m.exec(readme)![1]!);
    expect(await answer.json()).toEqual(promised.map((value) => expect.closeTo(value, 6)));

    expect(await server.stop()).toBe(0);

    const check = commandsOf(readme).find((line) => / check /.test(line))!;
    const { status, stdout, stderr } = scorefn(project, ...check.slice(check.indexOf("check ")).split(" "));
    expect(status, stdout + stderr).toBe(0);
    for (const file of readdirSync(join(project, "checks"))) expect(stdout).toContain(`passed   ${file}`);
  });

  test.skipIf(why !== undefined)("finds its model beside the script, too", async () => {
    const server = await start(project, ["scorefn", "serve", join(project, script)]);
    await server.waitReady();
    const answer = await post(`${server.url}/score`, readFileSync(join(project, "sample-request.json"), "utf8"));
    expect(answer.status).toBe(200);
  });

  test.skipIf(why !== undefined)("is built by the commands of its README, and the builds answer", () => {
    const builds = commandsOf(readFileSync(join(project, "README.md"), "utf8")).filter((line) => / build /.test(line));
    expect(builds).toHaveLength(2);
    for (const line of builds) {
      const { status, stdout, stderr } = scorefn(
        project,
        ...line.slice(line.indexOf("build ")).split(" "),
        "--try",
        "init",
        "--quiet",
      );
      expect([status, stderr], stdout).toEqual([0, ""]);
    }
    const taken = readdirSync(join(project, "build/lambda/function"), { recursive: true, encoding: "utf8" });
    expect(
      taken
        .filter((path) => !path.startsWith("node_modules"))
        .filter((path) => /deployment\.yml|endpoint\.yml|conda\.yml|README|checks|train\.py|\.vscode/.test(path)),
    ).toEqual([]);
    const targets = script.endsWith(".py") ? ["lambda"] : ["lambda", "azure"];
    for (const target of targets) {
      const { status, stdout } = scorefn(project, "invoke", `build/${target}`, "--data", "@sample-request.json");
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toEqual([expect.closeTo(206.1101, 3), expect.closeTo(68.0222, 3)]);
    }
  });

  test.skipIf(why !== undefined)("is served by a local endpoint from the files for Azure", async () => {
    const line = commandsOf(readFileSync(join(project, "README.md"), "utf8")).find((command) =>
      /online-/.test(command),
    )!;
    const port = await freePort();
    // The packages of this machine's Python stand for the environment of conda.yml.
    const stands = script.endsWith(".py") ? ["--python", `blue=${python}`] : [];
    const own = ["--port", String(port), ...stands];
    const args = [COMMAND, ...line.slice(line.indexOf("online-endpoint")).split(" "), ...own];
    const server = startServer({ command: process.execPath, args, cwd: project, env, port });
    onTestFinished(async () => void (await server.stop()));
    await server.waitOutput(/Ctrl\+C stops it/);
    const { stdout: shown } = scorefn(project, "online-endpoint", "get-credentials", "-n", endpointName());
    const body = readFileSync(join(project, "sample-request.json"), "utf8");
    const answer = await post(`${server.url}/score`, body, { Authorization: `Bearer ${JSON.parse(shown).primaryKey}` });
    expect([answer.status, await answer.json()]).toEqual([
      200,
      [expect.closeTo(206.1101, 3), expect.closeTo(68.0222, 3)],
    ]);
    expect(server.stderr()).not.toMatch(/warning|error/i);
  });

  function endpointName(): string {
    return parse(readFileSync(join(project, "endpoint.yml"), "utf8")).name;
  }

  test.skipIf(why !== undefined)("starts by the command of its image, from the files that go into it", async () => {
    const lines = readFileSync(join(project, "Dockerfile"), "utf8").split("\n");
    const copied = lines.filter((line) => /^COPY (?!\. \.)/.test(line)).flatMap((line) => line.split(" ").slice(1, -1));
    for (const file of copied) expect(readdirSync(project)).toContain(file);
    const words: string[] = JSON.parse(lines.find((line) => line.startsWith("CMD "))!.slice("CMD ".length));
    const server = await start(project, words);
    await server.waitReady();
  });

  if (script.endsWith(".ts")) {
    test.skipIf(why !== undefined)("has types without a fault", () => {
      const compiler = packageFile("node_modules/typescript/bin/tsc");
      const { status, stdout } = spawnSync(process.execPath, [compiler], { cwd: project, encoding: "utf8" });
      expect([status, stdout]).toEqual([0, ""]);
    });
  }
});

test.skipIf(unavailable.sklearn !== undefined)(
  "the training of the template makes the model that is in it, and works here",
  () => {
    const project = join(root, "trained");
    expect(scorefn(root, "init", project, "--template", "sklearn").status).toBe(0);
    const model = join(project, "model/diabetes.joblib");
    const shipped = readFileSync(model);
    rmSync(model);
    const { status, stderr } = spawnSync(python, ["train.py"], { cwd: project, encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
    expect(readFileSync(model).equals(shipped)).toBe(true);
  },
);

// What examples and templates have in common is the same in both.
test.each<readonly [string, string]>([
  ["python/model/diabetes.json", "regression/model/diabetes.json"],
  ["typescript/model/diabetes.json", "regression/model/diabetes.json"],
  ["sklearn/model/diabetes.joblib", "sklearn/model/sklearn_regression_model.pkl"],
  ["onnx/model/diabetes.onnx", "onnx/model/diabetes.onnx"],
  ["onnx/score.ts", "onnx/score.ts"],
  ["onnx/_npmrc", "onnx/.npmrc"],
  ...TEMPLATES.map(({ name }) => [`${name}/sample-request.json`, "regression/sample-request.json"] as const),
  ["sklearn/sample-request.json", "sklearn/sample-request.json"],
  ["onnx/sample-request.json", "onnx/sample-request.json"],
])("templates/%s is examples/%s", (template, example) => {
  const [one, other] = [`templates/${template}`, `examples/${example}`].map((path) => readFileSync(packageFile(path)));
  expect(one!.equals(other!)).toBe(true);
});

test("templates ask for the packages that the examples and the tests have", () => {
  const { dependencies } = readJson(packageFile("templates/onnx/package.json"));
  const example = readJson(packageFile("examples/onnx/package.json"));
  expect(dependencies["onnxruntime-node"]).toBe(example.dependencies["onnxruntime-node"]);
  const [, version] = /^scikit-learn==(\S+)$/m.exec(
    readFileSync(packageFile("examples/sklearn/requirements.txt"), "utf8"),
  )!;
  const folder = packageFile("templates/sklearn");
  expect(readFileSync(join(folder, "requirements.txt"), "utf8")).toContain(`scikit-learn==${version};`);
  const { dependencies: conda } = parse(readFileSync(join(folder, "conda.yml"), "utf8"));
  expect(conda.at(-1).pip).toContain(`scikit-learn==${version}`);
  const [, ...names] = readFileSync(join(folder, "requirements.txt"), "utf8").trim().split("\n");
  for (const name of names.map((line) => /^[\w-]+/.exec(line)![0])) {
    expect(conda.at(-1).pip.map((line: string) => /^[\w-]+/.exec(line)![0])).toContain(name);
  }
});

test("the two templates of a language have the same files for VS Code", () => {
  for (const [one, other, files] of [
    ["python", "sklearn", ["_vscode/launch.json", "_vscode/tasks.json"]],
    ["typescript", "onnx", ["_vscode/launch.json", "tsconfig.json"]],
  ] as const) {
    for (const file of files) {
      const [left, right] = [one, other].map((name) =>
        readFileSync(packageFile(join("templates", name, file)), "utf8"),
      );
      expect(left).toBe(right);
    }
  }
});
