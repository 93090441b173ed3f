import { ScoreError, ScriptInitError, ScriptLoadError, ScriptShapeError, WorkerExitError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { errorFields } from "../log/fields.ts";
import type { Failed } from "../protocol/messages.ts";
import { logModelDirectory } from "../script/model-directory.ts";

const FAILURE_CLASSES = {
  protocol: [ScriptLoadError, "ERR_PROTOCOL_VERSION"],
  load: [ScriptLoadError, "ERR_SCRIPT_LOAD"],
  model: [ScriptLoadError, "ERR_MODEL_LOAD"],
  shape: [ScriptShapeError, "ERR_SCRIPT_SHAPE"],
  init: [ScriptInitError, "ERR_SCRIPT_INIT"],
} as const;

/** Writes what a worker that failed to start wants logged, and gives its failure as an error. */
export function reportFailure(
  { stage, error: report, records }: Failed,
  modelDir: string | null,
  log: Log,
): ScoreError {
  const { server } = log;
  const [Failure, code] = FAILURE_CLASSES[stage];
  const fields = errorFields(code, report.type, report.location);
  for (const { level, message } of records) {
    if (level === "INFO") server.info(message, fields);
    else if (level === "WARNING") server.warning(message, fields);
    else if (level === "CRITICAL") server.critical(message, fields);
    else server.error(message, fields);
  }
  if (stage === "init") logModelDirectory(modelDir, server);
  // A model's is an error of ours, whose class says nothing.
  const isOurs = stage === "model" && report.type === ScriptLoadError.className;
  return new Failure(code, isOurs ? report.message : `${report.type}: ${report.message}`, { report });
}

/** What the requests fail with that a process had begun. */
export function toExit(error: ScoreError): WorkerExitError {
  return error instanceof WorkerExitError
    ? error
    : new WorkerExitError("ERR_WORKER_EXIT", error.message, { cause: error });
}

/** The failure of a process that ended while it loaded the script, without saying why. */
export function toStartFailure(exit: ScoreError): ScoreError {
  if (!(exit instanceof WorkerExitError)) return exit;
  return new ScoreError("ERR_WORKER_START", exit.message, { cause: exit, report: exit.report });
}
