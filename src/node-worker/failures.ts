// What a worker says of itself when it cannot serve its script.
import type { ScoreError } from "../core/errors.ts";
import type { ErrorReport } from "../core/types.ts";
import { type Failed, PROTOCOL_VERSION } from "../protocol/messages.ts";

export function wrongProtocol(theirs: number): Failed {
  const message = `the server speaks worker protocol ${theirs}, this worker ${PROTOCOL_VERSION}`;
  return { stage: "protocol", error: { type: "FrameError", message, traceback: message, location: null }, records: [] };
}

export function wrongLogging(error: Error): Failed {
  const report = plainReport(error);
  return {
    stage: "load",
    error: report,
    records: [{ level: "CRITICAL", message: `Invalid config file!: ${report.message}` }],
  };
}

/** @param stage where it happened; a script of the wrong shape is found while loading */
export function scriptFailure(stage: Failed["stage"], failure: ScoreError): Failed {
  const found = failure.code === "ERR_SCRIPT_SHAPE" ? "shape" : stage;
  return { stage: found, error: failure.report ?? plainReport(failure), records: recordsOf(found, failure) };
}

/** The records of contract LOAD-9, LOAD-11 and INIT-2. */
function recordsOf(stage: Failed["stage"], failure: ScoreError): Failed["records"] {
  const traceback = failure.report?.traceback ?? failure.message;
  if (stage === "init") {
    const text = `Encountered Exception ${traceback}\nCaught an unhandled exception from the user script`;
    return [
      { level: "ERROR", message: "User's init function failed" },
      { level: "ERROR", message: text },
    ];
  }
  const last = stage === "load" ? "\nFailed to import user script because it raised an unhandled exception" : "";
  return [{ level: "ERROR", message: `${traceback}${last}` }];
}

export function plainReport(error: Error): ErrorReport {
  return { type: error.name, message: error.message, traceback: error.stack ?? error.message, location: null };
}
