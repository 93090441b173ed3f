// `scorefn build` and `scorefn invoke` as they are typed.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { BUILT_IN_RULES } from "../../packaging/left-out.ts";
import { COMMON_FLAGS, TARGETS } from "../../packaging/targets.ts";
import { packageFile } from "../../src/core/package-root.ts";
import { DEADLINE_MS } from "../setup/deadline.ts";
import { JS_SCRIPT, tree, write } from "./tree.ts";

/** Without what is said of steps that take long here. */
function scorefn(command: string, ...args: string[]) {
  const program = packageFile("dist/adapters/cli/scorefn.js");
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, command, "--quiet", ...args], {
    encoding: "utf8",
    timeout: DEADLINE_MS,
  });
  return { status, stdout, stderr };
}

const root = tree({
  "score.mjs": JS_SCRIPT,
  "fails.mjs": "export function init() { process.exit(7); }\nexport function run() {}\n",
  "empty/x": "",
  "app/package.json": '{"main": "index.mjs"}',
  "app/index.mjs": "",
});
const at = (path: string) => join(root, path);
const build = (target: string, out: string, script = "score.mjs", ...more: string[]) =>
  scorefn("build", "--target", target, "--entry_script", at(script), "--out", at(out), ...more);

describe("scorefn invoke", () => {
  beforeAll(() => {
    for (const target of ["aws-lambda", "azure-functions"]) expect(build(target, target).stderr).toBe("");
    expect(build("aws-lambda", "fails", "fails.mjs").stderr).toBe("");
    write(root, { "gone/scorefn-build.json": '{"target":"gcp","scorefn":"9","settings":{},"files":{}}' });
  });

  test.each(["aws-lambda", "azure-functions"])("knows that a build is for %s, and prints alike", (target) => {
    for (const named of [[], ["--target", target]]) {
      const { status, stdout, stderr } = scorefn("invoke", at(target), "--data", "hello", ...named);
      expect([status, stdout]).toEqual([0, '"hello"\n']);
      expect(stderr).toMatch(/^status {6}200\ncold start {2}[\d.]+ ms.*\nduration {4}[\d.]+ ms\nmemory {6}[\d.]+ MB/m);
    }
  });

  test.each<[string, string[], string]>([
    [
      "another target",
      ["aws-lambda", "--target", "azure-functions"],
      "is a build for aws-lambda, not for azure-functions",
    ],
    ["a folder that is not a build", ["empty"], "is not a scorefn build; make one with scorefn build"],
    ["a folder that is not there", ["nowhere"], "is not a scorefn build"],
    [
      "a folder that is no app",
      ["empty", "--target", "azure-functions"],
      "is not a function app: it has no package.json",
    ],
    ["an app that registers nothing", ["app", "--target", "azure-functions"], "does not load: "],
    [
      "data that is not there",
      ["aws-lambda", "--data", "@nowhere.json"],
      "--data names nowhere.json, which cannot be read",
    ],
    ["a function that ends", ["fails"], "the function ended in its init phase (7)"],
    ["a build for a cloud that is not known", ["gone"], "this scorefn knows no target gcp"],
  ])("says in one line what is wrong with %s", (_what, [folder, ...more], reason) => {
    const data = more.includes("--data") ? [] : ["--data", "x"];
    const { status, stdout, stderr } = scorefn("invoke", at(folder!), ...data, ...more);
    expect([status, stdout]).toEqual([1, ""]);
    const last = stderr.trimEnd().split("\n").at(-1)!;
    expect(last).toContain("scorefn invoke: error: ");
    expect(last).toContain(reason);
    expect(stderr).not.toContain("    at ");
  });
});

describe("all problems are told at once, one line each", () => {
  const told = (command: string, ...args: string[]) => {
    const { status, stdout, stderr } = scorefn(command, ...args);
    expect([status, stdout]).toEqual([1, ""]);
    const lines = stderr.trimEnd().split("\n");
    for (const line of lines) expect(line).toMatch(new RegExp(`^scorefn ${command}: error: `));
    return lines.map((line) => line.slice(`scorefn ${command}: error: `.length));
  };
  const paths = ["--entry_script", at("gone.ts"), "--model_dir", at("nowhere"), "--out", at("app")];

  test("by a build for AWS Lambda", () => {
    const flags = ["--memory_mb", "1", "--timeout_seconds", "901", "--node", "18", "--bogus", "--auth", "me"];
    expect(told("build", "--target", "aws-lambda", ...paths, ...flags, "--check", "{", "--requirements", "r")).toEqual([
      "there is no flag --bogus; scorefn build --help lists all",
      '--auth must be AWS_IAM or NONE, not "me"',
      `there is no score script ${at("gone.ts")}; check --entry_script`,
      `--requirements has no effect: ${at("gone.ts")} is not a Python script`,
      `there is no folder ${at("nowhere")}; check --model_dir`,
      `${at("app")} is neither empty nor a build of scorefn; choose another folder`,
      "AWS Lambda has no Node 18 that scorefn can use; choose 22 or 24",
      "--memory_mb is a whole number from 128 to 10240 MB, not 1",
      "--timeout_seconds is a whole number from 1 to 900 seconds, not 901",
      expect.stringMatching(/^the request for the check of a new version, \{, is not JSON/),
    ]);
  });

  test("by a build for Azure Functions", () => {
    const script = ["--entry_script", at("gone.py"), "--out", at("x")];
    const flags = [
      "--memory_mb",
      "1",
      "--template",
      "code",
      "--arch",
      "arm64",
      "--python_version",
      "2.7",
      "--check",
      "{}",
    ];
    expect(told("build", "--target", "azure-functions", ...script, ...flags, "--requirements", at("r"))).toEqual([
      "--check is for --target aws-lambda only",
      `there is no score script ${at("gone.py")}; check --entry_script`,
      "instances have 512, 2048 or 4096 MB, not 1",
      "a zip for Node brings no Python along; choose the template container or custom-handler",
      "a zip runs on x64; an image may be for arm64",
      "--arch has no effect for a Python script: docker build --platform decides",
      `there is no file ${at("r")}; check --requirements`,
      expect.stringMatching(/^--python_version says 2\.7/),
    ]);
  });

  test("by a build for nothing in particular", () => {
    expect(told("build", "--target", "gcp", ...paths)).toEqual([
      '--target must be aws-lambda or azure-functions, not "gcp"',
      `there is no score script ${at("gone.ts")}; check --entry_script`,
      `there is no folder ${at("nowhere")}; check --model_dir`,
      `${at("app")} is neither empty nor a build of scorefn; choose another folder`,
    ]);
    expect(told("build")).toHaveLength(3);
  });

  test("by invoke", () => {
    expect(told("invoke", at("empty"), "more", "--data", "@nowhere.json", "--target", "gcp")).toEqual([
      "more is one word too many; scorefn invoke --help lists all",
      '--target must be aws-lambda or azure-functions, not "gcp"',
      `${at("empty")} is not a scorefn build; make one with scorefn build`,
      expect.stringMatching(/^--data names nowhere\.json, which cannot be read/),
    ]);
    expect(told("invoke")).toHaveLength(2);
  });
});

describe("scorefn build", () => {
  test.each<[string[], string]>([
    [
      ["--target", "aws-lambda", "--door", "http-api", "--auth", "AWS_IAM"],
      "--auth has no effect with --door http-api",
    ],
    [["--target", "aws-lambda", "--template", "code"], "--template is for --target azure-functions only"],
    [["--target", "azure-functions", "--check", "{}"], "--check is for --target aws-lambda only"],
    [["--target", "azure-functions", "--auth_level", "admin"], "--auth_level has no effect with --template code"],
    [["--target", "aws-lambda", "--memory_mb", "99"], "--memory_mb is a whole number from 128 to 10240 MB, not 99"],
    [["--target", "azure-functions", "--memory_mb", "99"], "instances have 512, 2048 or 4096 MB, not 99"],
    [["--target", "aws-lambda", "--model_dir", at("score.mjs")], "is not a folder; check --model_dir"],
  ])("%j is refused in one line", (flags, reason) => {
    const given = ["--entry_script", at("score.mjs"), "--out", at("refused"), ...flags];
    const { status, stdout, stderr } = scorefn("build", ...given);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^scorefn build: error: [^\n]*\n$/);
    expect(stderr).toContain(reason);
  });

  test("a folder that cannot be written to is said, without a stack", () => {
    const { status, stderr } = build("aws-lambda", "score.mjs/below");
    expect(status).toBe(1);
    expect(stderr).toMatch(/^scorefn build: error: a build cannot be written to [^\n]*; choose another --out\n$/);
  });

  test("has every flag in docs/building.md, and no other stands there", () => {
    const docs = readFileSync(packageFile("docs/building.md"), "utf8");
    const flags = [...COMMON_FLAGS, ...TARGETS.flatMap((target) => target.flags)].map(({ flag }) => flag);
    const rows = [...docs.matchAll(/^\| `--(\w+)/gm)].map(([, flag]) => flag!);
    expect(new Set(rows)).toEqual(new Set([...flags, "target"]));
  });

  test("has all that never goes in, in docs/building.md", () => {
    const docs = readFileSync(packageFile("docs/building.md"), "utf8");
    const patterns = BUILT_IN_RULES.flatMap((rule) => rule.patterns);
    expect(patterns.filter((pattern) => !docs.includes(`\`${pattern}\``))).toEqual([]);
  });

  test("does not take the folder away in which it is typed", () => {
    expect(build("aws-lambda", "here").status).toBe(0);
    const program = packageFile("dist/adapters/cli/scorefn.js");
    const args = ["build", "--target", "aws-lambda", "--entry_script", at("score.mjs"), "--out", "."];
    const { status, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: "utf8", cwd: at("here") });
    expect(status).toBe(1);
    expect(stderr).toContain("will be replaced");
  });

  test("loads what only builds need for builds only", () => {
    const program = `const { parseCommandLine } = await import(${JSON.stringify(packageFile("dist/adapters/cli/command-line.js"))});
await parseCommandLine("scorefn", ["serve", "--entry_script", "x"]);
const { createRequire } = await import("node:module");
console.log(JSON.stringify(Object.keys(createRequire(import.meta.url).cache)));`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
    expect(stdout).toContain("[");
    expect(
      (JSON.parse(stdout) as string[]).filter((file) => /node_modules\/(?:yazl|yaml|ignore|argparse)\//.test(file)),
    ).toEqual([]);
  });
});
