// serverless-http stands in for node:http's two objects, but not in everything. This makes up for what is missing.
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { type HeaderList, ScoreError } from "../../src/index.ts";
import { MAX_RESULT_BYTES, tooLarge } from "./result.ts";

/** The head of an answer as the listener wrote it. */
interface Head {
  readonly status: number;
  readonly headers: HeaderList;
}

/** What is kept of a response while its listener runs. */
interface Answering {
  head: Head | undefined;
  hasHeaders: boolean;
  /** Length of what was written before end(). */
  bytes: number;
  failed: boolean;
}

const ANSWERING = Symbol("answering");
const ENDED = Symbol("ended");

type GuardedResponse = ServerResponse & { [ANSWERING]?: Answering };
type GuardedRequest = IncomingMessage & { [ENDED]?: boolean };

/** What the listener sent as head, names in their spelling; undefined when it has sent none. */
export function headOf(response: ServerResponse): Head | undefined {
  return (response as GuardedResponse)[ANSWERING]?.head;
}

/** A listener that is safe to be run by serverless-http. Without it
 *  - `end` comes twice for a request without a body,
 *  - a listener that rejects ends the process,
 *  - a destroyed response is waited for until the function times out,
 *  - writeHead() and setHeader() return nothing, the first takes a list of headers for their names, and keeps one value of a repeated one,
 *  - `transfer-encoding: chunked` gets the body framed, and then spoilt while the frames are removed,
 *  - an endless answer is collected until the memory is used up. */
export function guard(listener: RequestListener): RequestListener {
  let mended = false;
  return (request: GuardedRequest, response: GuardedResponse) => {
    if (!mended) {
      mendRequests(Object.getPrototypeOf(request));
      mendResponses(Object.getPrototypeOf(response));
      mended = true;
    }
    request[ENDED] = false;
    response[ANSWERING] = { head: undefined, hasHeaders: false, bytes: 0, failed: false };
    try {
      const returned: unknown = listener(request, response);
      if (returned instanceof Promise) returned.catch((error: unknown) => fail(response, error));
    } catch (error) {
      fail(response, error);
    }
  };
}

function fail(response: GuardedResponse, error: unknown): void {
  const answering = response[ANSWERING];
  if (answering === undefined || answering.failed) return;
  answering.failed = true;
  response.destroyed = true;
  // Later, because nobody listens for errors before the listener has returned.
  setImmediate(() => {
    if (response.writableEnded) return;
    response.emit("error", error);
    response.emit("close");
  });
}

// Methods are replaced in the stand-ins' classes and not in each object, which would cost more than the rest of a request.
// What is no object of a guarded listener behaves as before.

const MENDED = Symbol("mended");

/** @returns false when it has been done */
function claim(prototype: object & { [MENDED]?: true }): boolean {
  if (Object.hasOwn(prototype, MENDED)) return false;
  prototype[MENDED] = true;
  return true;
}

function mendRequests(prototype: GuardedRequest): void {
  if (!claim(prototype)) return;
  const { emit } = prototype;
  prototype.emit = function (this: GuardedRequest, event: string | symbol, ...details: unknown[]): boolean {
    if (event === "end" && this[ENDED] !== undefined) {
      if (this[ENDED]) return false;
      this[ENDED] = true;
    }
    return emit.call(this, event, ...details);
  };
}

function mendResponses(prototype: GuardedResponse): void {
  if (!claim(prototype)) return;
  const { destroy, end, setHeader, write, writeHead } = prototype;

  /** Keeps the head to itself; the stand-in writes one without headers. */
  function keepHead(response: GuardedResponse, answering: Answering, head: Head): void {
    answering.head = head;
    if (answering.hasHeaders) for (const name of response.getHeaderNames()) response.removeHeader(name);
    writeHead.call(response, head.status);
  }

  function keepImplicitHead(response: GuardedResponse, answering: Answering): void {
    if (answering.head !== undefined) return;
    keepHead(response, answering, { status: response.statusCode, headers: pairsOf(response.getHeaders()) });
  }

  prototype.setHeader = function (this: GuardedResponse, name, value) {
    setHeader.call(this, name, value);
    const answering = this[ANSWERING];
    if (answering !== undefined) answering.hasHeaders = true;
    return this;
  };

  prototype.writeHead = function (this: GuardedResponse, status: number, reason?: unknown, more?: unknown) {
    const answering = this[ANSWERING];
    if (answering === undefined) {
      (writeHead as (...args: unknown[]) => unknown).call(this, status, reason, more);
      return this;
    }
    const added = pairsOf(typeof reason === "string" ? more : reason);
    const headers = answering.hasHeaders ? [...keptHeaders(this, added), ...added] : added;
    keepHead(this, answering, { status, headers });
    return this;
  } as typeof writeHead;

  prototype.write = function (this: GuardedResponse, chunk: string | Uint8Array, ...rest: []) {
    const answering = this[ANSWERING];
    if (answering !== undefined) {
      if (this.destroyed) return false;
      keepImplicitHead(this, answering);
      answering.bytes += chunk.length;
      if (answering.bytes > MAX_RESULT_BYTES) {
        fail(this, tooLarge("more bytes", MAX_RESULT_BYTES));
        return false;
      }
    }
    return write.call(this, chunk, ...(rest as unknown as [BufferEncoding]));
  } as typeof write;

  prototype.end = function (this: GuardedResponse, ...args: Parameters<typeof end>) {
    const answering = this[ANSWERING];
    if (answering !== undefined) keepImplicitHead(this, answering);
    return end.apply(this, args);
  } as typeof end;

  prototype.destroy = function (this: GuardedResponse, error?: Error) {
    if (this[ANSWERING] === undefined) return destroy.call(this, error);
    fail(this, error ?? new ScoreError("ERR_SCRIPT_RUN", "the answer was cut off before its end"));
    return this;
  };
}

/** What was set before; as in node:http, what is passed to writeHead() replaces it. */
function keptHeaders(response: ServerResponse, added: HeaderList): HeaderList {
  const names = new Set(added.map(([name]) => name.toLowerCase()));
  return pairsOf(response.getHeaders()).filter(([name]) => !names.has(name));
}

type Value = string | number | readonly string[] | undefined;

/** Headers in any of the forms writeHead() takes: an object, pairs, or names and values in turn. */
function pairsOf(given: unknown): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  const push = (name: string, value: Value): void => {
    // How the body is framed is decided by the front door.
    if (value === undefined || name.toLowerCase() === "transfer-encoding") return;
    if (Array.isArray(value)) for (const item of value) pairs.push([name, String(item)]);
    else pairs.push([name, String(value)]);
  };
  if (!Array.isArray(given)) {
    for (const [name, value] of Object.entries(given ?? {})) push(name, value as Value);
  } else if (Array.isArray(given[0])) {
    for (const [name, value] of given as [string, Value][]) push(name, value);
  } else {
    for (let index = 0; index < given.length; index += 2) push(String(given[index]), given[index + 1] as Value);
  }
  return pairs;
}
