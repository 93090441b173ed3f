import { fileURLToPath } from "node:url";
import { packageFile } from "../../src/core/package-root.ts";
import { environment } from "../setup/environments.mjs";
import { freePort, type RunningServer, startServer } from "../setup/server.ts";
import { SCRIPTS } from "../setup/service.ts";

const COMMAND = packageFile("dist/adapters/cli/azmlinfsrv.js");
/** It has what the declared script imports. */
const python = environment("azmlinfsrv");

export interface FuzzedScript {
  readonly what: string;
  readonly script: string;
  /** The request body that is answered `{"sum": 6}`. */
  readonly good: string;
  /** Why it cannot be run here. */
  readonly unavailable?: string;
}

const good = '{"data": [1, 2, 3]}';

/** One script for each way in which a body reaches run(). */
export const fuzzedScripts: readonly FuzzedScript[] = [
  { what: "Python, string mode", script: "sums.py", good },
  { what: "Python, declared input", script: "sums_declared.py", good, ...("unavailable" in python && python) },
  { what: "TypeScript", script: "sums.ts", good },
];

export interface FuzzedServer extends RunningServer {
  readonly port: number;
}

export async function startFuzzed(script: string, env: Readonly<Record<string, string>> = {}): Promise<FuzzedServer> {
  const port = await freePort();
  const server = startServer({
    command: process.execPath,
    args: [COMMAND, "--entry_script", script, "--port", String(port), "--host", "127.0.0.1", "--error_detail", "none"],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...("python" in python && { SCOREFN_PYTHON: python.python }),
      ...env,
    },
    cwd: fileURLToPath(new URL(`file://${SCRIPTS}/`)),
    port,
  });
  await server.waitReady();
  return Object.assign(server, { port });
}
