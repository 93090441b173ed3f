// How the protocols of models tell of errors.
import { ERROR_CODES, type ScoreError } from "../../core/errors.ts";
import { renderPythonJson } from "../../json/renderer.ts";
import { type ResponseSettings, toldError, UNAVAILABLE } from "../../routes/respond.ts";
import type { TellError } from "../../routes/route.ts";
import { UNREADABLE } from "../types.ts";

/** Open Inference Protocol: `{"error": …}`. */
export const tellInference: TellError = (error, ids, settings) =>
  toldError(
    error,
    ids,
    settings,
    statusOf(error),
    JSON.stringify({ error: SHORT[error.code] ?? textOf(error, settings) }),
  );

/** MLflow's server: `{"error_code": …, "message": …}`; what its web framework refuses has one member alone. */
export const tellInvocations: TellError = (error, ids, settings) => {
  const status = statusOf(error);
  const short = SHORT[error.code];
  const body =
    short === undefined
      ? renderPythonJson({ error_code: codeOf(error, status), message: textOf(error, settings) })
      : JSON.stringify({ detail: short });
  return toldError(error, ids, settings, status, body);
};

/** What servers of both protocols say of a path. Where a model is not found the message says which. */
const SHORT: Readonly<Partial<Record<ScoreError["code"], string>>> = { ERR_METHOD: "Method Not Allowed" };

const GATEWAY_TIMEOUT = 504;

function statusOf({ code, status }: ScoreError): number {
  // The reference server's 500 is a score script's alone.
  return code === "ERR_SCORE_TIMEOUT" ? GATEWAY_TIMEOUT : status || UNAVAILABLE;
}

const NOT_LOADED = ERROR_CODES.ERR_MODEL_LOAD.text;
const FAILED = "An unexpected error occurred in the model. Check the logs for more info.";

/** A failure of the model is told where the setting allows it. */
function textOf(error: ScoreError, { errorDetail }: ResponseSettings): string {
  const { text, detail } = ERROR_CODES[error.code];
  if (detail && errorDetail !== "none") return error.report?.message || error.message;
  if (text === null) return error.message;
  // Those of score scripts say so.
  if (text === ERROR_CODES.ERR_SCRIPT_LOAD.text) return NOT_LOADED!;
  return text === ERROR_CODES.ERR_SCRIPT_RUN.text ? FAILED : text;
}

/** As MLflow's own errors are called. */
const MLFLOW_CODES: Readonly<Record<number, string>> = {
  413: "RESOURCE_EXHAUSTED",
  500: "INTERNAL_ERROR",
  503: "TEMPORARILY_UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

function codeOf({ code, report }: ScoreError, status: number): string {
  return code === "ERR_BAD_INPUT" && report?.type !== UNREADABLE
    ? "INVALID_PARAMETER_VALUE"
    : (MLFLOW_CODES[status] ?? "BAD_REQUEST");
}
