// The Open Inference Protocol, but for what a worker does.
import { BadInputError } from "../../core/errors.ts";
import type { Events } from "../../core/events.ts";
import type { ModelFacts, ScoreRequest, ScoreRuntime, ServedModel } from "../../core/types.ts";
import { VERSION } from "../../core/version.ts";
import type { ResponseSettings } from "../../routes/respond.ts";
import type { Route, RouteFamily, TellError } from "../../routes/route.ts";
import { createRunner } from "../../routes/score.ts";
import { jsonResponse, unavailable } from "./answers.ts";
import { refuseEncoding } from "./encoding.ts";
import { failedModels, findModel, loadedModels, servedVersions, whyNotReady } from "./models.ts";
import { inferPath, type ModelPath, type ModelVerb, readModelPath } from "./path.ts";
import { tellInference } from "./words.ts";

/** What the server can do besides the protocol's own. */
const EXTENSIONS = ["binary_tensor_data", "model_repository"];

type Handle = Route["handle"];

/** A page, which is asked for with GET. */
function page(path: string, handle: Handle, more: Partial<Route> = {}): Route {
  const methods = ["GET", "OPTIONS", "HEAD"];
  return { path, methods, logged: true, public: false, takesBody: false, tellError: tellInference, handle, ...more };
}

/** What a body is posted to. */
function posted(path: string, handle: Handle): Route {
  const methods = ["POST", "OPTIONS"];
  return { path, methods, logged: true, public: false, takesBody: true, tellError: tellInference, handle };
}

const PROBE = { logged: false, public: true };

/** Those whose paths name no model. */
export function serverRoutes(settings: ResponseSettings, runtime: ScoreRuntime, served: ServedModel): readonly Route[] {
  return [
    page("/v2", (_request, ids) =>
      jsonResponse({ name: "scorefn", version: VERSION, extensions: EXTENSIONS }, ids, settings),
    ),
    page("/v2/health/live", (_request, ids) => jsonResponse({ live: true }, ids, settings), PROBE),
    page(
      "/v2/health/ready",
      (_request, ids) => {
        const error = whyNotReady(runtime, served, settings);
        return error === undefined
          ? jsonResponse({ ready: true }, ids, settings)
          : unavailable({ ready: false, error }, ids, settings);
      },
      PROBE,
    ),
    posted("/v2/repository/index", async (request, ids) => {
      const onlyReady = asksForReady(request.body);
      const models = await loadedModels(runtime, request);
      return jsonResponse(
        models.flatMap((model) => indexOf(model, settings)).filter(({ state }) => !onlyReady || state === READY),
        ids,
        settings,
      );
    }),
  ];
}

const READY = "READY";

interface IndexEntry {
  readonly name: string;
  readonly version?: string;
  readonly state: string;
  readonly reason?: string | undefined;
}

function indexOf(model: ModelFacts, { errorDetail }: ResponseSettings): readonly IndexEntry[] {
  const failed = failedModels([model], errorDetail).map(
    ({ failure, ...which }): IndexEntry => ({ ...which, state: "UNAVAILABLE", reason: failure }),
  );
  if (model.versions.length === 0) return failed;
  return model.versions.map(
    ({ version }) => failed.find((one) => one.version === version) ?? { name: model.name, version, state: READY },
  );
}

/** @throws BadInputError when the body is neither empty nor a JSON object */
function asksForReady(body: Uint8Array): boolean {
  if (body.length === 0) return false;
  let asked: unknown;
  try {
    asked = JSON.parse(Buffer.from(body).toString());
  } catch (cause) {
    throw new BadInputError("ERR_BAD_INPUT", "failed to parse the request JSON buffer", { cause });
  }
  if (typeof asked !== "object" || asked === null || Array.isArray(asked)) {
    throw new BadInputError("ERR_BAD_INPUT", "the request must be empty or a JSON object");
  }
  return "ready" in asked && asked.ready === true;
}

/** Those whose paths name a model, and the words for all others below `/v2/`. */
export function modelFamily(
  settings: ResponseSettings,
  runtime: ScoreRuntime,
  events: Events,
  served: ServedModel,
): RouteFamily {
  const { run, answer } = createRunner(settings, runtime, events);
  /** A route is found by its path, so this is one. */
  const placeOf = ({ path }: Pick<ScoreRequest, "path">): ModelPath => readModelPath(withOneSlash(path))!;

  const routes: Readonly<Record<ModelVerb, Route>> = {
    metadata: page("/v2/models/{model}", async (request, ids) => {
      const { name, version } = placeOf(request);
      const { model, versions } = findModel(await loadedModels(runtime, request), name, version);
      const { platform, inputs, outputs } = model;
      const shown = { name, versions: servedVersions(name, versions), platform, inputs, outputs };
      return jsonResponse(shown, ids, settings);
    }),
    config: page("/v2/models/{model}/config", async (request, ids) => {
      const { name, version } = placeOf(request);
      const { model } = findModel(await loadedModels(runtime, request), name, version);
      if (model.config !== undefined) return jsonResponse(model.config, ids, settings);
      throw new BadInputError("ERR_NOT_FOUND", `Model '${name}' has no configuration`);
    }),
    ready: page(
      "/v2/models/{model}/ready",
      (request, ids) => {
        const { name, version } = placeOf(request);
        const error = whyModelIsNotReady(name, version);
        return error === undefined
          ? jsonResponse({ name, ready: true }, ids, settings)
          : unavailable({ name, ready: false, error }, ids, settings);
      },
      PROBE,
    ),
    infer: posted("/v2/models/{model}/infer", async (request, ids) => {
      const place = placeOf(request);
      const { name, version } = place;
      const { versions } = findModel(await loadedModels(runtime, request), name, version);
      servedVersions(name, versions);
      const refusal = refuseEncoding(request, tellInference, ids, settings);
      if (refusal !== undefined) return refusal;
      return answer(await run(request, ids, inferPath(place), request.body), request, ids);
    }),
  };

  /** @throws BadInputError when there is no such model */
  function whyModelIsNotReady(name: string, version: string | undefined): string | undefined {
    const { state, facts } = runtime;
    if (facts === undefined || (state !== "ready" && state !== "busy")) {
      return whyNotReady(runtime, { ...served, name }, settings) ?? `Model '${name}' is loading.`;
    }
    const { model, versions } = findModel(facts.models ?? [], name, version);
    if (versions.some(({ failure }) => failure === undefined)) return undefined;
    return whyNotReady(
      { state, failure: undefined, facts: { ...facts, models: [{ ...model, versions }] } },
      served,
      settings,
    );
  }

  return {
    tellerOf: (path) => (path.startsWith("/v2/") ? tellBelow : undefined),
    find(path) {
      const place = readModelPath(path);
      return place && routes[place.verb];
    },
  };
}

/** A doubled leading slash read as one, as for all routes. */
function withOneSlash(path: string): string {
  return path.replace(/^\/{2,}/, "/");
}

const tellBelow: TellError = (error, ids, settings) =>
  tellInference(error.code === "ERR_NOT_FOUND" ? NOTHING_THERE : error, ids, settings);

const NOTHING_THERE = new BadInputError("ERR_NOT_FOUND", "Not Found");
