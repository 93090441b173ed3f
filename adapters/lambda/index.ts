// The buffered AWS Lambda host, for a Function URL with `InvokeMode: BUFFERED`, REST and HTTP APIs, load balancers and direct
// invocations: middy as the outer shell, so that its middlewares can be used.
import middy from "@middy/core";
import { abandon, ScoreError, type ScoreResponse, toScoreError } from "../../src/host.ts";
import { eachChunk } from "./chunks.ts";
import type { LambdaContext } from "./deadline.ts";
import { InvocationError } from "./direct.ts";
import { toResult } from "./doors.ts";
import type { EventRequest } from "./event.ts";
import { EventError } from "./event-error.ts";
import { createFront } from "./front.ts";
import {
  framed,
  type HttpDoor,
  isBodyless,
  type LambdaResult,
  MAX_RESULT_BYTES,
  sizeOf,
  tooLarge,
  type WholeAnswer,
} from "./result.ts";
import type { LambdaService } from "./service.ts";

export type { LambdaContext } from "./deadline.ts";
export { InvocationError } from "./direct.ts";
export { EventError } from "./event-error.ts";
export type { LambdaResult } from "./result.ts";
export { inProcess, type LambdaOptions, type LambdaService, startService } from "./service.ts";

/** What `exports.handler` of a buffered function is. */
export type BufferedHandler = (event: unknown, context?: LambdaContext) => Promise<unknown>;

/** The answer to what nobody foresaw, which must not be an invocation that fails: its client would get a bare 502. */
const UNFORESEEN: LambdaResult = {
  statusCode: 500,
  headers: { "Content-Type": "application/json" },
  body: '{"message": "An unexpected internal error occurred. Check the logs for more info."}',
  isBase64Encoded: false,
};

/** The handler of a function whose answers are collected before they are sent.
 *  It rejects with an EventError for an event of another service of AWS, which would otherwise take it for handled, and with
 *  an InvocationError for a direct invocation that fails; never else.
 *  @param service a promise where the module cannot wait for it: the first request does */
export function createHandler(service: LambdaService | Promise<LambdaService>): BufferedHandler {
  if (service instanceof Promise) {
    const later = service.then(createHandler);
    return async (event, context) => (await later)(event, context);
  }
  const { log, flush } = service;
  const { serve, refuse, logAccess } = createFront(service);

  async function score(event: unknown, context?: LambdaContext): Promise<unknown> {
    const result = await serve(event, context, async (request, answer) => {
      try {
        return await deliver(request, answer);
      } catch (error) {
        if (error instanceof InvocationError) throw error;
        abandon(answer.body);
        return await deliver(request, refuse(request, asScriptFault(error)));
      }
    });
    return result === undefined ? { warm: true } : result;
  }

  async function deliver(request: EventRequest, answer: ScoreResponse): Promise<unknown> {
    const whole = await collect(request, answer);
    const { door } = request;
    const result = await (door === "direct" ? toDirectResult(whole) : toHttpResult(door, whole));
    logAccess(request, answer, sizeOf(whole.body));
    if (result instanceof InvocationError) throw result;
    return result;
  }

  async function toHttpResult(door: HttpDoor, whole: WholeAnswer): Promise<LambdaResult> {
    if (door === "alb") {
      const { lostCookies } = await import("./other-results.ts");
      const lost = lostCookies(whole.headers);
      if (lost > 0) log.server.warning(`${lost} cookies are lost: the load balancer's multi-value headers are off`);
    }
    return toResult(door, whole);
  }

  // biome-ignore lint/suspicious/noExplicitAny: middy's type is of its own kind of error and result
  const shell = middy(score, { timeoutEarlyInMillis: 0 }).onError((failure: any) => {
    const { error } = failure;
    if (error instanceof EventError) log.server.error(error.message);
    // What an invocation failed with is in the log already.
    else if (!(error instanceof InvocationError)) {
      log.server.error(`Encountered Exception: ${toScoreError(error).stack}\n`);
      failure.response = UNFORESEEN;
    }
    flush();
  });
  return shell as unknown as BufferedHandler;
}

async function toDirectResult(whole: WholeAnswer): Promise<unknown> {
  const { toValue } = await import("./direct-answer.ts");
  return toValue(whole);
}

/** What a stream throws midway is the script's, unless it says otherwise. */
function asScriptFault(error: unknown): ScoreError {
  const { code, message, report } = toScoreError(error);
  if (error instanceof ScoreError && code !== "ERR_SCRIPT_RUN") return error;
  const text = `The answer was cut off before its end: ${report?.traceback ?? message}`;
  return new ScoreError("ERR_SCRIPT_RUN", text, { cause: error, report });
}

/** @throws what the script fails with midway; ScoreError `ERR_ANSWER` for more than any door takes */
async function collect({ method, signal }: EventRequest, answer: ScoreResponse): Promise<WholeAnswer> {
  const { status, headers, body } = answer;
  const isEmpty = isBodyless(method, status);
  if (typeof body === "string" || body instanceof Uint8Array) {
    return { status, headers: framed(status, headers, sizeOf(body)), body: isEmpty ? "" : body };
  }
  if (isEmpty) {
    abandon(answer.body);
    return { status, headers, body: "" };
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  await eachChunk(body, signal, (chunk) => {
    length += chunk.length;
    if (length > MAX_RESULT_BYTES) throw tooLarge("more bytes", MAX_RESULT_BYTES);
    chunks.push(chunk);
    return undefined;
  });
  return { status, headers, body: Buffer.concat(chunks, length) };
}
