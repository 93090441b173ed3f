// With HTTP streaming the host passes requests on to a server inside the library, which gives the handler what it makes of
// them. Two things get lost there: the request's own headers, which a query parameter or a JSON member called `headers`
// replaces; and the whole request when that is not a valid set of headers. Node tells of both by its diagnostics channel.
import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { BadInputError, type ScoreError, type ScoreResponse } from "../../src/host.ts";
import { toHeaders, toTarget } from "../http/incoming.ts";
import { send } from "../http/outgoing.ts";
import type { RequestHead } from "./incoming.ts";

const CHANNEL = "http.server.request.start";

/** Names the invocation a request belongs to. */
const INVOCATION_HEADER = "x-ms-invocation-id";

/** A request that no function was called for within so many milliseconds is one that the library has dropped. */
const UNCLAIMED_MS = 5_000;

interface Started {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  timer?: NodeJS.Timeout;
}

type Refuse = (head: RequestHead, error: ScoreError) => ScoreResponse;

/** Requests that are under way, by invocation. Of a process, as the library's server is. */
const underWay = new Map<string, Started>();
let isWatching = false;
let refuse: Refuse | undefined;

/** From now on `proxiedHeaders` knows the headers of requests. */
export function watchProxied(): void {
  if (!isWatching) subscribe(CHANNEL, onStart);
  isWatching = true;
}

/** From now on a request that the library drops is answered.
 *  @param refusal makes the answer
 *  @returns to be called with each invocation whose function, any function of the app, is about to be called */
export function answerDropped(refusal: Refuse): (invocationId: string) => void {
  refuse = refusal;
  return (invocationId) => clearTimeout(underWay.get(invocationId)?.timer);
}

/** The headers that the request of an invocation came with; undefined when it did not come this way. */
export function proxiedHeaders(invocationId: string): Record<string, string> | undefined {
  const started = underWay.get(invocationId);
  if (started === undefined) return undefined;
  const { [INVOCATION_HEADER]: _own, ...headers } = toHeaders(started.request);
  return headers;
}

function onStart(message: unknown): void {
  const { request, response } = message as Started;
  const id = request.headers[INVOCATION_HEADER];
  if (typeof id !== "string") return;
  const started: Started = { request, response };
  // Waits for one more turn of the event loop: a script may have held up the call that would have shown that it is not.
  if (refuse !== undefined) started.timer = setTimeout(() => setImmediate(answerUnclaimed, started), UNCLAIMED_MS);
  underWay.set(id, started);
  response.once("close", () => {
    clearTimeout(started.timer);
    underWay.delete(id);
  });
}

function answerUnclaimed({ request, response }: Started): void {
  if (response.headersSent || response.destroyed) return;
  const { method = "GET", url = "/" } = request;
  const head: RequestHead = { method, ...toTarget(url), headers: toHeaders(request) };
  const reason = "A query parameter or a JSON member called headers is not a valid set of HTTP headers.";
  void send(method, response, refuse!(head, new BadInputError("ERR_BAD_REQUEST", reason)));
}
