// Sends requests on to a server that the user runs.
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import {
  type BodyStream,
  ConfigError,
  ScoreError,
  type ScoreRequest,
  type ScoreResponse,
  within,
} from "../../src/host.ts";
import { errorAnswer } from "../error-answer.ts";
import { fromUpstream, toUpstream } from "./upstream-headers.ts";

/** A server, and the connections to it. */
export interface UpstreamLink {
  /** `http://host:port` */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Requests that are not answered; a stream counts until its end. */
  readonly inFlight: number;
  /** Never rejects. */
  send(request: ScoreRequest): Promise<ScoreResponse>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
  /** Resolves when nothing is under way any more; what still is after so many milliseconds is broken off. */
  close(graceMs: number): Promise<void>;
}

/** Idle connections are kept for so many milliseconds: less than any common server keeps its end (gunicorn: 2 s), for a
 *  request that meets its closing is lost, and run() must not be called twice for one request. */
const IDLE_MS = 1_000;

/** Nothing listens there, or there is no way. */
const DOWN: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "EAI_AGAIN",
  "EADDRNOTAVAIL",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "ETIMEDOUT",
]);

/** @throws ConfigError */
export function createUpstreamLink(address: string): UpstreamLink {
  const { host, port, url } = readAddress(address);
  const agent = new Agent({ keepAlive: true, timeout: IDLE_MS });
  const socketHost = host.replace(/^\[|\]$/g, "");
  // False once one has ended without a word between two requests: the next could be lost in the same way.
  let keepsConnections = true;
  let inFlight = 0;
  const running = new Set<ClientRequest>();
  const onIdle: (() => void)[] = [];

  function send(request: ScoreRequest): Promise<ScoreResponse> {
    inFlight++;
    let isCounted = true;
    const uncount = (): void => {
      if (!isCounted) return;
      isCounted = false;
      if (--inFlight === 0) for (const resolve of onIdle.splice(0)) resolve();
    };
    return new Promise((resolve) => {
      const { signal, method, body } = request;
      let isAnswered = false;
      const answer = (response: ScoreResponse): void => {
        isAnswered = true;
        resolve(response);
      };
      const fail = (error: ScoreError): void => {
        if (isAnswered) return;
        over();
        answer(errorAnswer(error));
      };
      const onAbort = (): void => {
        sent?.destroy();
        const { reason } = signal!;
        fail(reason instanceof ScoreError ? reason : new ScoreError("ERR_CLIENT_GONE", "the client left"));
      };
      const over = (): void => {
        signal?.removeEventListener("abort", onAbort);
        if (sent !== undefined) running.delete(sent);
        uncount();
      };
      let sent: ClientRequest | undefined;
      if (signal?.aborted) {
        onAbort();
        return;
      }
      signal?.addEventListener("abort", onAbort);
      try {
        const headers = toUpstream(request, `${host}:${port}`);
        sent = httpRequest({
          host: socketHost,
          port,
          agent: keepsConnections && agent,
          method,
          path: targetOf(request),
          headers,
        });
      } catch (error) {
        fail(new ScoreError("ERR_BAD_REQUEST", `The request cannot be passed on: ${messageOf(error)}`));
        return;
      }
      running.add(sent);
      sent.on("error", (error) => {
        if (sent?.reusedSocket && !isAnswered) keepsConnections = false;
        fail(failure(url, error));
      });
      sent.on("response", (response) => answer(toAnswer(response, method, url, over)));
      // An answer that asks for another protocol is none, and brings no other event.
      sent.on("close", () => fail(failure(url, new Error("the connection was closed without an answer"))));
      if (body.length === 0) sent.end();
      else sent.end(body);
    });
  }

  async function idle(): Promise<void> {
    if (inFlight > 0) await new Promise<void>((resolve) => onIdle.push(resolve));
  }

  async function close(graceMs: number): Promise<void> {
    await within(idle(), graceMs);
    for (const request of running) request.destroy();
    agent.destroy();
  }

  return {
    url,
    host: socketHost,
    port,
    send,
    idle,
    close,
    get inFlight() {
      return inFlight;
    },
  };
}

function readAddress(address: string): { host: string; port: number; url: string } {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const { protocol, hostname, port, pathname, search, hash, username, password } = url ?? {};
  const more = `${search}${hash}${username}${password}`;
  if (hostname === undefined || protocol !== "http:" || hostname === "" || pathname !== "/" || more !== "") {
    const message = `"${address}" is not the address of an upstream; give http://host:port without a path`;
    throw new ConfigError("ERR_CONFIG", message);
  }
  const number = port === "" || port === undefined ? HTTP_PORT : Number(port);
  return { host: hostname, port: number, url: `http://${hostname}:${number}` };
}

const HTTP_PORT = 80;

function targetOf({ path, query }: ScoreRequest): string {
  const local = path.startsWith("/") || path === "*" ? path : `/${path}`;
  return query === "" ? local : `${local}?${query}`;
}

function toAnswer(response: IncomingMessage, method: string, url: string, over: () => void): ScoreResponse {
  const headers = fromUpstream(response);
  const body = streamOf(response, url, over);
  // One that fails while nobody reads it must not end the process.
  response.on("error", () => {});
  const { statusCode: status = 0 } = response;
  if (method !== "HEAD" && response.headers["content-length"] === "0") {
    response.resume();
    over();
    return { status, headers: headers.filter(([name]) => name.toLowerCase() !== "content-length"), body: "" };
  }
  return { status, headers, body };
}

/** The body as it comes. Unlike a generator's, its `return()` works at once: also before the first chunk, and while one is
 *  waited for. */
function streamOf(response: IncomingMessage, url: string, over: () => void): BodyStream {
  return {
    [Symbol.asyncIterator]() {
      const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
      let isOver = false;
      const end = (): { done: true; value: undefined } => {
        isOver = true;
        over();
        return { done: true, value: undefined };
      };
      return {
        async next() {
          if (isOver) return end();
          try {
            const item = await chunks.next();
            return item.done === true || isOver ? end() : item;
          } catch (error) {
            const isGivenUp = isOver;
            end();
            if (isGivenUp) return { done: true, value: undefined };
            throw new ScoreError("ERR_UPSTREAM", `${url} broke its answer off: ${messageOf(error)}`, { cause: error });
          }
        },
        return() {
          const ended = end();
          response.destroy();
          return Promise.resolve(ended);
        },
      };
    },
  };
}

function failure(url: string, error: Error & { readonly code?: unknown }): ScoreError {
  return DOWN.has(error.code)
    ? new ScoreError("ERR_UPSTREAM_DOWN", `${url} cannot be reached: ${messageOf(error)}`, { cause: error })
    : new ScoreError("ERR_UPSTREAM", `${url} did not answer: ${messageOf(error)}`, { cause: error });
}

/** One that has tried several addresses has no message of its own. */
function messageOf(error: unknown): string {
  const { message, code } = error as { readonly message?: string; readonly code?: unknown };
  return message || String(code ?? error);
}
