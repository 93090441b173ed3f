// The streaming AWS Lambda host, for a Function URL with `InvokeMode: RESPONSE_STREAM` and REST APIs that stream. It maps
// events itself: serverless-http collects an answer before it gives it away.
import { once } from "node:events";
import type { Writable } from "node:stream";
import {
  BadInputError,
  type BodyStream,
  type DeadlineError,
  ncsaMessage,
  ScoreError,
  type ScoreRequest,
  type ScoreResponse,
  toScoreError,
} from "../../src/host.ts";
import { ClientSignal } from "../http/client-signal.ts";
import { headProblem, tooLarge } from "../http/incoming.ts";
import { Deadline, type LambdaContext } from "./deadline.ts";
import { type Door, doorOf, type HttpEvent, isBatch, isWarmUp, readEvent } from "./event.ts";
import { NO_REQUEST, NOT_HTTP, targetOf, UnansweredEvent } from "./refusal.ts";
import { checkHead, type StreamHead, toStreamHead } from "./result.ts";
import { type LambdaService, SETTLE_MS } from "./service.ts";

export { inProcess, type LambdaOptions, type LambdaService, startService } from "./service.ts";

/** What Lambda's runtime offers as the global `awslambda`. */
interface StreamingRuntime {
  streamifyResponse(handler: StreamHandler): unknown;
  readonly HttpResponseStream: { from(stream: Writable, head: StreamHead): Writable };
}

/** A handler before it is made known to the runtime. */
export type StreamHandler = (event: unknown, stream: Writable, context?: LambdaContext) => Promise<void>;

/** The handler of a function whose answers are sent piece by piece. To be called where Lambda's runtime runs. */
export function createStreamHandler(service: LambdaService): unknown {
  const runtime = (globalThis as unknown as { awslambda?: StreamingRuntime }).awslambda;
  if (runtime === undefined) {
    throw new Error(
      "there is no global awslambda: a streaming handler runs in Lambda's runtime (or in scorefn invoke)",
    );
  }
  return runtime.streamifyResponse(
    streamHandler(service, (stream, head) => runtime.HttpResponseStream.from(stream, head)),
  );
}

/** @param start sends the head and gives the stream for the body */
export function streamHandler(
  service: LambdaService,
  start: (stream: Writable, head: StreamHead) => Writable,
): StreamHandler {
  const { scorer, config, log, runtime } = service;

  async function answer(event: unknown, stream: Writable, context?: LambdaContext): Promise<void> {
    if (isWarmUp(event)) return finish(begin("v2", stream, { status: 200, headers: [], body: "" }));
    const door = doorOf(event);
    if (door === undefined) {
      log.server.warning(NOT_HTTP);
      if (isBatch(event)) throw new UnansweredEvent(NOT_HTTP);
      const refusal = scorer.refuse(NO_REQUEST, new BadInputError("ERR_BAD_REQUEST", NOT_HTTP));
      return finish(begin("v2", stream, refusal), refusal.body as string);
    }
    let request: HttpEvent;
    try {
      request = readEvent(event, door);
    } catch (error) {
      await sendWhole("GET", door, stream, scorer.refuse(targetOf(event), toScoreError(error)));
      return;
    }
    const signal = new ClientSignal();
    const deadline = new Deadline(context, (error) => signal.abort(error));
    const leave = (): void => signal.abort();
    stream.once("close", leave).once("error", leave);
    try {
      await score(request, stream, signal, deadline);
    } finally {
      deadline.clear();
      stream.off("close", leave);
      await runtime.settle?.(SETTLE_MS);
    }
  }

  async function score(request: HttpEvent, stream: Writable, signal: ClientSignal, deadline: Deadline): Promise<void> {
    const { door, method } = request;
    const answering = respond(request, signal);
    let scored: ScoreResponse;
    try {
      scored = await deadline.bound(answering);
      checkHead(scored.status, scored.headers);
    } catch (error) {
      void answering.then(abandon);
      scored = scorer.refuse(request, toScoreError(error));
    }
    const { status, body } = scored;
    const bodyless = method === "HEAD" || status === 204 || status === 304;
    let length = 0;
    if (typeof body === "string" || body instanceof Uint8Array) length = await sendWhole(method, door, stream, scored);
    else if (bodyless) {
      abandon(scored);
      await finish(begin(door, stream, scored));
    } else length = await pump(body, begin(door, stream, scored), signal);
    logAccess(request, status, length);
  }

  function respond(request: HttpEvent, signal: ClientSignal): Promise<ScoreResponse> {
    const { method, path, query, headers, body, remoteAddress } = request;
    const target = query === "" ? path : `${path}?${query}`;
    const receivedAt = performance.now();
    const scoreRequest: ScoreRequest = { method, path, query, headers, body, remoteAddress, signal, receivedAt };
    const problem = headProblem({ method, url: target, rawHeaders: Object.entries(headers).flat() });
    if (problem !== undefined) return Promise.resolve(scorer.refuse(request, problem));
    if (config.maxBodyBytes > 0 && body.length > config.maxBodyBytes) {
      return Promise.resolve(scorer.refuse(request, tooLarge(config.maxBodyBytes)));
    }
    return scorer.handle(scoreRequest);
  }

  /** Sends the head. The runtime writes it with the first piece of the body only, so an empty piece goes with it. */
  function begin(door: Door, stream: Writable, { status, headers }: ScoreResponse): Writable {
    const out = start(stream, toStreamHead(door, status, headers));
    out.write("");
    return out;
  }

  /** @returns bytes of the body sent */
  async function sendWhole(method: string, door: Door, stream: Writable, answer: ScoreResponse): Promise<number> {
    const { status, headers, body } = answer;
    const bytes = typeof body === "string" ? Buffer.from(body) : (body as Uint8Array);
    const bodyless = status === 204 || status === 304;
    const framed: ScoreResponse = bodyless
      ? answer
      : { ...answer, headers: [...headers, ["Content-Length", String(bytes.length)]] };
    const out = begin(door, stream, framed);
    const sent = bodyless || method === "HEAD" ? new Uint8Array(0) : bytes;
    await finish(out, sent);
    return sent.length;
  }

  function logAccess({ method, path, query, headers, remoteAddress }: HttpEvent, status: number, length: number): void {
    const message = ncsaMessage({
      timeMs: Date.now(),
      remoteAddress,
      method,
      target: query === "" ? path : `${path}?${query}`,
      httpVersion: "1.1",
      status,
      length,
      referer: headers.referer,
      userAgent: headers["user-agent"],
    });
    if (message !== null) log.access.info(message);
  }

  return async (event, stream, context) => {
    try {
      await answer(event, stream, context);
    } catch (error) {
      const { message, report, stack } = toScoreError(error);
      if (error instanceof ScoreError)
        log.server.error(`A streamed answer ended early: ${report?.traceback ?? message}\n`);
      else if (!(error instanceof UnansweredEvent)) log.server.error(`Encountered Exception: ${stack}\n`);
      // The head has been sent: an invocation that fails is all that can still tell the client.
      throw error;
    } finally {
      service.flush();
    }
  };
}

/** Nobody reads the answer: what streams it may stop. */
function abandon({ body }: ScoreResponse): void {
  if (typeof body === "string" || body instanceof Uint8Array) return;
  void Promise.resolve(body[Symbol.asyncIterator]().return?.()).catch(() => undefined);
}

/** Ends the stream, and waits until the runtime has everything. */
async function finish(out: Writable, body: string | Uint8Array = ""): Promise<void> {
  const finished = new Promise<void>((resolve, reject) => {
    out.once("finish", resolve).once("close", resolve).once("error", reject);
  });
  if (body.length > 0) out.end(body);
  else out.end();
  await finished;
}

/** Sends chunks as they come, and waits while the runtime's buffer is full.
 *  @returns bytes sent
 *  @throws what the script throws midway; ScoreError `ERR_DEADLINE` or `ERR_CLIENT_GONE` */
async function pump(body: BodyStream, out: Writable, signal: ClientSignal): Promise<number> {
  const chunks = body[Symbol.asyncIterator]();
  let length = 0;
  try {
    for (;;) {
      const item = await unlessAborted(chunks.next(), signal);
      if (item.done) break;
      length += item.value.length;
      if (!out.write(item.value)) await unlessAborted(once(out, "drain"), signal);
    }
  } catch (error) {
    // Not waited for: a script that is stuck would hold the request.
    void Promise.resolve(chunks.return?.()).catch(() => undefined);
    // The runtime ends the stream, and says that it is not complete; a stream destroyed here would end the process.
    throw error;
  }
  await finish(out);
  return length;
}

/** The promise's outcome, or the signal's reason when that comes first. Leaves nothing on the signal: a reaction for each
 *  chunk would keep all of them alive. */
function unlessAborted<T>(promise: Promise<T>, signal: ClientSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(reasonOf(signal.reason));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    void promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function reasonOf(reason: DeadlineError | ScoreError | undefined): ScoreError {
  return reason ?? new ScoreError("ERR_CLIENT_GONE", "the client left before the answer was complete");
}
