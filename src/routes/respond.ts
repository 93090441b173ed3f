import type { ErrorDetail } from "../config/config.ts";
import { ERROR_CODES, type ScoreError } from "../core/errors.ts";
import {
  contractHeaders,
  type Header,
  mergeScriptHeaders,
  messageHeaders,
  type RequestIds,
  resultHeaders,
} from "../core/headers.ts";
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
  const { status, text, runFailed, detail } = ERROR_CODES[error.code];
  const body: Record<string, unknown> = { message: text ?? error.message };
  if (detail && settings.errorDetail !== "none") body.error = errorMember(error, settings.errorDetail, ids);
  const headers = messageHeaders(ids, settings.serverVersion, runFailed);
  headers.push([ERROR_CODE, error.code]);
  if (error.retryAfterSeconds !== undefined) headers.push(["Retry-After", String(error.retryAfterSeconds)]);
  const response = {
    status: status || UNAVAILABLE,
    headers,
    body: renderPythonJson(body),
    errorCode: error.code,
    trace: ids.trace,
  };
  return error.ran === undefined ? response : { ...response, ran: error.ran };
}

/** Status of what only ends a command, where a host stays up instead. */
const UNAVAILABLE = 503;

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

/** The answer that run() earned. @throws TypeError when the script built a response that cannot be sent */
export function outcomeResponse(outcome: RunOutcome, ids: RequestIds, settings: ResponseSettings): ScoreResponse {
  const { serverVersion } = settings;
  const { trace } = ids;
  if (outcome.kind === "json") {
    return {
      status: 200,
      headers: resultHeaders(ids, serverVersion, outcome.execMs),
      body: outcome.body,
      ran: outcome,
      trace,
    };
  }
  const { status, headers, body, execMs, fromScript } = outcome;
  if (!fromScript) {
    const plain: HeaderList = [...headers, ["x-ms-run-function-failed", "False"]];
    return {
      status,
      headers: mergeScriptHeaders(plain, ids, serverVersion, status, execMs),
      body,
      ran: outcome,
      trace,
    };
  }
  checkScriptResponse(status, headers);
  const own = headers.filter(([name]) => !SERVER_OWNED.has(name.toLowerCase()));
  return { status, headers: mergeScriptHeaders(own, ids, serverVersion, status, execMs), body, ran: outcome, trace };
}

/** Headers that describe the connection or the body's framing, which is the host's business. */
const SERVER_OWNED: ReadonlySet<string> = new Set(["connection", "content-length", "keep-alive", "transfer-encoding"]);

// RFC 9110: a name is a token, a value has no control characters; what Node and the clouds take.
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function checkScriptResponse(status: number, headers: HeaderList): void {
  if (!Number.isInteger(status) || status < 200 || status > 999) {
    throw new TypeError(`run() returned a response with status ${status}; it must be a whole number from 200 to 999`);
  }
  for (const [name, value] of headers) {
    if (!HEADER_NAME.test(name))
      throw new TypeError(`run() returned a response with header name ${JSON.stringify(name)}`);
    if (!HEADER_VALUE.test(value)) {
      throw new TypeError(
        `run() returned header ${name} with characters that HTTP does not allow: ${JSON.stringify(value)}`,
      );
    }
  }
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
