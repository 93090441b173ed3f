// A local version of the API that Lambda offers to a function's process: it hands out events and takes answers, whole or
// streamed, so that a function can be run without an account.
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What became of one event. */
export interface Invocation {
  /** `error`: the function failed; `timeout`: it did not answer in time. */
  readonly kind: "answer" | "error" | "timeout";
  /** The answer as it was posted: the JSON of a result, or the head of a stream, eight zero bytes and its body. */
  readonly body: Buffer;
  /** Pieces of the answer as they came, with milliseconds since the event was handed out. */
  readonly chunks: readonly { readonly atMs: number; readonly bytes: Buffer }[];
  readonly streamed: boolean;
  /** False when a stream was cut off or ended with an error. */
  readonly complete: boolean;
  /** From the event being handed out to the end of the answer. */
  readonly durationMs: number;
}

export interface RuntimeApi {
  /** `host:port`, for AWS_LAMBDA_RUNTIME_API. */
  readonly address: string;
  /** Resolves when the function asks for its first event, thus when its init is done; rejects when that failed. */
  readonly ready: Promise<void>;
  /** Names of the extensions that have registered. */
  readonly extensions: readonly string[];
  /** Hands one event out; the next after this one is answered, and no extension is at work any more.
   *  @param timeoutMs the function's time limit in milliseconds
   *  @param traceId X-Ray's word for the invocation */
  invoke(event: unknown, timeoutMs: number, traceId?: string): Promise<Invocation>;
  /** Resolves when extensions that are told of invocations have asked for the next one: Lambda would freeze the function. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

interface Pending {
  readonly id: string;
  readonly event: unknown;
  readonly timeoutMs: number;
  readonly traceId: string | undefined;
  readonly settle: (outcome: Invocation) => void;
  readonly chunks: { atMs: number; bytes: Buffer }[];
  sentAt: number;
  timer: NodeJS.Timeout | undefined;
}

const VERSION = "/2018-06-01/runtime";
const EXTENSIONS = "/2020-01-01/extension";
const FUNCTION_ARN = "arn:aws:lambda:local:000000000000:function:score";

/** Listens on the loopback address. */
export async function startRuntimeApi(): Promise<RuntimeApi> {
  const api = new Api();
  const server = createServer((request, response) => api.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    ready: api.ready,
    extensions: api.extensions,
    invoke: (event, timeoutMs, traceId) => api.invoke(event, timeoutMs, traceId),
    idle: () => api.idle(),
    close: () => close(server),
  };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

class Api {
  readonly ready: Promise<void>;
  readonly extensions: string[] = [];
  #isReady!: () => void;
  #isBroken!: (error: Error) => void;
  /** Events that nobody has asked for yet. */
  readonly #waiting: Pending[] = [];
  /** A function that asks for an event when there is none. */
  #asking: ServerResponse | undefined;
  readonly #running = new Map<string, Pending>();
  /** Extensions that are told of invocations, by what they are called; with the request of those that wait for one. */
  readonly #told = new Map<string, ServerResponse | undefined>();
  readonly #idle: (() => void)[] = [];

  constructor() {
    this.ready = new Promise((resolve, reject) => {
      this.#isReady = resolve;
      this.#isBroken = reject;
    });
    // It is no error that nobody waits for it.
    this.ready.catch(() => {});
  }

  invoke(event: unknown, timeoutMs: number, traceId?: string): Promise<Invocation> {
    return new Promise((settle) => {
      const id = randomUUID();
      this.#waiting.push({ id, event, timeoutMs, traceId, settle, chunks: [], sentAt: 0, timer: undefined });
      this.#handOut();
    });
  }

  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#handOut();
    });
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const { url = "" } = request;
    const [, id, what] = /\/invocation\/([^/]+)\/(response|error)$/.exec(url) ?? [];
    if (url === `${VERSION}/invocation/next`) this.#next(response);
    else if (id !== undefined) this.#answered(id, what === "error", request, response);
    else if (url === `${VERSION}/init/error`) void this.#initFailed(request, response);
    else if (url === `${EXTENSIONS}/register`) void this.#register(request, response);
    else if (url === `${EXTENSIONS}/event/next`) this.#nextForExtension(request, response);
    else send(response, 404);
  }

  #next(response: ServerResponse): void {
    this.#isReady();
    this.#asking = response;
    response.once("close", () => {
      if (this.#asking === response) this.#asking = undefined;
    });
    this.#handOut();
  }

  #handOut(): void {
    const response = this.#asking;
    const next = this.#waiting[0];
    const isAtWork = this.#running.size > 0 || [...this.#told.values()].includes(undefined);
    if (response === undefined || isAtWork) return;
    for (const resolve of this.#idle.splice(0)) resolve();
    if (next === undefined) return;
    this.#asking = undefined;
    this.#waiting.shift();
    this.#running.set(next.id, next);
    next.sentAt = performance.now();
    next.timer = setTimeout(() => this.#end(next, "timeout", false, false), next.timeoutMs);
    const deadlineMs = Math.round(Date.now() + next.timeoutMs);
    this.#tellExtensions(next, deadlineMs);
    const body = JSON.stringify(next.event);
    response.writeHead(200, {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(body),
      "Lambda-Runtime-Aws-Request-Id": next.id,
      "Lambda-Runtime-Deadline-Ms": deadlineMs,
      "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
      ...(next.traceId !== undefined && { "Lambda-Runtime-Trace-Id": next.traceId }),
    });
    response.end(body);
  }

  #tellExtensions({ id, traceId = "" }: Pending, deadlineMs: number): void {
    const tracing = { type: "X-Amzn-Trace-Id", value: traceId };
    const event = { eventType: "INVOKE", deadlineMs, requestId: id, invokedFunctionArn: FUNCTION_ARN, tracing };
    for (const [extension, response] of this.#told) {
      this.#told.set(extension, undefined);
      response!.writeHead(200, { "Content-Type": "application/json" });
      response!.end(JSON.stringify(event));
    }
  }

  #answered(id: string, isError: boolean, request: IncomingMessage, response: ServerResponse): void {
    const pending = this.#running.get(id);
    if (pending === undefined) {
      request.resume();
      send(response, 400);
      return;
    }
    const isStreamed = request.headers["lambda-runtime-function-response-mode"] === "streaming";
    request.on("data", (bytes: Buffer) => pending.chunks.push({ atMs: performance.now() - pending.sentAt, bytes }));
    request.once("end", () => {
      const isWhole = request.trailers["lambda-runtime-function-error-type"] === undefined;
      this.#end(pending, isError ? "error" : "answer", isStreamed, isWhole);
      send(response, 202);
    });
    request.once("error", () => this.#end(pending, isError ? "error" : "answer", isStreamed, false));
  }

  #end(pending: Pending, kind: Invocation["kind"], streamed: boolean, complete: boolean): void {
    if (!this.#running.delete(pending.id)) return;
    clearTimeout(pending.timer);
    const { chunks, sentAt } = pending;
    const body = Buffer.concat(chunks.map(({ bytes }) => bytes));
    pending.settle({ kind, body, chunks, streamed, complete, durationMs: performance.now() - sentAt });
    this.#handOut();
  }

  async #initFailed(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#isBroken(new Error(`the function failed in its init phase: ${await textOf(request)}`));
    send(response, 202);
  }

  async #register(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { events } = JSON.parse(await textOf(request)) as { events: readonly string[] };
    const id = randomUUID();
    this.extensions.push(String(request.headers["lambda-extension-name"]));
    if (events.includes("INVOKE")) this.#told.set(id, undefined);
    response.setHeader("Lambda-Extension-Identifier", id);
    send(response, 200);
  }

  /** One that is told of nothing is left waiting. */
  #nextForExtension(request: IncomingMessage, response: ServerResponse): void {
    const id = String(request.headers["lambda-extension-identifier"]);
    if (!this.#told.has(id)) return;
    this.#told.set(id, response);
    this.#handOut();
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

function send(response: ServerResponse, status: number): void {
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": 2 });
  response.end("{}");
}
