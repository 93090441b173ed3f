// `scorefn check` as it is typed, in folders of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { packageFile } from "../../../../src/core/package-root.ts";
import { DEADLINE_MS } from "../../../setup/deadline.ts";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export const PROGRAM: string = packageFile("dist/adapters/cli/scorefn.js");

/** Variables of CI systems, which the machine that runs this may have. */
const NOT_CI = [
  "GITHUB_ACTIONS",
  "GITHUB_STEP_SUMMARY",
  "GITHUB_WORKSPACE",
  "TF_BUILD",
  "BUILD_SOURCESDIRECTORY",
  "CI_PROJECT_DIR",
  "FORCE_COLOR",
];

/** A folder with files; removed when the test is over. */
export function project(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "scorefn-check-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

export const textOf = (folder: string, name: string): string => readFileSync(join(folder, name), "utf8");

/** Runs it to its end. */
export function check(folder: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended> {
  return startCheck(folder, args, env).ended;
}

export interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
}

export function startCheck(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Started {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_CI.includes(name)));
  const child = spawn(process.execPath, [PROGRAM, "check", ...args], {
    cwd: folder,
    env: { ...clean, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: DEADLINE_MS,
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject).once("close", (code) => resolve({ code, stdout, stderr }));
  });
  return { process: child, ended };
}
