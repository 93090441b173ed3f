// A command that is run while the script is served on a free port: somebody's own tests, for example.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { createHttpServer } from "../adapters/http/index.ts";
import type { Environment } from "../src/host.ts";
import type { CommandResult } from "./run.ts";
import type { RunningScript } from "./targets/script.ts";

/** How long running requests may take when the command has ended, in milliseconds. */
const STOP_MS = 2_000;

/** What a shell adds to the number of the signal that has ended a program. */
const SIGNAL_BASE = 128;

/** Exit code of a program that cannot be started. */
const NOT_STARTED = 1;

export interface CommandOptions {
  readonly command: readonly string[];
  readonly env: Environment;
  /** The command's stdout goes to our stderr, as a report goes to stdout. */
  readonly isStdoutTaken: boolean;
}

/** Serves the script on the loopback address while the command runs, which is told where. */
export async function runWithServer({ service }: RunningScript, options: CommandOptions): Promise<CommandResult> {
  const { config, log, scorer } = service;
  const server = createHttpServer(scorer, config, log);
  const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
  try {
    return await runCommand(`http://127.0.0.1:${port}`, port, options);
  } finally {
    await server.close(STOP_MS);
  }
}

/** @param url where the script is served */
export async function runCommand(
  url: string,
  port: number | string,
  { command, env, isStdoutTaken }: CommandOptions,
): Promise<CommandResult> {
  const [file = "", ...args] = command;
  const from = performance.now();
  const child = spawn(file, args, {
    stdio: ["inherit", isStdoutTaken ? 2 : "inherit", "inherit"],
    env: { ...env, SCORE_URL: url, SCORE_PORT: String(port) },
  });
  // A terminal sends Ctrl+C to the command as well; others send it to us alone.
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of PASSED) process.on(signal, pass);
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (exit, signal) => resolve(exit ?? SIGNAL_BASE + constants.signals[signal ?? "SIGTERM"]));
    });
    const message = `${file} ended with exit code ${code}`;
    const findings = code === 0 ? [] : [{ rule: "command", level: "error", message } as const];
    return { code, result: { name: command.join(" "), ms: performance.now() - from, findings } };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? `there is no program ${file}` : message;
    const finding = {
      rule: "command",
      level: "error",
      message: why,
      cure: "name a program behind --, and its words",
    } as const;
    return {
      code: NOT_STARTED,
      result: { name: command.join(" "), ms: performance.now() - from, findings: [finding] },
    };
  } finally {
    for (const signal of PASSED) process.off(signal, pass);
  }
}

const PASSED = ["SIGINT", "SIGTERM"] as const;
