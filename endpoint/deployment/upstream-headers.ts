import type { IncomingMessage } from "node:http";
import type { ScoreRequest } from "../../src/host.ts";

/** What belongs to one connection, and not to who is at its far end (RFC 9110, 7.6.1); and what the host has seen to. */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What no client can have dropped by naming it in `Connection`. */
const KEPT: ReadonlySet<string> = new Set(["host", "x-request-id"]);

const LENGTH = "content-length";
/** Statuses without a body: no content. not modified. */
const BODYLESS: readonly number[] = [204, 304];

/** Headers of a request as the upstream gets them. The body is whole, so its length is known, whatever the client said. */
export function toUpstream({ headers, body }: ScoreRequest, host: string): Record<string, string> {
  const dropped = namedBy(headers.connection);
  const sent: Record<string, string> = {};
  for (const name in headers) {
    if (OF_CONNECTION.has(name) || name === LENGTH || (dropped?.has(name) && !KEPT.has(name))) continue;
    sent[name] = headers[name]!;
  }
  sent.host ??= host;
  const saidLength = headers[LENGTH] !== undefined || headers["transfer-encoding"] !== undefined;
  if (body.length > 0 || saidLength) sent[LENGTH] = String(body.length);
  return sent;
}

/** Headers of an answer as its client gets them. */
export function fromUpstream({
  rawHeaders,
  headers,
  statusCode = 0,
}: IncomingMessage): [name: string, value: string][] {
  const dropped = namedBy(headers.connection);
  const kept: [name: string, value: string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    if (OF_CONNECTION.has(name) || dropped?.has(name)) continue;
    // The gateway may send it on under a status that has a body, and then it would be wrong.
    if (name === LENGTH && BODYLESS.includes(statusCode)) continue;
    kept.push([rawHeaders[index]!, rawHeaders[index + 1]!]);
  }
  return kept;
}

function namedBy(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined) return undefined;
  return new Set(connection.split(",").map((name) => name.trim().toLowerCase()));
}
