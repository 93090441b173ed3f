// The properties by which dashboards of the reference server find requests (contract TEL-4).
import type { AttributeValue } from "@opentelemetry/api";
import type { RequestAnswered } from "../core/events.ts";
import { roundMs } from "../core/round.ts";
import type { RunFacts } from "../core/types.ts";
import { durationText, shortText, timeText } from "./app-insights-text.ts";
import { shownQuery } from "./query.ts";

/** What the rows of one service have in common. */
export interface ServiceNames {
  readonly hostname: string;
  readonly workspaceName: string;
  readonly serviceName: string;
}

/** What is kept of a request until its row is made; its body is not. */
export interface RequestDetails {
  readonly names: ServiceNames;
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

export function describeRequest(answered: RequestAnswered, names: ServiceNames, logsResponse: boolean): RequestDetails {
  const { request, ids, response } = answered;
  const { method, path, query, loggedQuery = query, headers } = request;
  const scheme = headers["x-forwarded-proto"]?.toLowerCase() === "https" ? "https" : "http";
  const shown = loggedQuery === "" ? "" : `?${shownQuery(loggedQuery)}`;
  return {
    names,
    requestId: ids.requestId,
    clientRequestId: ids.clientRequestId,
    method,
    path,
    url: `${scheme}://${headers.host ?? "localhost"}${path}${shown}`.slice(0, MAX_URL),
    status: response.status,
    ran: response.ran && factsOf(response.ran),
    responseText: logsResponse ? responseText(response.body) : undefined,
  };
}

/** The record may be a whole outcome, body included. */
function factsOf({ execMs, queueMs, worker }: RunFacts): RunFacts {
  return { execMs, queueMs, worker };
}

function responseText(body: RequestAnswered["response"]["body"]): string {
  if (typeof body !== "string" && !(body instanceof Uint8Array)) return STREAM;
  return shortText(body) ?? NO_TEXT;
}

/** The span, as far as it counts here. */
interface FinishedSpan {
  readonly attributes: Readonly<Record<string, AttributeValue | undefined>>;
  readonly startTime: readonly [seconds: number, nanoseconds: number];
  readonly duration: readonly [seconds: number, nanoseconds: number];
}

const MS_PER_SECOND = 1_000;
const NANOSECONDS_PER_MS = 1_000_000;
const FIRST_FAILURE = 400;

/** Those properties, in their order, and what the exporter makes the row's own columns of. Named one by one, for it is made
 *  for each request. */
export function requestAttributes(
  { attributes: of, startTime, duration }: FinishedSpan,
  details: RequestDetails,
): Record<string, AttributeValue | undefined> {
  const { names, requestId, clientRequestId, responseText, path, url, status, method, ran } = details;
  const attributes: Record<string, AttributeValue | undefined> = {
    "Container Id": names.hostname,
    "Request Id": requestId,
    "Client Request Id": clientRequestId,
    "Response Value": responseText,
    name: path,
    url,
    start_time: timeText(startTime),
    duration: durationText(duration[0] * MS_PER_SECOND + duration[1] / NANOSECONDS_PER_MS),
    resultCode: String(status),
    success: status < FIRST_FAILURE ? "True" : "False",
    http_method: method,
    "Workspace Name": names.workspaceName,
    "Service Name": names.serviceName,
    "http.request.body.size": of["http.request.body.size"],
    "http.response.body.size": of["http.response.body.size"],
    ...(ran !== undefined && ranAttributes(ran)),
    "http.request.method": of["http.request.method"],
    "http.response.status_code": status,
    "http.route": of["http.route"],
    "url.full": url,
    "client.address": of["client.address"],
    "user_agent.original": of["user_agent.original"],
  };
  if (responseText === undefined) delete attributes["Response Value"];
  return attributes;
}

/** Where the time went. */
function ranAttributes({ execMs, queueMs, worker }: RunFacts): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = { "scorefn.run_ms": roundMs(execMs) };
  if (queueMs !== undefined) attributes["scorefn.queue_ms"] = roundMs(queueMs);
  if (worker !== undefined) attributes["scorefn.worker.pid"] = worker;
  return attributes;
}
