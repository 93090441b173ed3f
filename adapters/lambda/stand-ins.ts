// serverless-http's stand-ins for node:http's two objects, made up for in what they do not do as node:http does.
import type { RequestListener } from "node:http";
import ServerlessRequest from "serverless-http/lib/request.js";
import ServerlessResponse from "serverless-http/lib/response.js";
import { type HeaderList, ScoreError } from "../../src/host.ts";
import type { HttpEvent } from "./event.ts";
import { MAX_RESULT_BYTES, tooLarge, type WholeAnswer } from "./result.ts";

/** What a listener is given for an event. */
export interface StandIns {
  readonly request: StandInRequest;
  readonly response: StandInResponse;
}

export function standInsFor(event: HttpEvent): StandIns {
  const request = new StandInRequest(event);
  return { request, response: new StandInResponse(request) };
}

/** Runs a listener. @returns its answer when it has ended it; rejects when it throws, rejects, or destroys its response */
export function answerOf(listener: RequestListener, { request, response }: StandIns): Promise<WholeAnswer> {
  return new Promise((resolve, reject) => {
    response.once("error", reject);
    response.once("finish", () => {
      resolve(response.whole());
      response.emit("close");
    });
    try {
      const returned: unknown = listener(request, response);
      if (returned instanceof Promise) returned.catch((error: unknown) => response.fail(error));
    } catch (error) {
      response.fail(error);
    }
  });
}

/** A request whose `end` comes once: without a body, it would come twice. */
class StandInRequest extends ServerlessRequest {
  #ended = false;

  constructor({ method, path, query, headers, body, remoteAddress }: HttpEvent) {
    const local = /[?#]/.test(path) ? path.replace(/[?#]/g, encodeURIComponent) : path;
    const url = query === "" ? local : `${local}?${query}`;
    super({ method, url, headers, body, remoteAddress });
    const { rawHeaders } = this;
    for (const name in headers) rawHeaders.push(name, headers[name]!);
  }

  override emit(event: string | symbol, ...details: unknown[]): boolean {
    if (event === "end") {
      if (this.#ended) return false;
      this.#ended = true;
    }
    return super.emit(event, ...details);
  }
}

/** A response that keeps its head to itself, names in their spelling. In the one it stands in for
 *  - a destroyed response is waited for until the function times out,
 *  - writeHead() and setHeader() return nothing, the first takes a list of headers for their names, and keeps one value of a
 *    repeated one,
 *  - `transfer-encoding: chunked` gets the body framed, and then spoilt while the frames are removed,
 *  - an endless answer is collected until the memory is used up. */
class StandInResponse extends ServerlessResponse {
  #head: Omit<WholeAnswer, "body"> | undefined;
  #hasHeaders = false;
  /** Length of what was written before end(). */
  #bytes = 0;
  #failed = false;

  /** The answer, once it has ended. */
  whole(): WholeAnswer {
    const { status, headers } = this.#head ?? { status: this.statusCode, headers: [] };
    return { status, headers, body: ServerlessResponse.body(this) };
  }

  /** Ends it without an answer. */
  fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.destroyed = true;
    // Later: a listener that is still running may yet look at its response.
    setImmediate(() => {
      if (this.writableEnded) return;
      this.emit("error", error);
      this.emit("close");
    });
  }

  override setHeader(name: string, value: number | string | readonly string[]): this {
    super.setHeader(name, value);
    this.#hasHeaders = true;
    return this;
  }

  override writeHead(status: number, reason?: unknown, more?: unknown): this {
    const added = pairsOf(typeof reason === "string" ? more : reason);
    this.#keepHead(status, this.#hasHeaders ? [...this.#headersBut(added), ...added] : added);
    return this;
  }

  override write(chunk: string | Uint8Array, ...rest: unknown[]): boolean {
    if (this.destroyed) return false;
    this.#keepImplicitHead();
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_RESULT_BYTES) {
      this.fail(tooLarge("more bytes", MAX_RESULT_BYTES));
      return false;
    }
    return super.write(chunk, ...(rest as [BufferEncoding]));
  }

  override end(...args: unknown[]): this {
    this.#keepImplicitHead();
    return super.end(...(args as []));
  }

  override destroy(error?: Error): this {
    this.fail(error ?? new ScoreError("ERR_SCRIPT_RUN", "the answer was cut off before its end"));
    return this;
  }

  /** The class it extends gets a head without headers. */
  #keepHead(status: number, headers: HeaderList): void {
    this.#head = { status, headers };
    if (this.#hasHeaders) for (const name of this.getHeaderNames()) this.removeHeader(name);
    super.writeHead(status);
  }

  #keepImplicitHead(): void {
    if (this.#head === undefined) this.#keepHead(this.statusCode, pairsOf(this.getHeaders()));
  }

  /** What was set before; as in node:http, what is passed to writeHead() replaces it. */
  #headersBut(added: HeaderList): HeaderList {
    const names = new Set(added.map(([name]) => name.toLowerCase()));
    return pairsOf(this.getHeaders()).filter(([name]) => !names.has(name));
  }
}

const FRAMING = "transfer-encoding";

type Value = string | number | readonly string[] | undefined;

/** Headers in any of the forms writeHead() takes: an object, pairs, or names and values in turn. */
function pairsOf(given: unknown): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  const push = (name: string, value: Value): void => {
    // How the body is framed is decided by the front door.
    if (value === undefined || (name.length === FRAMING.length && name.toLowerCase() === FRAMING)) return;
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
