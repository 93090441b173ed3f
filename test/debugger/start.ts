import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageFile } from "../../src/core/package-root.ts";
import { freePort, type RunningServer, startServer } from "../setup/server.ts";
import { DEADLINE_MS, SCRIPTS } from "../setup/service.ts";

/** Starts `scorefn serve` with a debugged script, and with limits that a stay at a breakpoint would break. */
export async function startDebugged(script: string, env: NodeJS.ProcessEnv): Promise<RunningServer> {
  const port = await freePort();
  const flags = ["--entry_script", join(SCRIPTS, script), "--host", "127.0.0.1", "--port", String(port)];
  return startServer({
    command: process.execPath,
    args: [packageFile("dist/adapters/cli/scorefn.js"), "serve", ...flags, "--worker_count", "2"],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, SCORING_TIMEOUT_MS: "100", WORKER_TIMEOUT: "1", ...env },
    port,
  });
}

/** Longer than the scoring deadline and the grace of a worker that does not come back after it, in milliseconds. */
export const AT_BREAKPOINT_MS = 2_500;

/** @param type of the body; without one it is text */
export function post(url: string, body: string, type?: string): Promise<Response> {
  const headers = type === undefined ? {} : { "Content-Type": type };
  return fetch(`${url}/score`, { method: "POST", headers, body, signal: AbortSignal.timeout(DEADLINE_MS) });
}

/** Number of the line that contains `text`, from 1. */
export function lineOf(script: string, text: string): number {
  const lines = readFileSync(join(SCRIPTS, script), "utf8").split("\n");
  return lines.findIndex((line) => line.includes(text)) + 1;
}
