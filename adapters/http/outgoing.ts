import type { ServerResponse } from "node:http";
import { Socket } from "node:net";
import { abandon, type BodyStream, endEarly, type HeaderList, ScoreError, type ScoreResponse } from "../../src/host.ts";

/** A client that takes nothing of an answer for so many milliseconds is cut off: it holds memory, or a worker. */
export const STALL_MS = 30_000;

export interface SendOptions {
  readonly stallMs?: number | undefined;
  /** Called when a client is cut off that takes nothing of an answer that is whole. */
  readonly onStall?: (response: ServerResponse) => void;
}

/** A streamed answer that ended early; the cause is what it failed with. */
export class BrokenStream extends Error {
  /** Bytes of the body that were sent. */
  readonly length: number;

  constructor(cause: unknown, length: number) {
    super(`the answer ended after ${length} bytes`, { cause });
    this.length = length;
  }
}

/** Sends the answer. @returns the bytes of the body that were sent; rejects with a BrokenStream when a stream fails midway,
 *  after having cut the connection */
export function send(
  method: string,
  response: ServerResponse,
  answer: ScoreResponse,
  { stallMs = STALL_MS, onStall }: SendOptions = {},
): number | Promise<number> {
  const { status, headers, body } = answer;
  const flat = flatten(headers);
  const bodyless = status === 204 || status === 304;
  if (typeof body !== "string" && !(body instanceof Uint8Array)) {
    response.writeHead(status, flat);
    if (method !== "HEAD" && !bodyless) return sendStream(response, body, stallMs);
    response.end();
    abandon(body);
    return 0;
  }
  const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  if (!bodyless) flat.push("Content-Length", String(length));
  response.writeHead(status, flat);
  if (bodyless || method === "HEAD" || length === 0) {
    response.end();
    return 0;
  }
  response.end(typeof body === "string" && !isAscii(flat) ? Buffer.from(body) : body);
  if (response.writableLength > 0) cutOffStalled(response, stallMs, onStall);
  return length;
}

/** node:http writes a body that is text and its head as one text in UTF-8, which changes the bytes of a header's value. */
function isAscii(flat: readonly string[]): boolean {
  for (let index = 1; index < flat.length; index += 2) if (NOT_ASCII.test(flat[index]!)) return false;
  return true;
}

const NOT_ASCII = /[^\t\x20-\x7e]/;

/** Closes the connection when the client takes nothing of what has been written for so long.
 *  Node's own time-out, which starts anew whenever a part has left. */
function cutOffStalled(response: ServerResponse, stallMs: number, onStall?: SendOptions["onStall"]): void {
  if (!(response.req?.socket instanceof Socket)) return;
  response.setTimeout(stallMs, () => {
    if (response.writableLength === 0) return;
    onStall?.(response);
    response.destroy();
  });
}

function flatten(headers: HeaderList): string[] {
  const flat: string[] = [];
  for (const [name, value] of headers) flat.push(name, value);
  return flat;
}

async function sendStream(response: ServerResponse, body: BodyStream, stallMs: number): Promise<number> {
  const chunks = body[Symbol.asyncIterator]();
  const leave = (): void => endEarly(chunks);
  // Its "close" is over when the client left before the answer came.
  if (response.destroyed) {
    leave();
    return 0;
  }
  // The client may also leave while the script is between two items.
  response.once("close", leave);
  let length = 0;
  try {
    for (let item = await chunks.next(); item.done !== true; item = await chunks.next()) {
      if (response.destroyed) {
        leave();
        break;
      }
      length += item.value.length;
      if (!response.write(item.value)) await drained(response, stallMs);
    }
  } catch (error) {
    leave();
    cutOff(response, error instanceof ScoreError && error.code === "ERR_CLIENT_GONE" ? 0 : stallMs);
    throw new BrokenStream(error, length);
  } finally {
    response.off("close", leave);
  }
  response.end();
  if (response.writableLength > 0) cutOffStalled(response, stallMs);
  return length;
}

/** Closes the connection behind what was written: the status has been sent, so a body without its end is all that can
 *  still tell the client.
 *  @param waitMs how long the client may take to fetch that */
function cutOff(response: ServerResponse, waitMs: number): void {
  const { socket } = response;
  // What stands in for a response elsewhere has no connection to close softly.
  if (!(socket instanceof Socket) || waitMs === 0) {
    response.destroy();
    return;
  }
  const timer = setTimeout(() => socket.destroy(), waitMs);
  socket.once("close", () => clearTimeout(timer));
  socket.destroySoon();
}

function drained(response: ServerResponse, stallMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const isReal = response.req?.socket instanceof Socket;
    const done = (error?: ScoreError): void => {
      clearTimeout(timer);
      response.off("drain", done).off("close", done).off("timeout", stalled);
      if (error instanceof ScoreError) reject(error);
      else resolve();
    };
    const stalled = (): void =>
      done(new ScoreError("ERR_CLIENT_GONE", `the client took nothing of a streamed answer for ${stallMs} ms`));
    const timer = isReal ? undefined : setTimeout(stalled, stallMs);
    if (isReal) response.setTimeout(stallMs).on("timeout", stalled);
    response.once("drain", done).once("close", done);
  });
}
