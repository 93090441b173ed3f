// A request in the words of OpenTelemetry's semantic conventions. What a client or a script may have made up is bounded, for
// spans are kept in memory until they are sent.
import type { Attributes, Span } from "@opentelemetry/api";
import type { ScoreError } from "../core/errors.ts";
import type { RequestAnswered, RequestHead } from "../core/events.ts";
import { shownQuery } from "./query.ts";

/** Longest text that a client has sent, in characters. */
const MAX_CLIENT_TEXT = 1_024;

/** Longest text of a failure, in characters: some hundred frames. */
const MAX_FAILURE_TEXT = 16_384;

const METHODS: ReadonlySet<string> = new Set("GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY".split(" "));

/** What a span of the route is called: one of few names, whatever clients send. */
export function spanName(method: string, route: string): string {
  return METHODS.has(method) ? `${method} ${route}` : `HTTP ${route}`;
}

/** What is known when it comes in, which samplers may go by. */
export function describeHead({ method, path }: RequestHead, route: string): Attributes {
  if (METHODS.has(method)) return { "http.request.method": method, "url.path": path, "http.route": route };
  const original = bounded(method);
  return {
    "http.request.method": "_OTHER",
    "http.request.method_original": original,
    "url.path": path,
    "http.route": route,
  };
}

/** What is known of it besides. Set one by one, for a record of all would be made for each request only to be copied. */
export function describeRequest(span: Span, request: RequestHead): void {
  const { query, loggedQuery = query, headers, remoteAddress } = request;
  span.setAttribute("url.scheme", schemeOf(headers["x-forwarded-proto"]));
  if (loggedQuery !== "") span.setAttribute("url.query", bounded(shownQuery(bounded(loggedQuery))));
  if (remoteAddress !== undefined) span.setAttribute("client.address", remoteAddress);
  const agent = headers["user-agent"];
  if (agent !== undefined) span.setAttribute("user_agent.original", bounded(agent));
  const { address, port } = hostOf(headers.host);
  if (address !== undefined) span.setAttribute("server.address", bounded(address));
  if (port !== undefined) span.setAttribute("server.port", port);
}

/** @param bytes of the answer's body, as far as it was made */
export function describeAnswer(
  span: Span,
  { request, ids, response, requestBytes }: RequestAnswered,
  bytes: number,
  failure: ScoreError | undefined,
): void {
  const { status, errorCode } = response;
  span.setAttribute("http.response.status_code", status);
  span.setAttribute("http.request.body.size", requestBytes);
  span.setAttribute("http.response.body.size", request.method === "HEAD" ? 0 : bytes);
  span.setAttribute("scorefn.request_id", bounded(ids.requestId));
  if (ids.clientRequestId !== "") span.setAttribute("scorefn.client_request_id", bounded(ids.clientRequestId));
  const errorType = errorCode ?? failure?.code ?? (status >= 500 ? String(status) : undefined);
  if (errorType !== undefined) span.setAttribute("error.type", errorType);
}

/** In the words of the script's own runtime, where it is the script that has failed. */
export function describeFailure({ report, name, message, stack = "" }: ScoreError): Attributes {
  return {
    "exception.type": bounded(report?.type ?? name),
    "exception.message": bounded(report?.message ?? message, MAX_FAILURE_TEXT),
    "exception.stacktrace": bounded(report?.traceback ?? stack, MAX_FAILURE_TEXT),
  };
}

export function statusMessage({ message }: ScoreError): string {
  return bounded(message);
}

/** A copy, for a part of a long text would keep all of it in memory. */
function bounded(text: string, limit: number = MAX_CLIENT_TEXT): string {
  return text.length <= limit ? text : Buffer.from(text.slice(0, limit)).toString();
}

/** As a proxy in front says it; the nearest to the client comes first. */
function schemeOf(forwarded: string | undefined): string {
  return forwarded !== undefined && /^\s*https\s*(?:,|$)/i.test(forwarded) ? "https" : "http";
}

const HOST = /^(?<address>\[[^\]]*\]|[^:]+)(?::(?<port>\d{1,5}))?$/;
/** The last one: nearly all requests name the same. */
let lastHost: { readonly host: string; readonly address?: string | undefined; readonly port?: number | undefined } = {
  host: "",
};

function hostOf(host = ""): typeof lastHost {
  if (host !== lastHost.host) {
    const { address, port } = HOST.exec(host)?.groups ?? {};
    lastHost = { host, address, port: port === undefined ? undefined : Number(port) };
  }
  return lastHost;
}
