// What the buffered and the streaming entry have in common: an event becomes a request, the request an answer.
import { abandon, ncsaMessage, type ScoreError, type ScoreResponse, toScoreError } from "../../src/host.ts";
import { tooLarge } from "../http/incoming.ts";
import { Deadline, type LambdaContext } from "./deadline.ts";
import { readEvent } from "./doors.ts";
import type { EventRequest } from "./event.ts";
import { checkedHead, sendableHead } from "./result.ts";
import { type LambdaService, SETTLE_MS } from "./service.ts";

export interface Front {
  /** Answers an event.
   *  @param deliver writes the answer, and gives what the invocation has as its result
   *  @param begun sees the request before it is answered
   *  @returns undefined for an event that only keeps the environment warm
   *  @throws EventError for one that is another service's; what `deliver` throws */
  serve<Result>(
    event: unknown,
    context: LambdaContext | undefined,
    deliver: (request: EventRequest, answer: ScoreResponse) => Promise<Result>,
    begun?: (request: EventRequest) => void,
  ): Promise<Result | undefined>;
  /** The answer in place of one that cannot be sent. */
  refuse(request: EventRequest, error: unknown): ScoreResponse;
  /** Writes the access record. @param length bytes of the body that were sent */
  logAccess(request: EventRequest, answer: ScoreResponse, length: number): void;
}

export function createFront({ scorer, config, log, runtime, flush, observer }: LambdaService): Front {
  async function serve<Result>(
    event: unknown,
    context: LambdaContext | undefined,
    deliver: (request: EventRequest, answer: ScoreResponse) => Promise<Result>,
    begun?: (request: EventRequest) => void,
  ): Promise<Result | undefined> {
    let deadline: Deadline | undefined;
    let served: EventRequest | undefined;
    try {
      const request = await readEvent(event, context?.awsRequestId);
      if (request === undefined) return undefined;
      served = request;
      begun?.(request);
      observer?.begun(request, context);
      deadline = new Deadline(context, (error) => request.signal.abort(error));
      return await deliver(request, await answered(request, deadline));
    } finally {
      deadline?.clear();
      await runtime.settle?.(SETTLE_MS);
      flush();
      const sending = observer?.ended(served, context);
      if (sending !== undefined) await sending;
    }
  }

  async function answered(request: EventRequest, deadline: Deadline): Promise<ScoreResponse> {
    const problem = request.problem ?? problemOf(request);
    if (problem !== undefined) return refuse(request, problem);
    const answering = scorer.handle(request);
    try {
      return checkedHead(await deadline.bound(answering));
    } catch (error) {
      void answering.then(
        ({ body }) => abandon(body),
        () => {},
      );
      return refuse(request, error);
    }
  }

  function problemOf({ body }: EventRequest): ScoreError | undefined {
    const { maxBodyBytes } = config;
    return maxBodyBytes > 0 && body.length > maxBodyBytes ? tooLarge(maxBodyBytes) : undefined;
  }

  function refuse(request: EventRequest, error: unknown): ScoreResponse {
    return sendableHead(scorer.refuse(request, toScoreError(error)));
  }

  function logAccess(request: EventRequest, answer: ScoreResponse, length: number): void {
    const { status, isUnrecorded } = answer;
    if (isUnrecorded) return;
    const { method, path, query, headers, remoteAddress } = request;
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
    if (message === null) return;
    log.access.info(message, log.fields?.ofSent(request, answer, length));
  }

  return { serve, refuse, logAccess };
}
