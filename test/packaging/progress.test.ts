// What people see of a build that takes long.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { runInTerminal } from "../setup/terminal.ts";

const SCOREFN = [process.execPath, packageFile("dist/adapters/cli/scorefn.js")];
const STEP = "trying the build: init()";

let folder: string;

/** A build that never ends: the script's init() does not. */
const command = (): string[] => [
  ...SCOREFN,
  ...["build", join(folder, "score.mjs"), "--target", "aws-lambda", "--try", "init"],
  ...["--out", join(folder, "build")],
];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "scorefn-progress-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  const init = "export const init = () => new Promise(() => setInterval(() => {}, 1_000));";
  writeFileSync(join(folder, "score.mjs"), `${init}\nexport const run = (data) => data;\n`);
});

test("on a terminal one line says what it does; after Ctrl+C nothing is left, neither of it nor of the build", async () => {
  const { output, code } = await runInTerminal(command(), { pressAt: STEP });
  expect(output).toContain(STEP);
  // The terminal itself shows the key.
  const lines = output.replace("^C", "").split("\n");
  expect(lines.map((line) => line.split("\r\u001b[2K").at(-1))).toEqual([""]);
  expect([code, readdirSync(folder)]).toEqual([130, ["score.mjs"]]);
});

test("elsewhere a step that takes long has a line on stderr, and stdout stays empty", async () => {
  const [program = "", ...args] = command();
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => {
    stdout += data;
  });
  child.stderr.on("data", (data) => {
    stderr += data;
    if (stderr.includes(`${STEP} ...\n`)) child.kill("SIGINT");
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect([code, stdout]).toEqual([130, ""]);
  for (const line of stderr.trimEnd().split("\n")) expect(line).toMatch(/^[a-z].* \.\.\.$/);
  expect(stderr).not.toMatch(/[^\P{Cc}\n]/u);
});

test("--quiet says nothing of it, and an error stands alone", async () => {
  writeFileSync(
    join(folder, "score.mjs"),
    'export const init = () => { throw new Error("no model"); };\nexport const run = 1;\n',
  );
  for (const quiet of [[], ["--quiet"]]) {
    const { output, code } = await runInTerminal([...command(), ...quiet], { env: { NO_COLOR: "1" } });
    const shown = output.split("\n").map((line) => line.split("\r\u001b[2K").at(-1));
    expect(shown).toEqual([expect.stringMatching(/^scorefn build: error: the build does not work: /), ""]);
    if (quiet.length > 0) expect(output).not.toContain("\u001b");
    expect(code).toBe(1);
  }
});
