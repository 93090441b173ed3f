import type { Config } from "../config/config.ts";
import { BadInputError, OverloadError, type ScoreError, toScoreError } from "../core/errors.ts";
import type { Events, RequestAnswered, RequestHead } from "../core/events.ts";
import { type RequestIds, resolveIds } from "../core/headers.ts";
import { newRequestId } from "../core/request-id.ts";
import type { Trace, Tracer } from "../core/trace.ts";
import type { HeaderList, ScoreHandler, ScoreRequest, ScoreResponse, ScoreRuntime } from "../core/types.ts";
import type { Bursts } from "./bursts.ts";
import type { Cors } from "./cors.ts";
import { type FailedModel, livenessRoute, readinessRoute } from "./probes.ts";
import { badResponse, errorResponse, textResponse } from "./respond.ts";
import { methodNotAllowed, notFound, type Route, type RouteFamily, RouteTable } from "./route.ts";
import { scoreRoute } from "./score.ts";
import type { countedStream } from "./stream-end.ts";
import { swaggerRoute } from "./swagger.ts";

/** The settings that answers depend on. */
export type ScorerConfig = Pick<
  Config,
  "errorDetail" | "readyPath" | "serverVersion" | "serviceName" | "servicePathPrefix" | "serviceVersion"
> &
  Partial<Pick<Config, "corsOrigins" | "rootProbe" | "swaggerFiles">>;

/** What only some settings need. */
export interface ScorerExtras {
  /** Undefined where CORS is off. */
  readonly cors: Cors | undefined;
  /** Undefined where nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** Undefined where nobody listens for the ends of streams. */
  readonly countStream: typeof countedStream | undefined;
  /** Sums up the log lines of refusals. Undefined: there is a line for each. */
  readonly refusals: Bursts | undefined;
  /** Undefined where a script is served. */
  readonly model?: ModelFront | undefined;
}

/** What answers for a model that is served without a script. */
export interface ModelFront {
  readonly routes: readonly Route[];
  readonly family: RouteFamily;
  /** Models of a repository that cannot be served. */
  failures(): readonly FailedModel[];
}

/** Answers requests with a score script, whatever host they come from. */
export interface Scorer {
  readonly handle: ScoreHandler;
  /** The answer to a request the host cannot hand over: too large, not HTTP, not complete. */
  refuse(request: RequestHead, error: ScoreError): ScoreResponse;
  /** The answer in place of one that the host could not send. */
  failed(request: RequestHead, error: unknown): ScoreResponse;
  /** False: whatever the body holds, the answer is the same, so a host need not keep it. */
  takesBody(request: Pick<ScoreRequest, "method" | "path">): boolean;
  /** Why a request with a body would be turned away if it came now, so that a host can say so before it reads the body.
   *  @param bodyBytes of this body and all that the host is receiving   @returns undefined: it would be taken */
  refusal(request: Pick<ScoreRequest, "method" | "path" | "headers">, bodyBytes: number): ScoreError | undefined;
  /** Announces what is still held back: the numbers of refusals. */
  flush(): void;
}

/** @param runtime started by the caller; until it is ready, requests wait in it
 *  @param moreRoutes of the host's own */
export function composeScorer(
  config: ScorerConfig,
  runtime: ScoreRuntime,
  events: Events,
  { cors, tracer, countStream, refusals, model }: ScorerExtras,
  moreRoutes: readonly Route[] = [],
): Scorer {
  const routes = new RouteTable(
    [
      scoreRoute(config, runtime, events),
      livenessRoute(config, runtime),
      swaggerRoute(config, runtime),
      readinessRoute(config, runtime, model?.failures),
      ...(model?.routes ?? []),
      ...moreRoutes,
    ],
    model?.family,
  );

  async function handle(request: ScoreRequest): Promise<ScoreResponse> {
    const startedAt = request.receivedAt ?? performance.now();
    const route = routes.find(request.path);
    const ids = resolveIds(request.headers, newRequestId, traceOf(request, route, startedAt));
    if (route !== undefined) events.requestReceived?.({ request, ids, route: route.path });
    let response: ScoreResponse;
    try {
      response = await answer(route, request, ids);
    } catch (error) {
      response = failure(route, request, ids, toScoreError(error));
    }
    const start = { request, ids, startedAt, requestBytes: request.body.length, wasReceived: route !== undefined };
    return finish(start, route, response, route?.logged === true);
  }

  function answer(
    route: Route | undefined,
    request: ScoreRequest,
    ids: RequestIds,
  ): ScoreResponse | Promise<ScoreResponse> {
    const told = (error: ScoreError): ScoreResponse => tell(route, request, ids, error);
    if (route === undefined) return told(notFound());
    if (!takes(route, request.method)) return withAllow(route, told(methodNotAllowed()));
    if (ids.tooLong !== undefined) return told(new BadInputError("ERR_HEADER_LIMIT", ids.tooLong));
    if (request.method === "OPTIONS" && !route.handlesOptions) return withAllow(route, textResponse("", ids, config));
    return route.handle(request, ids);
  }

  function tell(route: Route | undefined, { path }: RequestHead, ids: RequestIds, error: ScoreError): ScoreResponse {
    return (routes.tellerOf(path, route) ?? errorResponse)(error, ids, config);
  }

  /** What all answers have in common, refusals included. */
  function finish(start: Start, route: Route | undefined, bare: ScoreResponse, wantsRecord: boolean): ScoreResponse {
    const { request, ids, startedAt, requestBytes, wasReceived } = start;
    const isTaken = route !== undefined && takes(route, request.method);
    const whole = cors === undefined || !isTaken ? bare : withHeaders(bare, cors.headers(request));
    const response = whole.trace === ids.trace ? whole : { ...whole, trace: ids.trace };
    if (events.requestAnswered === undefined) return response;
    const answered: RequestAnswered = {
      request,
      ids,
      route: route?.path,
      isLogged: wantsRecord && isTaken && isHandled(route, request.method, ids) && !bare.isUnrecorded,
      response,
      requestBytes,
      wasReceived,
      startedAt,
      endedAt: performance.now(),
    };
    events.requestAnswered(answered);
    const { streamEnded } = events;
    return streamEnded === undefined || countStream === undefined ? response : countStream(answered, streamEnded);
  }

  function failure(route: Route | undefined, request: RequestHead, ids: RequestIds, error: ScoreError): ScoreResponse {
    const response = tell(route, request, ids, error);
    if (error instanceof OverloadError) return refused(request, ids, response, error, error.message);
    events.requestFailed?.({ request, ids, failure: error });
    return response;
  }

  function refused(
    request: RequestHead,
    ids: RequestIds,
    response: ScoreResponse,
    error: ScoreError,
    text: string,
  ): ScoreResponse {
    const announce = (line: string): void => events.requestsRefused?.({ request, ids, code: error.code, line });
    // A host that keeps records by request has no place for what is summed up.
    if (request.log !== undefined || refusals === undefined) announce(text);
    else if (!refusals.add(error instanceof OverloadError ? error.code : error.message, text, announce)) {
      return { ...response, isUnrecorded: true };
    }
    return response;
  }

  function refuse(request: RequestHead, error: ScoreError): ScoreResponse {
    const route = routes.find(request.path);
    const startedAt = request.receivedAt ?? performance.now();
    const start = begin(request, startedAt, traceOf(request, route, startedAt));
    const text = `${request.method} ${request.path} refused: ${error.message}`;
    const response = refused(request, start.ids, tell(route, request, start.ids, error), error, text);
    return finish(start, route, response, false);
  }

  function failed(request: RequestHead, error: unknown): ScoreResponse {
    const route = routes.find(request.path);
    // The trace has ended with the answer that could not be sent.
    const start = begin(request, performance.now(), undefined);
    return finish(start, route, failure(route, request, start.ids, badResponse(error)), false);
  }

  /** Of a request that the host could not hand over. */
  function begin(request: RequestHead, startedAt: number, trace: Trace | undefined): Start {
    const ids = resolveIds(request.headers, newRequestId, trace);
    return { request, ids, startedAt, requestBytes: 0, wasReceived: false };
  }

  /** Probes and strangers would hide what a trace is looked at for. */
  function traceOf(request: RequestHead, route: Route | undefined, startedAt: number): Trace | undefined {
    return tracer !== undefined && route?.logged ? tracer.begin(request, route.path, startedAt) : undefined;
  }

  function takesBody({ method, path }: Pick<ScoreRequest, "method" | "path">): boolean {
    const route = routes.find(path);
    return route?.takesBody === true && takes(route, method);
  }

  function refusal(
    request: Pick<ScoreRequest, "method" | "path" | "headers">,
    bodyBytes: number,
  ): ScoreError | undefined {
    if (!takesBody(request)) return undefined;
    const error = runtime.refusal?.(bodyBytes);
    return error && toScoreError(error);
  }

  return { handle, refuse, failed, takesBody, refusal, flush: () => refusals?.flush() };
}

type Start = Pick<RequestAnswered, "request" | "ids" | "startedAt" | "requestBytes" | "wasReceived">;

function takes(route: Route, method: string): boolean {
  return route.methods.includes(method);
}

/** False: the answer was made before the route was asked. */
function isHandled(route: Route, method: string, { tooLong }: RequestIds): boolean {
  return tooLong === undefined && (method !== "OPTIONS" || route.handlesOptions === true);
}

function withAllow(route: Route, response: ScoreResponse): ScoreResponse {
  return withHeaders(response, [["Allow", route.methods.join(", ")]]);
}

function withHeaders(response: ScoreResponse, more: HeaderList): ScoreResponse {
  return { ...response, headers: [...response.headers, ...more] };
}
