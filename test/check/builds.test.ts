// `scorefn check` of what `scorefn build` has made.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { check, project } from "../adapters/cli/check/scorefn-check.ts";

const SCRIPT =
  "export function init() {}\nexport function run(raw) { console.log('printed'); return { sum: JSON.parse(raw).data.reduce((a, b) => a + b, 0) }; }\n";
const PYTHON = "import json\ndef init(): pass\ndef run(raw): return {'sum': sum(json.loads(raw)['data'])}\n";
const CHECKS =
  "- name: sums\n  request: {body: {data: [1, 2]}, query: 'a=1'}\n  expect: {body: {sum: 3}, headers: {content-type: application/json}}\n- name: GET is for queries\n  request: {path: /nothing}\n  expect: {status: 404}\n";

function build(folder: string, target: string, script: string, ...more: string[]): void {
  const program = packageFile("dist/adapters/cli/scorefn.js");
  const args = ["build", "--target", target, "--entry_script", script, "--out", "build", ...more];
  execFileSync(process.execPath, [program, ...args], { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
}

describe.each([
  ["aws-lambda", []],
  ["aws-lambda", ["--streaming"]],
  ["azure-functions", []],
] as const)("a build for %s %j", (target, flags) => {
  test("passes with the requests in the folder in which the command is started", async () => {
    const folder = project({ "score.mjs": SCRIPT, "sample-request.json": '{"data": [1, 2]}', "checks/a.yaml": CHECKS });
    build(folder, target, "score.mjs", ...flags);
    const { code, stdout, stderr } = await check(folder, [
      "build",
      "--max_init_ms",
      "120000",
      "--report",
      "junit=a.xml",
    ]);
    expect(stdout).toMatch(
      new RegExp(`passed {3}the build for ${target} starts, and init\\(\\) is done \\(\\d+ ms\\)`),
    );
    expect(stdout).toContain("passed   a.yaml: sums");
    expect(stdout).toContain("passed   a.yaml: GET is for queries");
    expect(stdout).toMatch(/^passed/m);
    expect(stderr).toContain("printed");
    expect(code).toBe(0);
  });

  test("fails with a wrong answer, and when it does not start", async () => {
    const folder = project({ "score.mjs": SCRIPT });
    build(folder, target, "score.mjs", ...flags);
    const wrong = await check(folder, ["build", "--data", '{"data": [1]}', "--expect", '{"sum": 2}']);
    expect(wrong.stdout).toContain("$.sum is 1, expected 2");
    expect(wrong.code).toBe(4);
    const ends = project({ "score.mjs": "export function init() { process.exit(7); }\nexport function run() {}\n" });
    build(ends, target, "score.mjs", ...flags);
    const ended = await check(ends, ["build"]);
    expect(ended.stdout).toMatch(/FAILED {3}the build for \S+ starts/);
    expect(ended.stdout).toMatch(/^failed: it does not load/m);
    expect(ended.code).toBe(3);
  });
});

test("a build that hangs in init() is given up", async () => {
  const folder = project({
    "score.mjs":
      "export async function init() { await new Promise(() => setInterval(() => {}, 1000)); }\nexport function run() { return 1; }\n",
  });
  build(folder, "azure-functions", "score.mjs");
  const { code, stdout } = await check(folder, [
    "build",
    "--init_timeout_ms",
    "1500",
    "--timeout_ms",
    "1500",
    "--data",
    "1",
  ]);
  expect([3, 4]).toContain(code);
  expect(stdout).toMatch(/within 1500 ms/);
});

test("a build of a Python script is checked with the Python of this machine", async () => {
  const folder = project({ "score.py": PYTHON, "requirements.txt": "", "checks/a.yaml": CHECKS });
  build(folder, "aws-lambda", "score.py", "--no_try");
  const { code, stdout } = await check(folder, [join(folder, "build")]);
  expect(stdout).toContain("passed   a.yaml: sums");
  expect(code).toBe(0);
});

test("a custom handler is to be checked where it runs", async () => {
  const folder = project({ "score.mjs": SCRIPT });
  build(folder, "azure-functions", "score.mjs", "--template", "custom-handler", "--no_try");
  const { code, stdout, stderr } = await check(folder, ["build"]);
  expect(stderr).toContain(
    "build is a custom handler, which only the Functions host runs; start it there (func start)",
  );
  expect([code, stdout]).toEqual([1, ""]);
});
