// A command that is run while the script is served on a free port: somebody's own tests, for example.
import { type ChildProcess, spawn } from "node:child_process";
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
  const name = command.join(" ");
  const from = performance.now();
  let child: ChildProcess | undefined;
  const pass = (signal: NodeJS.Signals): void => {
    if (signal !== "SIGINT" || !hasTerminal()) child?.kill(signal);
  };
  for (const signal of PASSED) process.on(signal, pass);
  try {
    child = spawn(file, args, {
      stdio: ["inherit", isStdoutTaken ? 2 : "inherit", "inherit"],
      env: { ...env, SCORE_URL: url, SCORE_PORT: String(port) },
    });
    const code = await exitCodeOf(child);
    const message = `${file} ended with exit code ${code}`;
    const findings = code === 0 ? [] : [{ rule: "command", level: "error", message } as const];
    return { code, result: { name, ms: performance.now() - from, findings } };
  } catch (error) {
    const message = notStarted(file, error as NodeJS.ErrnoException);
    const cure = "name a program behind --, and its words";
    const finding = { rule: "command", level: "error", message, cure } as const;
    return { code: NOT_STARTED, result: { name, ms: performance.now() - from, findings: [finding] } };
  } finally {
    for (const signal of PASSED) process.off(signal, pass);
  }
}

/** What we pass on to the command, and then wait for its end, so that the server outlives it. */
const PASSED = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A terminal sends Ctrl+C to the command itself; one more would cut its end short. */
function hasTerminal(): boolean {
  return [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
}

/** @throws Error when it cannot be started */
function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (exit, signal) => resolve(exit ?? SIGNAL_BASE + constants.signals[signal ?? "SIGTERM"]));
  });
}

function notStarted(file: string, { code, message }: NodeJS.ErrnoException): string {
  if (file === "") return "the name of the program is empty";
  if (code === "ENOENT") return `there is no program ${file}`;
  return code === "EACCES" ? `${file} is no program that may be run` : `${file} cannot be started: ${message}`;
}
