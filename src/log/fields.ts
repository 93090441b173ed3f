import type { LogFields } from "../core/log.ts";
import type { RecordFields } from "../core/record-fields.ts";
import { roundMs } from "../core/round.ts";
import type { Trace } from "../core/trace.ts";
import { readTraceparent } from "../core/traceparent.ts";
import type { ErrorLocation, HeaderList, RunCall, ScoreRequest, ScoreResponse } from "../core/types.ts";
import { lengthOf } from "./format.ts";

/** What a record of a failure says of it. */
export function errorFields(code: string, type: string, location: ErrorLocation | null | undefined): LogFields {
  const { file, line, column, function: within } = location ?? {};
  return { error: { code, type, location: file === undefined ? undefined : { file, line, column, function: within } } };
}

/** The ids of a request, as records name them. */
interface RequestFields extends LogFields {
  readonly request_id: string | undefined;
  readonly client_request_id: string | undefined;
  readonly trace_id: string | undefined;
  readonly span_id: string | undefined;
}

/** What each record about a request says of it. Empty ids are none.
 *  @param headers lower-case names
 *  @param own its trace, where the server keeps one; otherwise its caller's counts */
export function requestFields(
  requestId: string,
  clientRequestId: string,
  { traceparent }: Readonly<Record<string, string>>,
  own?: Trace,
): RequestFields {
  const trace = own ?? (traceparent === undefined ? undefined : readTraceparent(traceparent.trim()));
  return {
    request_id: requestId || undefined,
    client_request_id: clientRequestId || undefined,
    trace_id: trace?.traceId,
    span_id: trace?.spanId,
  };
}

/** What a call of run() knows of its request's ids. */
export type CallIds = Pick<RunCall, "requestId" | "trace" | "headers">;

/** The same for what the script writes meanwhile. */
export function callFields({ requestId, trace, headers }: CallIds): RequestFields {
  const clientRequestId = headers["x-ms-client-request-id"] || headers["x-ms-request-id"] || "";
  return requestFields(requestId, clientRequestId, headers, trace);
}

/** The same for the record of what was sent, with what is known then. The ids are those of the answer.
 *  @param bytes of the body */
function ncsaFields(
  { method, headers }: Pick<ScoreRequest, "method" | "headers">,
  { status, headers: sent, trace }: Pick<ScoreResponse, "status" | "headers" | "trace">,
  bytes: number,
): LogFields {
  const ids = requestFields(sentAs(sent, "x-request-id"), sentAs(sent, "x-ms-client-request-id"), headers, trace);
  const { request_id, client_request_id, trace_id, span_id } = ids;
  return { request_id, client_request_id, trace_id, span_id, method, status, bytes };
}

export const JSON_FIELDS: RecordFields = {
  ofRequest: ({ headers }, ids, code) => ({
    ...requestFields(ids.requestId, ids.clientRequestId, headers, ids.trace),
    error: code && { code },
  }),
  ofFailure: ({ request, ids, failure: { code, name, report } }) => ({
    ...JSON_FIELDS.ofRequest(request, ids),
    ...errorFields(code, report?.type ?? name, report?.location),
  }),
  ofAnswer({ request, ids, route, response, startedAt, endedAt }) {
    const { ran, status } = response;
    const of = requestFields(ids.requestId, ids.clientRequestId, request.headers, ids.trace);
    // Name by name, for it is made for each request, and spreading takes ten times as long.
    return {
      request_id: of.request_id,
      client_request_id: of.client_request_id,
      trace_id: of.trace_id,
      span_id: of.span_id,
      method: request.method,
      route,
      status,
      bytes: lengthOf(response),
      queue_ms: ran?.queueMs && roundMs(ran.queueMs),
      run_ms: ran && roundMs(ran.execMs),
      total_ms: roundMs(endedAt - startedAt),
      worker: ran?.worker,
    };
  },
  ofSent: ncsaFields,
  ofCall: callFields,
  ofError: errorFields,
};

function sentAs(sent: HeaderList, wanted: string): string {
  for (const [name, value] of sent) if (name === wanted) return value;
  return "";
}
