import type { ErrorDetail } from "../config/config.ts";
import { ERROR_CODES, ScoreError, toScoreError } from "../core/errors.ts";
import { contractHeaders, type Header, messageHeaders, type RequestIds, resultHeaders } from "../core/headers.ts";
import type { HeaderList, RunOutcome, ScoreResponse } from "../core/types.ts";
import { renderPythonJson } from "../json/renderer.ts";

/** What every answer of a server has in common. */
export interface ResponseSettings {
  /** Value of `x-ms-server-version`; null: not sent. */
  readonly serverVersion: string | null;
  readonly errorDetail: ErrorDetail;
}

/** Header of every answer that tells of an error: its code. */
const ERROR_CODE = "x-ms-error-code";

/** The answer to a request that failed: `{"message": …}`, with the member `error` where the setting allows it. */
export function errorResponse(error: ScoreError, ids: RequestIds, settings: ResponseSettings): ScoreResponse {
  const { status, text, detail } = ERROR_CODES[error.code];
  const body: Record<string, unknown> = { message: text ?? error.message };
  if (detail && settings.errorDetail !== "none") body.error = errorMember(error, settings.errorDetail, ids);
  return toldError(error, ids, settings, status || UNAVAILABLE, renderPythonJson(body));
}

/** An answer that tells of an error, in whatever words. @param body JSON */
export function toldError(
  error: ScoreError,
  ids: RequestIds,
  { serverVersion }: ResponseSettings,
  status: number,
  body: string,
): ScoreResponse {
  const headers = messageHeaders(ids, serverVersion, ERROR_CODES[error.code].runFailed);
  headers.push([ERROR_CODE, error.code]);
  if (error.retryAfterSeconds !== undefined) headers.push(["Retry-After", String(error.retryAfterSeconds)]);
  const response = {
    status,
    headers,
    body,
    errorCode: error.code,
    trace: ids.trace,
  };
  return error.ran === undefined ? response : { ...response, ran: error.ran };
}

/** Status of what only ends a command, where a host stays up instead. */
export const UNAVAILABLE = 503;

/** What the client may know of a failure (contract ERR-11). */
export function errorMember(error: ScoreError, detail: ErrorDetail, ids?: RequestIds): Record<string, unknown> {
  const { code, report } = error;
  const member: Record<string, unknown> = {
    code,
    ...(ids && { requestId: ids.requestId }),
    type: report?.type ?? error.name,
    message: report?.message ?? error.message,
    location: report?.location ?? null,
  };
  if (detail === "full") member.traceback = report?.traceback ?? error.stack ?? error.message;
  return member;
}

/** The script built a response that cannot be sent. */
export function badResponse(error: unknown): ScoreError {
  const { message } = toScoreError(error);
  const report = { type: "TypeError", message, traceback: `TypeError: ${message}`, location: null };
  return new ScoreError("ERR_SCRIPT_RUN", message, { cause: error, report });
}

/** The answer of a run() that returned a value. */
export function resultResponse(
  outcome: Extract<RunOutcome, { readonly kind: "json" }>,
  ids: RequestIds,
  { serverVersion }: ResponseSettings,
): ScoreResponse {
  const headers = resultHeaders(ids, serverVersion, outcome.execMs);
  return { status: 200, headers, body: outcome.body, ran: outcome, trace: ids.trace };
}

/** An answer without JSON: liveness, OPTIONS. */
export function textResponse(
  body: string,
  ids: RequestIds,
  settings: ResponseSettings,
  more: HeaderList = [],
): ScoreResponse {
  const headers: Header[] = [["Content-Type", "text/html; charset=utf-8"], ...more];
  headers.push(...contractHeaders(ids, settings.serverVersion));
  return { status: 200, headers, body, trace: ids.trace };
}
