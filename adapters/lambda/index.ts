// The buffered AWS Lambda host: middy as a thin shell around serverless-http around the listener that serves locally, too.
import type { IncomingMessage, ServerResponse } from "node:http";
import middy from "@middy/core";
import serverlessHttp from "serverless-http";
import { BadInputError, ScoreError, toScoreError } from "../../src/index.ts";
import type { Exchange } from "../http/exchange.ts";
import { createListener } from "../http/index.ts";
import { Deadline, type LambdaContext } from "./deadline.ts";
import { type Door, doorOf, type HttpEvent, isBatch, isWarmUp, readEvent } from "./event.ts";
import { guard, headOf } from "./guard.ts";
import { NO_REQUEST, NOT_HTTP, type Refused, targetOf, UnansweredEvent } from "./refusal.ts";
import { type LambdaResult, lostCookies, toResult, type WholeAnswer } from "./result.ts";
import { type LambdaService, SETTLE_MS } from "./service.ts";

export type { LambdaContext } from "./deadline.ts";
export type { LambdaResult } from "./result.ts";
export { inProcess, type LambdaOptions, type LambdaService, startService } from "./service.ts";

/** What `exports.handler` of a buffered function is. */
export type BufferedHandler = (event: unknown, context?: LambdaContext) => Promise<unknown>;

/** One event on its way through serverless-http, in the one shape that it is given: payload format 2.0. */
interface Carried {
  readonly version: "2.0";
  readonly rawPath: string;
  readonly rawQueryString: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
  readonly requestContext: { http: { method: string; sourceIp: string | undefined } };
  exchange?: Exchange;
  answer?: WholeAnswer;
}

/** The request object, with the event it was made from. */
type CarriedRequest = IncomingMessage & { carried?: Carried };
/** The response object: its class gives out the body that was collected. */
type CarriedResponse = ServerResponse & { constructor: { body(response: ServerResponse): Buffer } };

/** The handler of a function whose answers are collected before they are sent: for a Function URL with `InvokeMode:
 *  BUFFERED`, REST and HTTP APIs and load balancers. It never rejects, save for batches of a queue or a stream. */
export function createHandler(service: LambdaService): BufferedHandler {
  const { scorer, config, log, runtime } = service;
  const listener = createListener(
    scorer,
    {
      maxBodyBytes: config.maxBodyBytes,
      onExchange(exchange) {
        const { carried } = exchange.request as CarriedRequest;
        if (carried !== undefined) carried.exchange = exchange;
      },
    },
    log,
  );
  const call = serverlessHttp(guard(listener), {
    // Both are ours: the core makes request ids, and result.ts knows the body when it decides on base64.
    requestId: "",
    binary: false,
    request(request: CarriedRequest, carried: Carried) {
      for (const name in carried.headers) request.rawHeaders.push(name, carried.headers[name]!);
      request.carried = carried;
    },
    response(response: CarriedResponse, carried: Carried) {
      const { status, headers } = headOf(response) ?? { status: response.statusCode, headers: [] };
      carried.answer = { status, headers, body: response.constructor.body(response) };
    },
  });

  async function score(event: unknown, context?: LambdaContext): Promise<LambdaResult> {
    const door = doorOf(event)!;
    const request = readEvent(event, door);
    const carried = carry(request);
    const deadline = new Deadline(context, (error) => carried.exchange?.signal.abort(error));
    try {
      const answered = call(carried, context ?? {});
      await (deadline.missed === undefined ? answered : Promise.race([answered, deadline.missed]));
      const answer = carried.answer!;
      const lost = lostCookies(door, answer.headers);
      if (lost > 0) log.server.warning(`${lost} cookies are lost: the load balancer's multi-value headers are off`);
      return toResult(door, answer);
    } catch (error) {
      carried.exchange?.response.destroy();
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

function carry({ method, path, query, headers, body, remoteAddress }: HttpEvent): Carried {
  return {
    version: "2.0",
    rawPath: path,
    rawQueryString: query,
    headers,
    body,
    requestContext: { http: { method, sourceIp: remoteAddress } },
  };
}
