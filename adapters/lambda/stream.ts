// The streaming AWS Lambda host, for a Function URL with `InvokeMode: RESPONSE_STREAM` and REST APIs that stream.
import { once } from "node:events";
import type { Writable } from "node:stream";
import { abandon, ScoreError, type ScoreResponse, toScoreError } from "../../src/host.ts";
import { eachChunk } from "./chunks.ts";
import type { LambdaContext } from "./deadline.ts";
import { InvocationError, isFailure } from "./direct.ts";
import { toStreamHead } from "./doors.ts";
import type { EventRequest } from "./event.ts";
import { EventError } from "./event-error.ts";
import { createFront } from "./front.ts";
import { bytesOf, framed, isBodyless, type StreamHead } from "./result.ts";
import type { LambdaService } from "./service.ts";

export { InvocationError } from "./direct.ts";
export { EventError } from "./event-error.ts";
export { inProcess, type LambdaOptions, type LambdaService, startService } from "./service.ts";

/** What Lambda's runtime offers as the global `awslambda`. */
interface StreamingRuntime {
  streamifyResponse(handler: StreamHandler): unknown;
  readonly HttpResponseStream: { from(stream: Writable, head: StreamHead): Writable };
}

/** A handler before it is made known to the runtime. */
export type StreamHandler = (event: unknown, stream: Writable, context?: LambdaContext) => Promise<void>;

/** The handler of a function whose answers are sent piece by piece. To be called where Lambda's runtime runs.
 *  @param service a promise where the module cannot wait for it: the first request does */
export function createStreamHandler(service: LambdaService | Promise<LambdaService>): unknown {
  const runtime = (globalThis as unknown as { awslambda?: StreamingRuntime }).awslambda;
  if (runtime === undefined) {
    throw new Error(
      "there is no global awslambda: a streaming handler runs in Lambda's runtime (or in scorefn invoke)",
    );
  }
  const start = (stream: Writable, head: StreamHead): Writable => runtime.HttpResponseStream.from(stream, head);
  if (!(service instanceof Promise)) return runtime.streamifyResponse(streamHandler(service, start));
  const later = service.then((ready) => streamHandler(ready, start));
  return runtime.streamifyResponse(async (event, stream, context) => (await later)(event, stream, context));
}

/** Rejects when the answer cannot be completed, besides what the buffered handler rejects with.
 *  @param start sends the head and gives the stream for the body */
export function streamHandler(
  service: LambdaService,
  start: (stream: Writable, head: StreamHead) => Writable,
): StreamHandler {
  const { log, flush } = service;
  const { serve, logAccess } = createFront(service);

  async function deliver(request: EventRequest, stream: Writable, answer: ScoreResponse): Promise<void> {
    const { method, door, signal } = request;
    const { status, headers, body } = answer;
    const isEmpty = isBodyless(method, status);
    const isWhole = typeof body === "string" || body instanceof Uint8Array;
    const bytes = isWhole ? bytesOf(body) : undefined;
    let length = 0;
    if (door === "direct" && isFailure(status)) {
      logAccess(request, answer, 0);
      if (bytes === undefined) abandon(answer.body);
      const { invocationError } = await import("./direct-answer.ts");
      throw invocationError(status, headers, bytes?.toString() ?? "");
    }
    const out = await begin(
      request,
      stream,
      bytes ? { ...answer, headers: framed(status, headers, bytes.length) } : answer,
    );
    if (isEmpty) abandon(answer.body);
    else if (bytes !== undefined) {
      length = bytes.length;
      if (length > 0) out.write(bytes);
    } else {
      await eachChunk(body as Exclude<typeof body, string | Uint8Array>, signal, (chunk) => {
        length += chunk.length;
        // Not of the stream's end: that waits for what is written.
        return out.write(chunk) ? undefined : once(out, "drain");
      });
    }
    await finish(out);
    logAccess(request, answer, length);
  }

  /** Sends the head. The runtime writes it with the first piece of the body only, so an empty piece goes with it. */
  async function begin({ door }: EventRequest, stream: Writable, answer: ScoreResponse): Promise<Writable> {
    if (door === "direct") return asJson(stream);
    const out = start(stream, await toStreamHead(door, answer.status, answer.headers));
    out.write("");
    return out;
  }

  return async (event, stream, context) => {
    let leave = (): void => {};
    try {
      const served = await serve(
        event,
        context,
        async (request, answer) => {
          await deliver(request, stream, answer);
          return true;
        },
        ({ signal }) => {
          leave = () => signal.abort();
          stream.once("close", leave).once("error", leave);
        },
      );
      if (!served) await finish(asJson(stream), '{"warm": true}');
    } catch (error) {
      const { message, report, stack } = toScoreError(error);
      if (error instanceof EventError) log.server.error(message);
      else if (error instanceof ScoreError)
        log.server.error(`A streamed answer ended early: ${report?.traceback ?? message}\n`);
      else if (!(error instanceof InvocationError)) log.server.error(`Encountered Exception: ${stack}\n`);
      flush();
      // Once the head has been sent, an invocation that fails is all that can still tell the client.
      throw error;
    } finally {
      stream.off("close", leave);
    }
  };
}

/** What is sent without a head of HTTP. */
function asJson(stream: Writable & { setContentType?(type: string): void }): Writable {
  stream.setContentType?.("application/json");
  return stream;
}

/** Ends the stream, and waits until the runtime has everything. */
async function finish(out: Writable, body = ""): Promise<void> {
  const finished = new Promise<void>((resolve, reject) => {
    out.once("finish", resolve).once("close", resolve).once("error", reject);
  });
  if (body === "") out.end();
  else out.end(body);
  await finished;
}
