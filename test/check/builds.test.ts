// `scorefn check` of what `scorefn build` has made.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { check, project, startCheck } from "../adapters/cli/check/scorefn-check.ts";
import { hasEnded } from "../setup/front.ts";
import { until } from "../setup/service.ts";

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

describe.each(["aws-lambda", "azure-functions"])("a build for %s that never comes back", (target) => {
  const busy = (where: "init" | "run"): string => {
    const other = where === "init" ? "export function run() {}" : "export function init() {}";
    return `import { writeFileSync } from "node:fs";\n${other}\nexport function ${where}() { writeFileSync(process.env.PID_FILE, String(process.pid)); for (;;) {} }\n`;
  };
  const pidFile = (folder: string): string => join(folder, "pid");
  const env = (folder: string): Record<string, string> => ({ PID_FILE: pidFile(folder) });
  const pidOf = (folder: string): number => Number(readFileSync(pidFile(folder), "utf8"));

  // A machine that is very slow may not have got as far as the script.
  const isLeft = (folder: string): boolean => existsSync(pidFile(folder)) && !hasEnded(pidOf(folder));

  test("from init() is given up, and its process is ended", async () => {
    const folder = project({ "score.mjs": busy("init") });
    build(folder, target, "score.mjs");
    const { code, stdout } = await check(folder, ["build", "--init_timeout_ms", "5000", "--data", "1"], env(folder));
    expect(stdout).toContain("the build did not start within 5000 ms");
    expect(code).toBe(3);
    await until(() => !isLeft(folder), "its process has ended");
  });

  test("from run() is given up, and its process is ended", async () => {
    const folder = project({ "score.mjs": busy("run") });
    build(folder, target, "score.mjs");
    const { code, stdout } = await check(folder, ["build", "--timeout_ms", "5000", "--data", "1"], env(folder));
    expect(stdout).toContain("no answer within 5000 ms");
    expect(code).toBe(4);
    await until(() => !isLeft(folder), "its process has ended");
  });

  test("ends with the check when a signal ends that", async () => {
    const folder = project({ "score.mjs": busy("run") });
    build(folder, target, "score.mjs");
    const started = startCheck(folder, ["build", "--data", "1"], env(folder));
    await until(() => existsSync(pidFile(folder)) && pidOf(folder) > 0, "run() has begun");
    started.process.kill("SIGTERM");
    await started.ended;
    expect(started.process.signalCode).toBe("SIGTERM");
    await until(() => !isLeft(folder), "its process has ended");
  });
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
