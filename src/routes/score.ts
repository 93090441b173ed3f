import { abortError, BadInputError } from "../core/errors.ts";
import type { Events } from "../core/events.ts";
import type { RequestIds } from "../core/headers.ts";
import type { RunCall, RunOutcome, ScoreRequest, ScoreResponse, ScoreRuntime, ScriptFacts } from "../core/types.ts";
import { type ResponseSettings, resultResponse, textResponse } from "./respond.ts";
import type { Route } from "./route.ts";

export function scoreRoute(settings: ResponseSettings, runtime: ScoreRuntime, events: Events): Route {
  const { run, answer } = createRunner(settings, runtime, events);

  async function handle(request: ScoreRequest, ids: RequestIds): Promise<ScoreResponse> {
    const { method } = request;
    // A script with a declared input takes JSON only (contract IN-9). Otherwise a POST body means the same to every script; only for the other methods the script's kind must be known first.
    const facts = runtime.facts ?? (method === "POST" ? undefined : await whenLoaded(runtime, request));
    const isRaw = facts?.takes === "request";
    if (!isRaw && method === "OPTIONS") {
      return textResponse("", ids, settings, [["x-ms-run-function-failed", "False"]]);
    }
    if (!isRaw && method === "HEAD") throw new BadInputError("ERR_METHOD", "Method not allowed");
    const type = request.headers["content-type"];
    if (method === "POST" && !isJsonType(type)) {
      const { input, takes } = facts ?? (await whenLoaded(runtime, request));
      if (input === "json" && !(takes === "model" && type === FORM)) {
        throw new BadInputError("ERR_MEDIA_TYPE", "Expects Content-Type to be application/json");
      }
    }
    const body = !isRaw && method === "GET" ? await queryBody(request.query) : request.body;
    return answer(await run(request, ids, request.path, body), request, ids);
  }

  return {
    path: "/score",
    methods: ["GET", "POST", "OPTIONS", "HEAD"],
    logged: true,
    public: false,
    takesBody: true,
    handlesOptions: true,
    handle,
  };
}

/** How a route has the runtime answer. */
export interface Runner {
  /** @param path as the runtime is told it   @param body the request's, or what takes its place   @throws ScoreError */
  run(request: ScoreRequest, ids: RequestIds, path: string, body: Uint8Array): Promise<RunOutcome>;
  /** @throws ScoreError for what cannot be sent */
  answer(outcome: RunOutcome, request: ScoreRequest, ids: RequestIds): ScoreResponse | Promise<ScoreResponse>;
}

export function createRunner(settings: ResponseSettings, runtime: ScoreRuntime, events: Events): Runner {
  /** Asking for it again would cost each request. */
  let responses: typeof import("./script-response.ts") | undefined;

  async function built(outcome: Built, request: ScoreRequest, ids: RequestIds): Promise<ScoreResponse> {
    responses ??= await import("./script-response.ts");
    return responses.scriptResponse(outcome, request, ids, settings, runtime, events);
  }

  return {
    run(request, { requestId, trace }, path, body) {
      const { method, query, headers, remoteAddress, signal, log } = request;
      const call: RunCall = { body, method, path, query, headers, requestId, trace, remoteAddress, signal, log };
      return signal?.aborted ? Promise.reject(abortError(signal.reason)) : runtime.run(call);
    },
    answer: (outcome, request, ids) =>
      outcome.kind === "json" ? resultResponse(outcome, ids, settings) : built(outcome, request, ids),
  };
}

type Built = Extract<RunOutcome, { readonly kind: "response" }>;

/** What run() gets for a GET request. */
async function queryBody(query: string): Promise<Uint8Array> {
  const { queryToJsonText } = await import("../json/query.ts");
  return Buffer.from(queryToJsonText(query));
}

/** What the script is. Waiting for that has the bounds of waiting for a worker, where the runtime has any. */
export function whenLoaded(runtime: ScoreRuntime, { body, signal }: ScoreRequest): Promise<ScriptFacts> {
  return runtime.whenLoaded?.(body.length, signal) ?? runtime.start();
}

/** What `curl -d` says of whatever it sends: a first request to a model is not to fail for that. */
const FORM = "application/x-www-form-urlencoded";

/** Media type `application/json` or `application/…+json` (contract IN-9). */
function isJsonType(type: string | undefined): boolean {
  return type !== undefined && /^\s*application\/(?:[^\s;,/]+\+)?json\s*(?:;|$)/i.test(type);
}
