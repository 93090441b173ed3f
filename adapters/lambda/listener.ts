// A listener of your own for node:http (an Express app that has the scorer's in it, say) as a buffered function: by
// serverless-http, made up for in what it does not do as node:http does.
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import serverlessHttp from "serverless-http";
import { toScoreError } from "../../src/host.ts";
import { doorOf } from "./event.ts";
import type { BufferedHandler } from "./index.ts";
import type { ObservedRequest } from "./observer.ts";
import { isTextType } from "./result.ts";
import type { LambdaService } from "./service.ts";
import { markOf, noRequest } from "./sources.ts";

/** The handler of a function that a listener answers. It rejects for events that are no HTTP requests.
 *  @param service whose scorer the listener has in it: what it traces continues the request's trace, and leaves in time */
export function createListenerHandler(
  listener: RequestListener,
  service?: Pick<LambdaService, "observer">,
): BufferedHandler {
  const handle = serverlessHttp(guarded(listener), {
    binary: (headers: Record<string, unknown>) =>
      headers["content-encoding"] !== undefined || !isTextType(String(headers["content-type"] ?? "")),
  });
  return async (event, context = {}) => {
    if (doorOf(event) === undefined) throw noRequest(markOf(event) ?? "no HTTP request");
    // It writes into the event.
    const own = structuredClone(event as EventHeaders);
    const { observer } = service ?? {};
    if (observer === undefined) return handle(own, context);
    const request: ObservedRequest = { headers: headersOf(own) };
    observer.begun(request, context);
    setTrace(own, request.headers);
    try {
      return await handle(own, context);
    } finally {
      await observer.ended(request, context);
    }
  };
}

/** Headers of an event; a load balancer gives one of the two. */
interface EventHeaders {
  headers?: Record<string, string>;
  multiValueHeaders?: Record<string, string[]>;
}

function headersOf({ headers, multiValueHeaders }: EventHeaders): Record<string, string> {
  const entries = Object.entries(headers ?? multiValueHeaders ?? {});
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]));
}

const TRACE_HEADERS = ["traceparent", "tracestate"];

/** Has the event say of its trace what `from` says. */
function setTrace(event: EventHeaders, from: ObservedRequest["headers"]): void {
  for (const headers of [event.headers, event.multiValueHeaders] as (Record<string, unknown> | undefined)[]) {
    if (headers === undefined || headers === null) continue;
    for (const name in headers) if (TRACE_HEADERS.includes(name.toLowerCase())) delete headers[name];
    for (const name of TRACE_HEADERS) {
      const value = from[name];
      if (value !== undefined) headers[name] = headers === event.headers ? value : [value];
    }
  }
}

/** In what the listener is given
 *  - a request without a body would end twice,
 *  - a listener that rejects would end the process, and a response that is destroyed would never be done,
 *  - writeHead() would return nothing, and take a list of headers for their names,
 *  - a chunked body would be spoilt. */
function guarded(listener: RequestListener): RequestListener {
  return (request, response) => {
    endOnce(request);
    const fail = (error?: unknown): void => {
      if (response.writableEnded) return;
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      response.statusCode = 500;
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ message: "The answer was cut off before its end." }));
      if (error !== undefined) process.emitWarning(`The listener failed: ${toScoreError(error).message}`);
    };
    guardHead(response);
    response.destroy = (error) => {
      setImmediate(fail, error);
      return response;
    };
    const failed = (error: unknown): void => fail(error);
    try {
      const returned: unknown = listener(request as IncomingMessage, response as ServerResponse<IncomingMessage>);
      if (returned instanceof Promise) returned.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}

function endOnce(request: IncomingMessage): void {
  const { emit } = request;
  let hasEnded = false;
  request.emit = (event: string | symbol, ...details: unknown[]) => {
    if (event === "end" && hasEnded) return false;
    hasEnded ||= event === "end";
    return emit.call(request, event, ...details);
  };
}

function guardHead(response: ServerResponse): void {
  const { setHeader } = response;
  response.setHeader = (name, value) => {
    if (name.toLowerCase() !== "transfer-encoding") setHeader.call(response, name, value);
    return response;
  };
  const writeHead = (status: number, reason?: unknown, more?: unknown): typeof response => {
    const given = typeof reason === "string" ? more : reason;
    for (const [name, value] of Array.isArray(given) ? pairsOf(given) : Object.entries(given ?? {})) {
      const before = Array.isArray(given) ? response.getHeader(name) : undefined;
      response.setHeader(name, before === undefined ? value : [before, value].flat().map(String));
    }
    response.statusCode = status;
    return response;
  };
  response.writeHead = writeHead as typeof response.writeHead;
}

function pairsOf(flat: readonly unknown[]): [string, string][] {
  if (Array.isArray(flat[0])) return flat as [string, string][];
  return Array.from({ length: flat.length / 2 }, (_, index) => [
    String(flat[index * 2]),
    flat[index * 2 + 1] as string,
  ]);
}
