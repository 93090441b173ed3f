import { existsSync } from "node:fs";
import type { Config } from "./config/config.ts";
import type { Events } from "./core/events.ts";
import type { Log } from "./core/log.ts";
import type { Cors } from "./routes/cors.ts";
import { swaggerSummary } from "./swagger/served.ts";

const REMOVED_VARIABLES = ["AML_DBG_MODEL_INFO", "AML_DBG_RESOURCE_INFO"];

/** The settings that the records of a start show. */
export type StartSettings = Omit<Config, "workerEnv"> & Partial<Pick<Config, "workerEnv">>;

/** Writes the records of a script's start, apart from the script's own (contract BAN-8, LOAD-13). */
export function createStartupLog(
  config: StartSettings,
  log: Log,
  cors?: Cors,
): Pick<Events, "scriptStarting" | "scriptReady"> {
  return {
    scriptStarting() {
      const { model, modelDir, modelUri } = config;
      if (log.file !== null) log.server.info(`Loaded logging config from ${log.file.path}`);
      log.line("Initializing logger");
      log.server.info("Starting up app insights client");
      if (model === null && modelUri === null && (modelDir === null || modelDir === "" || !existsSync(modelDir))) {
        log.trace.warning(`Model directory is not set or does not exist: ${modelDir ?? ""}`);
      }
      cors?.tell(log.server);
    },
    scriptReady({ pid, facts: { schemas } }) {
      if (REMOVED_VARIABLES.some((name) => name in (config.workerEnv ?? {}))) {
        log.server.warning(
          "The debuggability features have been removed. If you have a use case for them please reach out to us.",
        );
      }
      for (const { version, path } of config.swaggerFiles) {
        log.swagger.info(`Loaded user's swagger file for version [${version}] from ${path}`);
      }
      log.swagger.info(swaggerSummary({ ...config, schemas }));
      log.server.info(`Scoring timeout is set to ${config.scoringTimeoutMs}`);
      log.server.info(`Worker with pid ${pid} ready for serving traffic`, { worker: pid });
    },
  };
}
