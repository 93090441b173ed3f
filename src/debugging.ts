import type { Config } from "./config/config.ts";
import type { Log } from "./core/log.ts";

/** Debuggers are looked for, and waited for, on this machine only: whoever reaches them runs any code. */
const HOST = "127.0.0.1";

/** The settings in effect while a worker is debugged: one worker, so that a breakpoint is hit whichever request comes, and
 *  no time limits, so that it may be sat at. Says so in one record.
 *  @returns the same configuration when no debugger is asked for */
export function forDebugger(config: Config, log: Log): Config {
  const { debugPort, workerCount, scriptHost } = config;
  if (debugPort === null) return config;
  if (scriptHost === "in-process") {
    log.server.warning(
      "AZUREML_DEBUG_PORT has no effect on a script that runs in the server's own process; start that with node --inspect.",
    );
    return config;
  }
  const workers = workerCount === 1 ? "" : `one worker instead of ${workerCount}, `;
  log.server.warning(
    `AZUREML_DEBUG_PORT is set: ${workers}no scoring deadline, and a debugger at ${HOST}:${debugPort}. Not for production.`,
  );
  return { ...config, workerCount: 1, workerPreload: false, scoringTimeoutMs: 0, workerTimeoutMs: 0 };
}

/** Arguments that make a Node worker open its inspector. */
export function inspectArgs(debugPort: number | null): readonly string[] {
  return debugPort === null ? [] : [`--inspect=${HOST}:${debugPort}`];
}
