// A server that is process 1 (of a container) becomes the parent of processes that score scripts leave behind, and Node
// cannot wait for processes that it has not started. Therefore the server is started once more below a small Python
// program that can, and this process only passes on signals and the exit code.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { type Flags, findPython, packageFile, resolveConfig } from "../../src/host.ts";
import { realPath } from "./real-path.ts";

const FORWARDED = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"] as const;

/** What a shell adds to the number of the signal that ended a program. */
const EXIT_BY_SIGNAL = 128;

/** Serves below a process that waits for orphans.
 *  @returns the exit code; undefined when the server is to run in this process, because that is not process 1 or because
 *  there is no Python (`docker run --init` does the same then) */
export async function serveBelowReaper(flags: Flags): Promise<number | undefined> {
  if (process.pid !== 1 || process.platform !== "linux") return undefined;
  let interpreter: string;
  try {
    const { config } = resolveConfig({ flags, realPath });
    interpreter = findPython({ python: config.python, env: config.workerEnv });
  } catch {
    // The process that serves reports settings that cannot be used.
    return undefined;
  }
  const server = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  // Isolated and without site packages: nothing of the user's is loaded, and it starts in a fraction of the time.
  const child = spawn(interpreter, ["-I", "-S", packageFile("python/process_one.py"), ...server], {
    // The last reports that the server has been started.
    stdio: ["inherit", "inherit", "inherit", "pipe"],
    // Ctrl+C reaches all processes of a terminal; the server must get it from here, and once.
    detached: true,
  });
  const handlers = FORWARDED.map((signal) => [signal, () => void child.kill(signal)] as const);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  let isStarted = false;
  child.stdio[3]!.once("data", () => {
    isStarted = true;
  });
  return new Promise((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (signal !== null) resolve(EXIT_BY_SIGNAL + constants.signals[signal]);
      else if (isStarted) resolve(code!);
      // An old Python, or one without ctypes.
      else giveUp();
    };
    const giveUp = (): void => {
      for (const [signal, handler] of handlers) process.off(signal, handler);
      resolve(undefined);
    };
    child.once("close", end).once("error", giveUp);
  });
}
