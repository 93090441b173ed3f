import type { ScoreError, ScoreResponse } from "../src/host.ts";

/** Status of what only ends a command. */
const UNAVAILABLE = 503;

/** The answer to a request that failed, as the server of a script answers its own errors. */
export function errorAnswer({ status, code, message, retryAfterSeconds }: ScoreError): ScoreResponse {
  return {
    status: status || UNAVAILABLE,
    headers: [
      ["Content-Type", "application/json"],
      ["x-ms-error-code", code],
      ...(retryAfterSeconds === undefined ? [] : [["Retry-After", String(retryAfterSeconds)] as const]),
    ],
    body: JSON.stringify({ message }),
    errorCode: code,
  };
}
