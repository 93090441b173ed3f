// Lets clients in, finds the deployment for each request, and turns what that answers into what Azure's gateway would say.
// In this order: key or token, rate, deployment, capacity, answer, time limit.
import { randomUUID } from "node:crypto";
import {
  type Log,
  type ScoreError,
  type ScoreRequest,
  type ScoreResponse,
  toScoreError,
  watched,
} from "../../src/host.ts";
import { errorAnswer } from "../error-answer.ts";
import type { Credentials, Gateway, GatewayEvents, Mirror, Routing, Target } from "../types.ts";
import { createAccessLog } from "./access-log.ts";
import { admission } from "./admission.ts";
import { type AnswerRules, type Outcome, passedOn, refusalOf, refused } from "./answers.ts";
import { clientIdOf, DEPLOYMENT_HEADER, Forwarded, REQUEST_ID_HEADER } from "./forwarded.ts";
import { createPlanner, draw, drawsShadow, localPath, type Plan } from "./plan.ts";
import { createRateLimit } from "./rate.ts";
import {
  BAD_ANSWER,
  FULL,
  INTERNAL,
  NOT_READY,
  notReady,
  type Refusal,
  RefusalError,
  TOO_FAST,
  UNKNOWN_DEPLOYMENT,
  UNROUTABLE,
} from "./refusals.ts";
import { sentRequest } from "./sent-request.ts";
import { TimeLimits } from "./time-limits.ts";

export interface GatewayOptions {
  /** Asked with each request: another one counts from the next request on. */
  readonly routing: () => Routing;
  readonly credentials: Credentials;
  readonly mirror?: Mirror | undefined;
  readonly events?: GatewayEvents | undefined;
  readonly log: Log;
  /** Adds the text to errors that Azure's managed gateway adds to them, also behind bodies that are JSON. */
  readonly cloudErrorText?: boolean;
  /** Requests a second that the endpoint takes; 0 or undefined: as many as come. */
  readonly maxRate?: number | undefined;
  /** A page of the gateway's own, for whoever is let in. */
  readonly page?:
    | { readonly path: string; readonly answer: (request: ScoreRequest) => Promise<ScoreResponse> }
    | undefined;
  /** Shows scripts the key or token of their client. Off: it would stand in what they log. */
  readonly keepsAuthorization?: boolean;
  /** In [0, 1). */
  readonly random?: () => number;
}

type Head = Pick<ScoreRequest, "method" | "path" | "query" | "loggedQuery" | "headers" | "receivedAt" | "log">;

/** Where a request goes, or why it goes nowhere. */
interface Destination {
  readonly target: Target | undefined;
  /** The client did not choose. */
  readonly isDrawn: boolean;
  readonly refusal: Refusal | undefined;
}

/** What the record of a request says that a second answer to it must say, too. */
interface Passed {
  readonly requestId: string;
  readonly deployment: string;
}

/** A request that has come, and what its records say of it whatever becomes of it. */
interface Arrival {
  readonly request: ScoreRequest;
  readonly requestId: string;
  readonly clientId: string | undefined;
  readonly startedAt: number;
  readonly receivedMs: number;
}

export function createGateway(options: GatewayOptions): Gateway {
  const {
    credentials,
    mirror,
    events,
    log,
    page,
    random = Math.random,
    maxRate = 0,
    keepsAuthorization = false,
  } = options;
  const planNow = createPlanner(options.routing);
  const passes = maxRate > 0 ? createRateLimit(maxRate) : undefined;
  const writeAccess = createAccessLog(log);
  const limits = new TimeLimits();
  /** Whose answers went to the host, which may find that HTTP cannot carry one. */
  const passed = new WeakMap<object, Passed>();
  const rulesOf = ({ routing: { form } }: Plan): AnswerRules => ({
    form,
    addsGuide: options.cloudErrorText === true,
  });

  function handle(request: ScoreRequest): Promise<ScoreResponse> {
    const arrival = arrive(request);
    const plan = planNow();
    try {
      const refusal = admission(request, plan.routing, credentials);
      if (refusal !== undefined) return answered(arrival, plan, refusal, undefined);
      if (page !== undefined && request.path === page.path) return shown(arrival, plan);
      if (passes?.() === false) return answered(arrival, plan, TOO_FAST, undefined);
      const to = destination(request, plan);
      if (to.refusal !== undefined) return answered(arrival, plan, to.refusal, to.target?.name);
      return sent(arrival, plan, to.target!, to.isDrawn);
    } catch (error) {
      return answered(arrival, plan, internal(arrival.request, error), undefined);
    }
  }

  /** The gateway's own page. */
  async function shown(arrival: Arrival, plan: Plan): Promise<ScoreResponse> {
    const { request, requestId } = arrival;
    try {
      const answer = await page!.answer(request);
      return { ...answer, headers: [...answer.headers, [REQUEST_ID_HEADER, requestId]] };
    } catch (error) {
      return refuseWith(arrival, plan, internal(request, error), undefined);
    }
  }

  function answered(arrival: Arrival, plan: Plan, refusal: Refusal, name: string | undefined): Promise<ScoreResponse> {
    return Promise.resolve(refuseWith(arrival, plan, refusal, name));
  }

  function refuseWith(arrival: Arrival, plan: Plan, refusal: Refusal, name: string | undefined): ScoreResponse {
    return recorded(arrival, plan, refused(refusal, rulesOf(plan), arrival.requestId, name), name);
  }

  /** Hands the request over. What comes first counts: the answer, or the end of the time it has. */
  function sent(arrival: Arrival, plan: Plan, target: Target, isDrawn: boolean): Promise<ScoreResponse> {
    const { request, requestId, clientId, startedAt } = arrival;
    const path = localPath(request.path, plan);
    const forwarded = new Forwarded(request, path, requestId, clientId, startedAt, keepsAuthorization);
    const isMirrored = isDrawn && mirror !== undefined && drawsShadow(plan, random);
    const sentAt = performance.now();
    return sentRequest(forwarded, target, sentAt, limits, (result) => {
      try {
        if (result.refusal !== undefined) return refuseWith(arrival, plan, result.refusal, target.name);
        if (result.answer === undefined) {
          return refuseWith(arrival, plan, internal(request, result.error), target.name);
        }
        const { answer } = result;
        const own = refusalOf(answer, plan.routing.form);
        if (own !== undefined) return refuseWith(arrival, plan, own, target.name);
        const seen = isMirrored ? offered(forwarded, target, plan, answer, sentAt) : answer;
        const outcome = passedOn(seen, rulesOf(plan), requestId, target.name);
        passed.set(request, { requestId, deployment: target.name });
        return recorded(arrival, plan, outcome, target.name);
      } catch (error) {
        return refused(internal(request, error), rulesOf(plan), requestId, target.name).response;
      }
    });
  }

  /** A mirror that fails must not cost the client its answer. */
  function offered(
    request: Forwarded,
    target: Target,
    { shadow }: Plan,
    answer: ScoreResponse,
    at: number,
  ): ScoreResponse {
    try {
      return mirror!.offer(request, target, shadow!, answer, performance.now() - at);
    } catch (error) {
      internal(request, error);
      return answer;
    }
  }

  /** Tells of the answer: now, or when its stream has ended. */
  function recorded(
    arrival: Arrival,
    plan: Plan,
    { response, modelStatus, reason }: Outcome,
    deployment: string | undefined,
  ): ScoreResponse {
    const { request, requestId, clientId, startedAt, receivedMs } = arrival;
    const headMs = performance.now() - startedAt;
    const tell = (responseBytes: number, totalMs: number): void => {
      const record = {
        request,
        requestId,
        clientRequestId: clientId,
        deployment,
        status: response.status,
        modelStatus,
        reason,
        requestBytes: request.body.length,
        responseBytes,
        headMs,
        totalMs,
        isMirrored: false,
      };
      try {
        events?.answered(record);
        writeAccess(record, receivedMs, plan.routing.endpoint);
      } catch (error) {
        // Who counts must not cost the client its answer.
        internal(request, error);
      }
    };
    const { body } = response;
    if (typeof body === "string" || body instanceof Uint8Array) {
      const bytes = typeof body === "string" ? Buffer.byteLength(body) : body.length;
      tell(request.method === "HEAD" ? 0 : bytes, headMs);
      return response;
    }
    const seen = watched(body, (bytes) => tell(bytes, performance.now() - startedAt));
    return { ...response, body: seen };
  }

  function internal(request: Head, error: unknown): Refusal {
    const { message, stack } = toScoreError(error);
    (request.log ?? log).server.error(`The gateway failed at ${request.method} ${request.path}: ${stack ?? message}\n`);
    return INTERNAL;
  }

  /** The answer to what the host does not hand over. */
  function refuse(head: Head, error: ScoreError): ScoreResponse {
    const arrival = arrive(withoutBody(head));
    const plan = planNow();
    if (error instanceof RefusalError) return refuseWith(arrival, plan, error.refusal, error.deployment);
    if (error.code === "ERR_OVERLOAD") return refuseWith(arrival, plan, FULL, undefined);
    const answer = errorAnswer(error);
    const headers = [...answer.headers, [REQUEST_ID_HEADER, arrival.requestId] as const];
    const response = { ...answer, headers, isUnrecorded: true as const };
    return recorded(arrival, plan, { response, modelStatus: undefined, reason: error.code }, undefined);
  }

  /** The answer in place of one that HTTP cannot carry, whose record has been written. */
  function failed(head: Head, error: unknown): ScoreResponse {
    const { requestId = randomUUID(), deployment } = passed.get(head) ?? {};
    const line = `The answer to ${head.method} ${head.path} could not be sent: ${toScoreError(error).message}`;
    (head.log ?? log).server.error(`${line} (request ${requestId})`);
    return refused(BAD_ANSWER, rulesOf(planNow()), requestId, deployment).response;
  }

  /** Before a body is read: what is certain already. */
  function refusal(head: Pick<ScoreRequest, "method" | "path" | "headers">): ScoreError | undefined {
    const plan = planNow();
    const denial = admission(head, plan.routing, credentials);
    if (denial !== undefined) return new RefusalError(denial, undefined);
    // Which one a draw will choose is not known yet.
    if (!head.headers[DEPLOYMENT_HEADER] && plan.weighted.length > 1) return undefined;
    const to = destination(head, plan);
    return to.refusal && new RefusalError(to.refusal, to.target?.name);
  }

  function destination({ path, headers }: Pick<ScoreRequest, "path" | "headers">, plan: Plan): Destination {
    const wanted = headers[DEPLOYMENT_HEADER];
    // An empty one, which scripts send whose variable is not set, chooses nothing.
    const isDrawn = wanted === undefined || wanted === "";
    const target = isDrawn ? draw(plan, random) : plan.routing.targets.get(wanted.trim().toLowerCase());
    if (target === undefined) {
      return { target, isDrawn, refusal: isDrawn ? UNROUTABLE : UNKNOWN_DEPLOYMENT };
    }
    if (!target.isReady) {
      // The one path at which the server of a script says why, too.
      const refusal = localPath(path, plan) === READY_PATH ? notReady(target.whyNotReady) : NOT_READY;
      return { target, isDrawn, refusal };
    }
    const { inFlight, leaving = 0, capacity } = target;
    return { target, isDrawn, refusal: inFlight - leaving < capacity ? undefined : FULL };
  }

  return { handle, refuse, failed, takesBody: () => true, refusal, flush: () => {} };
}

function arrive(request: ScoreRequest): Arrival {
  const now = performance.now();
  const { receivedAt: startedAt = now } = request;
  const clientId = clientIdOf(request.headers);
  return { request, requestId: randomUUID(), clientId, startedAt, receivedMs: now - startedAt };
}

function withoutBody({ method, path, query, loggedQuery, headers, receivedAt, log }: Head): ScoreRequest {
  const when = receivedAt === undefined ? {} : { receivedAt };
  return { method, path, query, loggedQuery, headers, body: NO_BODY, ...when, ...(log && { log }) };
}

const READY_PATH = "/ready";

const NO_BODY: Uint8Array = new Uint8Array(0);
