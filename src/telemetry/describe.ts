// A request in the words of OpenTelemetry's semantic conventions. What a client or a script may have made up is bounded, for
// spans are kept in memory until they are sent.
import type { Attributes } from "@opentelemetry/api";
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
  const original = bounded(method, MAX_CLIENT_TEXT);
  return {
    "http.request.method": "_OTHER",
    "http.request.method_original": original,
    "url.path": path,
    "http.route": route,
  };
}

/** Set one by one, for it is made for many requests, and spreading takes longer than all the rest.
 *  @param bytes of the answer's body, as far as it was made */
export function describeAnswer(record: RequestAnswered, bytes: number, failure: ScoreError | undefined): Attributes {
  const { request, ids, route, response, requestBytes } = record;
  const { query, loggedQuery = query, headers, remoteAddress, method } = request;
  const { status, errorCode } = response;
  const all = describeHead(request, route ?? "");
  all["url.scheme"] = schemeOf(headers["x-forwarded-proto"]);
  if (loggedQuery !== "")
    all["url.query"] = bounded(shownQuery(bounded(loggedQuery, MAX_CLIENT_TEXT)), MAX_CLIENT_TEXT);
  if (remoteAddress !== undefined) all["client.address"] = remoteAddress;
  const agent = headers["user-agent"];
  if (agent !== undefined) all["user_agent.original"] = bounded(agent, MAX_CLIENT_TEXT);
  const { address, port } = hostOf(headers.host);
  if (address !== undefined) all["server.address"] = bounded(address, MAX_CLIENT_TEXT);
  if (port !== undefined) all["server.port"] = port;
  all["http.response.status_code"] = status;
  all["http.request.body.size"] = requestBytes;
  all["http.response.body.size"] = method === "HEAD" ? 0 : bytes;
  all["scorefn.request_id"] = bounded(ids.requestId, MAX_CLIENT_TEXT);
  if (ids.clientRequestId !== "") all["scorefn.client_request_id"] = bounded(ids.clientRequestId, MAX_CLIENT_TEXT);
  const errorType = errorCode ?? failure?.code ?? (status >= 500 ? String(status) : undefined);
  if (errorType !== undefined) all["error.type"] = errorType;
  return all;
}

/** In the words of the script's own runtime, where it is the script that has failed. */
export function describeFailure({ report, name, message, stack = "" }: ScoreError): Attributes {
  return {
    "exception.type": bounded(report?.type ?? name, MAX_CLIENT_TEXT),
    "exception.message": bounded(report?.message ?? message, MAX_FAILURE_TEXT),
    "exception.stacktrace": bounded(report?.traceback ?? stack, MAX_FAILURE_TEXT),
  };
}

export function statusMessage({ message }: ScoreError): string {
  return bounded(message, MAX_CLIENT_TEXT);
}

/** A copy, for a part of a long text would keep all of it in memory. */
function bounded(text: string, limit: number): string {
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
