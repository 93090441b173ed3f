// Runs a program that makes something, and tells what it says.
import { spawn } from "node:child_process";
import type { Environment } from "../../src/host.ts";

export interface ProgramRun {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Environment;
  readonly onLine: (line: string) => void;
}

export interface ProgramEnd {
  readonly isGood: boolean;
  /** Last lines of what it said; for one that did not start, why. */
  readonly lines: readonly string[];
}

/** Lines that are kept: pip's words on a build that fails take some 80. */
const MAX_LINES = 400;
/** Characters of a line that count: progress bars have no end. */
const MAX_LINE = 2_000;
/** How long a program may take to end when it is asked to, in milliseconds. */
const END_MS = 5_000;

/** @returns how it ended, when all of its processes that hold its output have   @throws the signal's reason when it aborts */
export async function runProgram(
  { file, args, cwd, env, onLine }: ProgramRun,
  signal: AbortSignal,
): Promise<ProgramEnd> {
  signal.throwIfAborted();
  const lines: string[] = [];
  const isGood = await new Promise<boolean>((resolve) => {
    // A group of its own: pip has others do its work, which must end with it.
    const detached = process.platform !== "win32";
    const child = spawn(file, args, { cwd, env: { ...env }, stdio: ["ignore", "pipe", "pipe"], detached });
    const kill = (how: NodeJS.Signals): void => {
      try {
        if (detached && child.pid !== undefined) process.kill(-child.pid, how);
        else child.kill(how);
      } catch {
        // It has ended meanwhile.
      }
    };
    let timer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      kill("SIGTERM");
      timer = setTimeout(() => {
        kill("SIGKILL");
        // Something that has left the group may hold the output still.
        timer = setTimeout(() => {
          child.stdout.destroy();
          child.stderr.destroy();
          ended(false);
        }, END_MS);
      }, END_MS);
    };
    signal.addEventListener("abort", stop, { once: true });
    const ended = (good: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      resolve(good);
    };
    const add = (line: string): void => {
      if (line.trim() === "") return;
      lines.push(line);
      if (lines.length > MAX_LINES) lines.shift();
      onLine(line);
    };
    for (const stream of [child.stdout, child.stderr]) {
      let rest = "";
      stream.setEncoding("utf8").on("data", (text: string) => {
        const parts = (rest + text).split(/\r\n|\r|\n/);
        rest = parts.pop()!.slice(0, MAX_LINE);
        for (const part of parts) add(part.slice(0, MAX_LINE));
      });
      stream.on("end", () => add(rest));
    }
    child.on("error", (error) => {
      lines.push(`${file} cannot be started: ${error.message}`);
      ended(false);
    });
    child.on("close", (code) => ended(code === 0));
  });
  signal.throwIfAborted();
  return { isGood, lines };
}
