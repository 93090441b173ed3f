// The properties by which dashboards of the reference server find requests (contract TEL-4).
import type { AttributeValue } from "@opentelemetry/api";
import type { RequestAnswered } from "../core/events.ts";
import { roundMs } from "../core/round.ts";
import type { RunFacts } from "../core/types.ts";
import type { RequestRow } from "./app-insights-row.ts";
import { durationText, shortText, timeText } from "./app-insights-text.ts";
import { shownQuery } from "./query.ts";

/** What the rows of one service have in common. */
export interface ServiceNames {
  readonly hostname: string;
  readonly workspaceName: string;
  readonly serviceName: string;
}

/** What is kept of a request until its span ends; its body is not. */
export interface RequestDetails {
  readonly requestId: string;
  readonly clientRequestId: string;
  readonly method: string;
  readonly path: string;
  readonly url: string;
  readonly status: number;
  /** Undefined: nothing has run. */
  readonly ran: RunFacts | undefined;
  /** Undefined: it is not wanted. */
  readonly responseText: string | undefined;
}

/** Longest address that the service keeps, in characters. */
const MAX_URL = 2_048;

/** JSON texts, as all values of the property are (contract TEL-6). */
const NO_TEXT = '"Scoring request response payload is a non serializable object or raw binary"';
const STREAM = '"Scoring request response payload is a stream"';

export function describeRequest(answered: RequestAnswered, logsResponse: boolean): RequestDetails {
  const { request, ids, response } = answered;
  const { method, path, query, loggedQuery = query, headers } = request;
  const scheme = headers["x-forwarded-proto"]?.toLowerCase() === "https" ? "https" : "http";
  const shown = loggedQuery === "" ? "" : `?${shownQuery(loggedQuery)}`;
  return {
    requestId: ids.requestId,
    clientRequestId: ids.clientRequestId,
    method,
    path,
    url: `${scheme}://${headers.host ?? "localhost"}${path}${shown}`.slice(0, MAX_URL),
    status: response.status,
    ran: response.ran,
    responseText: logsResponse ? responseText(response.body) : undefined,
  };
}

function responseText(body: RequestAnswered["response"]["body"]): string {
  if (typeof body !== "string" && !(body instanceof Uint8Array)) return STREAM;
  return shortText(body) ?? NO_TEXT;
}

/** The span, as far as it counts here. */
export interface FinishedSpan {
  readonly name: string;
  readonly status: { readonly code: number };
  readonly parentSpanContext?: { readonly spanId: string } | undefined;
  readonly attributes: Readonly<Record<string, AttributeValue | undefined>>;
  readonly startTime: RequestRow["startTime"];
  readonly duration: RequestRow["duration"];
  spanContext(): { readonly traceId: string; readonly spanId: string };
}

/** All that is sent of it. Named one by one, for it is made for each request. */
export function rowOf(span: FinishedSpan, details: RequestDetails, rate: number | undefined): RequestRow {
  const { traceId, spanId } = span.spanContext();
  const { attributes: of, startTime, duration } = span;
  const { requestId, clientRequestId, method, path, url, status, ran, responseText: text } = details;
  return {
    spanName: span.name,
    spanStatus: span.status.code,
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    startTime,
    duration,
    rate,
    knownMethod: of["http.request.method"],
    route: of["http.route"],
    requestBytes: of["http.request.body.size"],
    responseBytes: of["http.response.body.size"],
    clientAddress: of["client.address"],
    userAgent: of["user_agent.original"],
    requestId,
    clientRequestId,
    method,
    path,
    url,
    status,
    execMs: ran?.execMs,
    queueMs: ran?.queueMs,
    worker: ran?.worker,
    responseText: text,
  };
}

const MS_PER_SECOND = 1_000;
const NANOSECONDS_PER_MS = 1_000_000;
const FIRST_FAILURE = 400;

/** Texts of a row that are others with each request. */
export interface RowTexts {
  readonly start: string;
  readonly duration: string;
  readonly execMs: string | undefined;
  readonly queueMs: string | undefined;
  readonly worker: string | undefined;
  readonly requestBytes: string | undefined;
  readonly responseBytes: string | undefined;
}

export function textsOf(row: RequestRow): RowTexts {
  const { startTime, duration, execMs, queueMs, worker, requestBytes, responseBytes } = row;
  return {
    start: timeText(startTime),
    duration: durationText(duration[0] * MS_PER_SECOND + duration[1] / NANOSECONDS_PER_MS),
    execMs: execMs === undefined ? undefined : String(roundMs(execMs)),
    queueMs: queueMs === undefined ? undefined : String(roundMs(queueMs)),
    worker: worker === undefined ? undefined : String(worker),
    requestBytes: requestBytes === undefined ? undefined : String(requestBytes),
    responseBytes: responseBytes === undefined ? undefined : String(responseBytes),
  };
}

/** Those properties, in their order, and what the exporter makes the row's own columns of. */
export function requestAttributes(
  row: RequestRow,
  texts: RowTexts,
  names: ServiceNames,
): Record<string, AttributeValue | undefined> {
  const { responseText, path, url, status, method, rate } = row;
  const attributes: Record<string, AttributeValue | undefined> = {
    "Container Id": names.hostname,
    "Request Id": row.requestId,
    "Client Request Id": row.clientRequestId,
    "Response Value": responseText,
    name: path,
    url,
    start_time: texts.start,
    duration: texts.duration,
    resultCode: String(status),
    success: status < FIRST_FAILURE ? "True" : "False",
    http_method: method,
    "Workspace Name": names.workspaceName,
    "Service Name": names.serviceName,
    "http.request.body.size": texts.requestBytes,
    "http.response.body.size": texts.responseBytes,
    "scorefn.run_ms": texts.execMs,
    "scorefn.queue_ms": texts.queueMs,
    "scorefn.worker.pid": texts.worker,
    "http.request.method": row.knownMethod,
    "http.response.status_code": status,
    "http.route": row.route,
    "url.full": url,
    "client.address": row.clientAddress,
    "user_agent.original": row.userAgent,
    [SAMPLE_RATE]: rate,
  };
  for (const name of MAY_BE_MISSING) if (attributes[name] === undefined) delete attributes[name];
  return attributes;
}

const SAMPLE_RATE = "microsoft.sample_rate";
/** The exporter would write "undefined". */
const MAY_BE_MISSING = ["Response Value", "scorefn.run_ms", "scorefn.queue_ms", "scorefn.worker.pid", SAMPLE_RATE];
