import { existsSync } from "node:fs";
import type { Config } from "./config.ts";
import type { Log } from "./log/logger.ts";
import { createSwaggerBook } from "./swagger/generate.ts";

/** Writes what the log says of a script's start besides the script's own records (contract BAN-8, LOAD-13). */
export interface StartupLog {
  /** Before the script is loaded. */
  starting(): void;
  /** When init() is done. @param pid the process that serves it */
  ready(pid: number): void;
}

const REMOVED_VARIABLES = ["AML_DBG_MODEL_INFO", "AML_DBG_RESOURCE_INFO"];

export function createStartupLog(config: Config, log: Log): StartupLog {
  return {
    starting() {
      const { modelDir } = config;
      if (log.file !== null) log.server.info(`Loaded logging config from ${log.file.path}`);
      log.line("Initializing logger");
      log.server.info("Starting up app insights client");
      if (modelDir === null || modelDir === "" || !existsSync(modelDir)) {
        log.trace.warning(`Model directory is not set or does not exist: ${modelDir ?? ""}`);
      }
    },
    ready(pid) {
      if (REMOVED_VARIABLES.some((name) => name in config.workerEnv)) {
        log.server.warning(
          "The debuggability features have been removed. If you have a use case for them please reach out to us.",
        );
      }
      log.swagger.info(createSwaggerBook(config).summary);
      log.server.info(`Scoring timeout is set to ${config.scoringTimeoutMs}`);
      log.server.info(`Worker with pid ${pid} ready for serving traffic`);
    },
  };
}
