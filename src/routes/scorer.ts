import type { Config } from "../config/config.ts";
import {
  abortError,
  BadInputError,
  OverloadError,
  type ScoreError,
  ScoreError as ScoreFault,
  toScoreError,
} from "../core/errors.ts";
import { DEPRECATED_ID_WARNING, messageHeaders, type RequestIds, resolveIds } from "../core/headers.ts";
import type { Log, Logger } from "../core/log.ts";
import { newRequestId } from "../core/request-id.ts";
import type { RunCall, ScoreHandler, ScoreRequest, ScoreResponse, ScoreRuntime, ScriptFacts } from "../core/types.ts";
import { renderPythonJson } from "../json/python-json.ts";
import { queryToJsonText } from "../json/query.ts";
import { Bursts } from "../log/bursts.ts";
import { accessMessage } from "../log/format.ts";
import { createSwaggerBook, type SwaggerBook } from "../swagger/generate.ts";
import { createCors } from "./cors.ts";
import { errorMember, errorResponse, outcomeResponse, textResponse } from "./respond.ts";

/** The settings the scorer itself looks at. */
export type ScorerConfig = Pick<
  Config,
  "errorDetail" | "readyPath" | "serverVersion" | "serviceName" | "servicePathPrefix" | "serviceVersion"
> &
  Partial<Pick<Config, "corsOrigins" | "rootProbe" | "swaggerFiles">>;

/** Answers requests with a score script, whatever host they come from. */
export interface Scorer {
  readonly handle: ScoreHandler;
  /** The answer to a request the host cannot hand over: too large, not HTTP, not complete. */
  refuse(request: Refused, error: ScoreError): ScoreResponse;
  /** The answer in place of one that the host could not send. */
  failed(request: Refused, error: unknown): ScoreResponse;
  /** False: whatever the body holds, the answer is the same, so a host need not keep it. */
  takesBody(request: Pick<ScoreRequest, "method" | "path">): boolean;
  /** Why a request with a body would be turned away if it came now, so that a host can say so before it reads the body.
   *  @param bodyBytes of this body and all that the host is receiving   @returns undefined: it would be taken */
  refusal(request: Pick<ScoreRequest, "method" | "path">, bodyBytes: number): ScoreError | undefined;
  /** Writes what the log still holds back: the numbers of refusals. */
  flush(): void;
}

type Refused = Pick<ScoreRequest, "method" | "path" | "query" | "headers" | "log">;

type Route = "liveness" | "score" | "swagger" | "ready";

const NOT_FOUND =
  "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.";
const NOT_ALLOWED = "The method is not allowed for the requested URL.";
const ALLOW = {
  liveness: "GET, OPTIONS, HEAD",
  score: "GET, POST, OPTIONS, HEAD",
  swagger: "GET, OPTIONS, HEAD",
  ready: "GET, OPTIONS, HEAD",
};

/** @param runtime started by the caller; until it is ready, requests wait in it */
export function createScorer(config: ScorerConfig, runtime: ScoreRuntime, log: Log): Scorer {
  const routes = new Map<string, Route>([
    ["/score", "score"],
    ["/", "liveness"],
    ["/swagger.json", "swagger"],
    [config.readyPath, "ready"],
  ]);
  const refusals = new Bursts();
  let facts: ScriptFacts | undefined;
  let swagger: SwaggerBook | undefined;

  /** What the script is. Waiting for that has the bounds of waiting for a worker, where the runtime has any. */
  async function loaded({ body, signal }: ScoreRequest): Promise<ScriptFacts> {
    facts ??= await (runtime.whenLoaded?.(body.length, signal) ?? runtime.start());
    return facts;
  }

  function findRoute(path: string): Route | undefined {
    return routes.get(path) ?? routes.get(decodePath(path));
  }

  function logOf(request: Pick<ScoreRequest, "log">): Logger {
    return (request.log ?? log).server;
  }

  async function handle(request: ScoreRequest): Promise<ScoreResponse> {
    const startedAt = request.receivedAt ?? performance.now();
    const route = findRoute(request.path);
    if (route === undefined) return errorResponse(new BadInputError("ERR_NOT_FOUND", NOT_FOUND), null, config);
    if (!isRouted(route, request.method)) return notAllowed(route);
    const ids = resolveIds(request.headers, newRequestId);
    if (ids.deprecatedId) logOf(request).warning(DEPRECATED_ID_WARNING);
    if (ids.tooLong !== undefined) {
      return errorResponse(new BadInputError("ERR_HEADER_LIMIT", ids.tooLong), ids, config);
    }
    try {
      switch (route) {
        case "score":
          return logged(request, startedAt, await score(request, ids));
        case "swagger":
          if (request.method === "OPTIONS") return options(route, ids);
          return logged(request, startedAt, await serveSwagger(request, ids));
        case "liveness":
          return request.method === "OPTIONS" ? options(route, ids) : root(ids);
        case "ready":
          return request.method === "OPTIONS" ? options(route, ids) : ready(ids);
      }
    } catch (error) {
      const failure = toScoreError(error);
      const isLogged = logFailure(request, failure);
      const response = errorResponse(failure, ids, config);
      if (!isLogged) return { ...response, isSummedUp: true };
      return route === "score" || route === "swagger" ? logged(request, startedAt, response) : response;
    }
  }

  async function score(request: ScoreRequest, ids: RequestIds): Promise<ScoreResponse> {
    const { method } = request;
    // A POST body means the same to every script; only for the other methods the script's kind must be known first.
    const raw = method === "POST" ? facts?.takes === "request" : (facts ?? (await loaded(request))).takes === "request";
    if (!raw && method === "OPTIONS") {
      return textResponse("", ids, config, [["x-ms-run-function-failed", "False"]]);
    }
    if (!raw && method === "HEAD") {
      return errorResponse(new BadInputError("ERR_METHOD", "Method not allowed"), ids, config);
    }
    const { path, query, headers, signal, remoteAddress } = request;
    if (
      method === "POST" &&
      !isJsonType(headers["content-type"]) &&
      (facts ?? (await loaded(request))).input === "json"
    ) {
      throw new BadInputError("ERR_MEDIA_TYPE", "Expects Content-Type to be application/json");
    }
    const body = !raw && method === "GET" ? Buffer.from(queryToJsonText(query)) : request.body;
    const { requestId } = ids;
    const call: RunCall = { body, method, path, query, headers, requestId, remoteAddress, signal, log: request.log };
    if (signal?.aborted) throw abortError(signal.reason);
    const outcome = await runtime.run(call);
    if (outcome.kind === "response" && outcome.fromScript) logOf(request).info("run() output is HTTP Response");
    try {
      return outcomeResponse(outcome, ids, config);
    } catch (error) {
      const report = { type: "TypeError", message: (error as Error).message, traceback: String(error), location: null };
      throw new ScoreFault("ERR_SCRIPT_RUN", report.message, { cause: error, report });
    }
  }

  async function serveSwagger(request: ScoreRequest, ids: RequestIds): Promise<ScoreResponse> {
    const { schemas } = await loaded(request);
    swagger ??= createSwaggerBook({ ...config, schemas });
    const { status, body } = swagger.lookup(request.query);
    return { status, headers: messageHeaders(ids, config.serverVersion, false), body };
  }

  /** Liveness; and where the setting says so, that the script has come up once (contract RT-2, RT-20). */
  function root(ids: RequestIds): ScoreResponse {
    const isUp = config.rootProbe !== "ready" || runtime.initialised;
    return isUp ? textResponse("Healthy", ids, config) : ready(ids);
  }

  function ready(ids: RequestIds): ScoreResponse {
    const { state, failure } = runtime;
    const isReady = state === "ready" || state === "busy";
    const body: Record<string, unknown> = { state };
    if (failure !== undefined && !isReady && config.errorDetail !== "none") {
      body.error = errorMember(toScoreError(failure), config.errorDetail);
    }
    const headers = messageHeaders(ids, config.serverVersion, false);
    return { status: isReady ? 200 : 503, headers, body: renderPythonJson(body) };
  }

  function options(route: Route, ids: RequestIds): ScoreResponse {
    return textResponse("", ids, config, [["Allow", ALLOW[route]]]);
  }

  function notAllowed(route: Route): ScoreResponse {
    const response = errorResponse(new BadInputError("ERR_METHOD", NOT_ALLOWED), null, config);
    return { ...response, headers: [...response.headers, ["Allow", ALLOW[route]]] };
  }

  /** Writes the server's access record (contract LOG-9). */
  function logged(request: ScoreRequest, startedAt: number, response: ScoreResponse): ScoreResponse {
    const { method, query } = request;
    const durationMs = performance.now() - startedAt;
    logOf(request).info(
      accessMessage(method, decodePath(request.path), query, response.status, durationMs, bodyLength(response.body)),
    );
    return response;
  }

  /** @returns false: the failure has only been counted, and one line tells of many */
  function logFailure(request: Pick<ScoreRequest, "method" | "path" | "log">, failure: ScoreError): boolean {
    const { code, report, message } = failure;
    if (code === "ERR_CLIENT_GONE")
      logOf(request).info(`The client of ${request.method} ${request.path} left before it was answered`);
    else if (code === "ERR_OVERLOAD" || code === "ERR_STOPPING") return logRefusal(request, code, message);
    else if (failure.expose) {
      if (failure.status >= 500) logOf(request).warning(message);
    } else logOf(request).error(`Encountered Exception: ${report?.traceback ?? failure.stack ?? message}\n`);
    return true;
  }

  function logRefusal(request: Pick<ScoreRequest, "log">, kind: string, line: string): boolean {
    if (request.log === undefined) return refusals.add(kind, line, (text) => log.server.warning(text));
    // A host that keeps records by request has no place for what is summed up.
    request.log.server.warning(line);
    return true;
  }

  function refuse(request: Refused, error: ScoreError): ScoreResponse {
    const line = `${request.method} ${request.path} refused: ${error.message}`;
    const isOverload = error instanceof OverloadError;
    const isLogged = logRefusal(request, isOverload ? error.code : error.message, line);
    const response = errorResponse(error, idsOf(request), config);
    return isLogged ? response : { ...response, isSummedUp: true };
  }

  function failed(request: Refused, error: unknown): ScoreResponse {
    const { message } = toScoreError(error);
    const report = { type: "TypeError", message, traceback: `TypeError: ${message}`, location: null };
    const failure = new ScoreFault("ERR_SCRIPT_RUN", message, { cause: error, report });
    logFailure(request, failure);
    return errorResponse(failure, idsOf(request), config);
  }

  /** Null for an unknown path (contract RT-3). */
  function idsOf({ path, headers }: Refused): RequestIds | null {
    return findRoute(path) === undefined ? null : resolveIds(headers, newRequestId);
  }

  function takesBody({ method, path }: Pick<ScoreRequest, "method" | "path">): boolean {
    return findRoute(path) === "score" && isRouted("score", method);
  }

  function refusal(request: Pick<ScoreRequest, "method" | "path">, bodyBytes: number): ScoreError | undefined {
    if (!takesBody(request)) return undefined;
    const error = runtime.refusal?.(bodyBytes);
    return error && toScoreError(error);
  }

  const bare: Scorer = { handle, refuse, failed, takesBody, refusal, flush: () => refusals.flush() };
  const cors = createCors(config.corsOrigins);
  if (cors === undefined) return bare;

  /** Known routes and methods only (contract CORS-2). */
  function withCors(request: Refused, response: ScoreResponse): ScoreResponse {
    const route = findRoute(request.path);
    if (route === undefined || !isRouted(route, request.method)) return response;
    return { ...response, headers: [...response.headers, ...cors!.headers(request)] };
  }

  return {
    ...bare,
    handle: async (request) => withCors(request, await handle(request)),
    refuse: (request, error) => withCors(request, refuse(request, error)),
    failed: (request, error) => withCors(request, failed(request, error)),
  };
}

/** Media type `application/json` or `application/…+json` (contract IN-9). */
function isJsonType(type: string | undefined): boolean {
  return type !== undefined && /^\s*application\/(?:[^\s;,/]+\+)?json\s*(?:;|$)/i.test(type);
}

function isRouted(route: Route, method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS" || (method === "POST" && route === "score");
}

/** Percent-decoded, a doubled leading slash read as one (contract RT-7). */
export function decodePath(path: string): string {
  let decoded = path;
  if (path.includes("%")) {
    try {
      decoded = decodeURIComponent(path);
    } catch {
      // Bad escapes stay literal.
    }
  }
  return decoded.replace(/^\/{2,}/, "/");
}

function bodyLength(body: ScoreResponse["body"]): number | null {
  if (typeof body === "string") return Buffer.byteLength(body);
  return body instanceof Uint8Array ? body.length : null;
}
