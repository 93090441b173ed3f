// The buffered AWS Lambda host: middy as a thin shell around serverless-http's objects around the listener that serves locally, too.
import type { IncomingMessage } from "node:http";
import middy from "@middy/core";
import { BadInputError, ScoreError, toScoreError } from "../../src/host.ts";
import type { Exchange } from "../http/exchange.ts";
import { createListener } from "../http/index.ts";
import { Deadline, type LambdaContext } from "./deadline.ts";
import { type Door, doorOf, isBatch, isWarmUp, readEvent } from "./event.ts";
import { NO_REQUEST, NOT_HTTP, type Refused, targetOf, UnansweredEvent } from "./refusal.ts";
import { type LambdaResult, lostCookies, toResult } from "./result.ts";
import { type LambdaService, SETTLE_MS } from "./service.ts";
import { answerOf, standInsFor } from "./stand-ins.ts";

export type { LambdaContext } from "./deadline.ts";
export type { LambdaResult } from "./result.ts";
export { inProcess, type LambdaOptions, type LambdaService, startService } from "./service.ts";

/** What `exports.handler` of a buffered function is. */
export type BufferedHandler = (event: unknown, context?: LambdaContext) => Promise<unknown>;

/** The request of an event, with what is kept of its way through the listener. */
type TracedRequest = IncomingMessage & { exchange?: Exchange };

/** The handler of a function whose answers are collected before they are sent: for a Function URL with `InvokeMode:
 *  BUFFERED`, REST and HTTP APIs and load balancers. It never rejects, save for batches of a queue or a stream. */
export function createHandler(service: LambdaService): BufferedHandler {
  const { scorer, config, log, runtime } = service;
  const listener = createListener(
    scorer,
    {
      maxBodyBytes: config.maxBodyBytes,
      onExchange(exchange) {
        (exchange.request as TracedRequest).exchange = exchange;
      },
    },
    log,
  );

  async function score(event: unknown, context?: LambdaContext): Promise<LambdaResult> {
    const door = doorOf(event)!;
    const request = readEvent(event, door);
    const standIns = standInsFor(request);
    const traced: TracedRequest = standIns.request;
    const deadline = new Deadline(context, (error) => traced.exchange?.signal.abort(error));
    try {
      const answer = await deadline.bound(answerOf(listener, standIns));
      const lost = lostCookies(door, answer.headers);
      if (lost > 0) log.server.warning(`${lost} cookies are lost: the load balancer's multi-value headers are off`);
      return toResult(door, answer);
    } catch (error) {
      standIns.response.destroy();
      return refuse(door, request, toScoreError(error));
    } finally {
      deadline.clear();
      await runtime.settle?.(SETTLE_MS);
    }
  }

  function refuse(door: Door, request: Refused, error: ScoreError): LambdaResult {
    const { status, headers, body } = scorer.refuse(request, error);
    const bytes = Buffer.from(body as string);
    return toResult(door, { status, headers: [...headers, ["Content-Length", String(bytes.length)]], body: bytes });
  }

  return (
    middy(score, {
      // Its time-out shares one AbortController among requests, and its answer would know neither event nor context.
      timeoutEarlyInMillis: 0,
      requestEnd: () => service.flush(),
    })
      .before(({ event }) => {
        if (isWarmUp(event)) return { warm: true };
        if (doorOf(event) !== undefined) return undefined;
        log.server.warning(NOT_HTTP);
        if (isBatch(event)) {
          service.flush();
          throw new UnansweredEvent(NOT_HTTP);
        }
        return refuse("v1", NO_REQUEST, new BadInputError("ERR_BAD_REQUEST", NOT_HTTP));
      })
      // biome-ignore lint/suspicious/noExplicitAny: middy's type is of its own kind of error and result
      .onError((failure: any) => {
        const { event, error } = failure;
        if (error instanceof UnansweredEvent) return;
        if (!(error instanceof ScoreError)) log.server.error(`Encountered Exception: ${toScoreError(error).stack}\n`);
        failure.response = refuse(doorOf(event) ?? "v1", targetOf(event), toScoreError(error));
      }) as unknown as BufferedHandler
  );
}
