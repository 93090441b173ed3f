// A front process to be killed, with one worker below it (test/fixtures/lifeline/front.mjs).
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { onTestFinished } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { until } from "./service.ts";

export interface Front {
  readonly process: ChildProcess;
  output(): string;
  /** Waits for a line of output. @returns its first group, or the line */
  says(pattern: RegExp): Promise<string>;
}

/** Starts a program whose output is looked at. When the test has ended it is killed, and so are `pid 123` of its output. */
export function startProgram(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd?: string): Front {
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  onTestFinished(() => {
    for (const [, pid] of output.matchAll(/^pid (\d+)$/gm)) kill(Number(pid));
    child.kill("SIGKILL");
  });
  return {
    process: child,
    output: () => output,
    async says(pattern) {
      await until(() => pattern.test(output), `${pattern} in ${JSON.stringify(output)}`);
      const [line, group] = pattern.exec(output)!;
      return group ?? line;
    },
  };
}

/** Starts a front with one worker. */
export function startFront(worker: readonly string[], env: NodeJS.ProcessEnv = {}): Front {
  return startProgram(process.execPath, [packageFile("test/fixtures/lifeline/front.mjs"), ...worker], env);
}

/** Sends SIGKILL to a process that may have ended. */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** True when the process has ended, though its parent may not have asked how. */
export function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return /^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return !isThere(pid);
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
