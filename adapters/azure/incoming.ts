import type { HttpRequest, InvocationContext } from "@azure/functions";
import { BadInputError, type Log, type ScoreRequest } from "../../src/host.ts";
import { tooLarge, toTarget } from "../http/incoming.ts";
import { hideKey } from "./function-key.ts";

/** What is known of a request before its body has come. */
export type RequestHead = Pick<
  ScoreRequest,
  "method" | "path" | "query" | "loggedQuery" | "headers" | "remoteAddress" | "log"
>;

const EMPTY = new Uint8Array(0);

/** Reads everything but the body and the function key. Path and query come from the URL: `request.query` of the buffered transport joins
 *  repeated names with a comma, and `request.params` of the streaming one also holds members of the body.
 *  @param headers as they came; default: those the library gives. The caller's no more */
export function toRequestHead(
  request: HttpRequest,
  context: InvocationContext,
  log: Log,
  headers: Record<string, string> = Object.fromEntries(request.headers),
): RequestHead {
  const { path, query } = toTarget(request.url);
  const { traceParent, traceState } = context.traceContext ?? {};
  // The invocation is a span of its own, a child of the one the client named.
  if (traceParent) {
    headers.traceparent = traceParent;
    // The client's belongs to the client's traceparent.
    if (traceState) headers.tracestate = traceState;
    else delete headers.tracestate;
  }
  const head = { method: request.method.toUpperCase(), path, query, headers, remoteAddress: clientOf(headers), log };
  hideKey(head);
  return head;
}

/** The client's address: the front end of the platform adds it, often with a port, behind whatever the client claims. */
function clientOf(headers: Readonly<Record<string, string>>): string | undefined {
  const last = headers["x-forwarded-for"]?.split(",").at(-1)?.trim();
  return last?.replace(/^\[(.*)\](?::\d+)?$|^([^:]+):\d+$/, "$1$2") || undefined;
}

/** The whole body.
 *  @param headers only tell the length that is to be expected: with streaming, a JSON member or a query parameter called
 *  `headers` takes the place of the real ones
 *  @param maxBytes 0: no limit
 *  @throws BadInputError `ERR_BODY_TOO_LARGE`, or `ERR_BAD_REQUEST` when the body breaks off */
export async function readBody(
  request: HttpRequest,
  headers: Readonly<Record<string, string>>,
  maxBytes: number,
): Promise<Uint8Array> {
  const { body } = request;
  if (body === null) return EMPTY;
  const limit = maxBytes === 0 ? Number.POSITIVE_INFINITY : maxBytes;
  const declared = headers["content-length"] === undefined ? undefined : Number(headers["content-length"]);
  if (declared !== undefined && declared > limit) throw tooLarge(maxBytes);
  let whole: Uint8Array;
  try {
    // Reading piece by piece keeps no more than the limit, but takes longer.
    whole = declared === undefined ? await readUpTo(body, limit) : new Uint8Array(await request.arrayBuffer());
  } catch (error) {
    throw new BadInputError("ERR_BAD_REQUEST", "The request body did not arrive completely.", { cause: error });
  }
  if (whole.length > limit) throw tooLarge(maxBytes);
  return whole;
}

/** @returns the body, or just enough of it to be longer than the limit; the rest is read away, because whoever sends it
 *  sees the answer only afterwards */
async function readUpTo(body: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    if (length <= limit) chunks.push(chunk);
    length += chunk.length;
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
