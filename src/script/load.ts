import type { Config } from "../config.ts";
import { ScoreError } from "../errors.ts";
import type { Log } from "../log/logger.ts";
import { packageFile } from "../package-root.ts";
import { createStartupLog } from "../startup.ts";
import type { ScoreRuntime } from "../types.ts";
import { PRODUCT } from "../version.ts";
import { findPython, pythonNotFound } from "../worker/interpreter.ts";
import { type PoolOptions, WorkerPool } from "../worker/pool.ts";
import type { WorkerCommand } from "../worker/process.ts";
import { InProcessRuntime } from "./in-process.ts";

const JAVASCRIPT = /\.[cm]?[jt]sx?$/;

/** True for scripts that run in Node; everything else, and no script at all (contract LOAD-2), is Python's. */
export function isJavaScript(entryScript: string | null): entryScript is string {
  return entryScript !== null && JAVASCRIPT.test(entryScript);
}

/** The runtime for the configured script, chosen by its extension and by `scriptHost`; not started yet.
 *  @throws ScoreError `ERR_PYTHON_NOT_FOUND` */
export function createRuntime(config: Config, log: Log, pool: Pick<PoolOptions, "restart"> = {}): ScoreRuntime {
  const { appRoot, entryScript, modelDir, scoringTimeoutMs, maxQueue } = config;
  const startup = createStartupLog(config, log);
  if (config.scriptHost === "in-process" && isJavaScript(entryScript)) {
    return new InProcessRuntime({ entryScript, appRoot, modelDir, scoringTimeoutMs, maxQueue }, log, startup);
  }
  const { sourceDirectory, logLevel, workerConcurrency } = config;
  return new WorkerPool(
    {
      command: isJavaScript(entryScript) ? nodeCommand(config) : pythonCommand(config),
      start: {
        server: PRODUCT,
        appRoot,
        entryScript,
        sourceDirectory,
        modelDir,
        concurrency: workerConcurrency,
        logLevel,
        logging: log.file?.forWorkers ?? null,
      },
      workerCount: config.workerCount,
      scoringTimeoutMs,
      workerTimeoutMs: config.workerTimeoutMs,
      maxQueue,
      queueTimeoutMs: config.queueTimeoutMs,
      ...pool,
    },
    log,
    startup,
  );
}

function nodeCommand(config: Config): WorkerCommand {
  return {
    file: process.execPath,
    args: [packageFile("dist/src/worker/node-worker.js")],
    env: config.workerEnv,
    // A signal cannot reach a JavaScript function that runs.
    nudgeSignal: null,
    onMissing: (cause) =>
      new ScoreError("ERR_INTERNAL", `cannot start ${process.execPath}: ${cause.message}`, { cause }),
  };
}

function pythonCommand(config: Config): WorkerCommand {
  const python = findPython({ python: config.python, env: config.workerEnv });
  return {
    file: python,
    args: [packageFile("python/worker.py")],
    env: config.workerEnv,
    nudgeSignal: "SIGUSR1",
    onMissing: (cause) => pythonNotFound([python], cause),
  };
}
