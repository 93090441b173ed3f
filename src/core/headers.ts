import type { Trace } from "./trace.ts";

/** Longest request id that is taken, in characters (contract HDR-7). */
export const MAX_ID_LENGTH = 100;

export const REQUEST_ID_TOO_LONG: string = `x-request-id must not exceed ${MAX_ID_LENGTH} characters`;
export const CLIENT_ID_TOO_LONG: string = `x-ms-request-id and x-ms-client-request-id must not exceed ${MAX_ID_LENGTH} characters`;

/** The log record of contract HDR-8. */
export const DEPRECATED_ID_WARNING: string =
  "x-ms-request-id header has been deprecated and will be removed from future versions of the server. " +
  "Please use x-ms-client-request-id.";

export type Header = readonly [name: string, value: string];

/** What a request is called on its way back. An empty id is not sent (contract HDR-6). */
export interface RequestIds {
  readonly requestId: string;
  readonly msRequestId: string;
  readonly clientRequestId: string;
  /** Undefined when the request has none; an empty one is echoed. */
  readonly traceId: string | undefined;
  /** The message of the 431 that this request gets (contract HDR-7). */
  readonly tooLong: string | undefined;
  /** True when `DEPRECATED_ID_WARNING` is to be logged. */
  readonly deprecatedId: boolean;
  /** Undefined: the request is not traced here. */
  readonly trace?: Trace | undefined;
}

/** Works out the ids of a request (contract HDR-3 to HDR-9).
 *  @param headers lower-case names, values trimmed, repeats joined
 *  @param newId gives a fresh lower-case GUID; called only when the request has no `x-request-id` */
export function resolveIds(headers: Readonly<Record<string, string>>, newId: () => string, trace?: Trace): RequestIds {
  const traceId = headers.traceid;
  const ownId = headers["x-request-id"];
  if (ownId !== undefined && ownId.length > MAX_ID_LENGTH) {
    return {
      requestId: "",
      msRequestId: "",
      clientRequestId: "",
      traceId,
      tooLong: REQUEST_ID_TOO_LONG,
      deprecatedId: false,
      trace,
    };
  }
  const requestId = ownId ?? newId();
  const msId = headers["x-ms-request-id"] ?? "";
  const clientId = headers["x-ms-client-request-id"] ?? "";
  const deprecatedId = msId !== "";
  if (msId.length > MAX_ID_LENGTH || clientId.length > MAX_ID_LENGTH) {
    const tooLong = CLIENT_ID_TOO_LONG;
    return { requestId, msRequestId: "", clientRequestId: "", traceId, tooLong, deprecatedId, trace };
  }
  return {
    requestId,
    msRequestId: msId || clientId || requestId,
    clientRequestId: clientId || msId,
    traceId,
    tooLong: undefined,
    deprecatedId,
    trace,
  };
}

/** Headers of a known route that need no more than the ids: liveness, OPTIONS.
 *  @param serverVersion null or empty: `x-ms-server-version` is not sent
 *  @returns a new list, the caller's to add to */
export function contractHeaders(ids: RequestIds, serverVersion: string | null): Header[] {
  const headers: Header[] = [];
  pushContractHeaders(headers, ids, serverVersion);
  return headers;
}

/** Headers of a plain result of run().
 *  @param execMs milliseconds run() took */
export function resultHeaders(ids: RequestIds, serverVersion: string | null, execMs: number): Header[] {
  const headers: Header[] = [JSON_TYPE, NOT_FAILED, [EXEC_MS, formatMs(execMs)]];
  pushContractHeaders(headers, ids, serverVersion);
  return headers;
}

/** Headers of a JSON answer that is not a result of run(): errors and swagger.
 *  @param runFailed true for what contract HDR-11 blames on the script */
export function messageHeaders(ids: RequestIds, serverVersion: string | null, runFailed: boolean): Header[] {
  const headers: Header[] = [JSON_TYPE, runFailed ? FAILED : NOT_FAILED];
  pushContractHeaders(headers, ids, serverVersion);
  return headers;
}

/** Milliseconds with exactly three decimals (contract HDR-10, LOG-9). */
export function formatMs(milliseconds: number): string {
  return milliseconds.toFixed(3);
}

export const EXEC_MS = "x-ms-run-fn-exec-ms";
export const RUN_FAILED = "x-ms-run-function-failed";
export const SERVER_VERSION = "x-ms-server-version";
export const REQUEST_ID = "x-request-id";
export const MS_REQUEST_ID = "x-ms-request-id";
export const CLIENT_REQUEST_ID = "x-ms-client-request-id";
export const TRACE_ID = "TraceId";

const JSON_TYPE: Header = ["Content-Type", "application/json"];
export const NOT_FAILED: Header = [RUN_FAILED, "False"];
export const FAILED: Header = [RUN_FAILED, "True"];

function pushContractHeaders(headers: Header[], ids: RequestIds, serverVersion: string | null): void {
  if (serverVersion) headers.push([SERVER_VERSION, serverVersion]);
  if (ids.requestId !== "") headers.push([REQUEST_ID, ids.requestId]);
  if (ids.msRequestId !== "") headers.push([MS_REQUEST_ID, ids.msRequestId]);
  if (ids.clientRequestId !== "") headers.push([CLIENT_REQUEST_ID, ids.clientRequestId]);
  if (ids.traceId !== undefined) headers.push([TRACE_ID, ids.traceId]);
}
