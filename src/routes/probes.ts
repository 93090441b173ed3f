// Liveness and readiness.
import type { ErrorDetail } from "../config/config.ts";
import { toScoreError } from "../core/errors.ts";
import { messageHeaders, type RequestIds } from "../core/headers.ts";
import type { ModelFacts, ScoreResponse, ScoreRuntime } from "../core/types.ts";
import { renderPythonJson } from "../json/renderer.ts";
import { errorMember, textResponse } from "./respond.ts";
import type { Route } from "./route.ts";

export interface ProbeSettings {
  readonly errorDetail: ErrorDetail;
  readonly serverVersion: string | null;
  readonly readyPath: string;
  readonly rootProbe?: "live" | "ready";
}

/** A version of a model that cannot be served. */
export interface FailedModel {
  readonly name: string;
  /** Undefined: the model has none. */
  readonly version?: string;
  /** Why; undefined where clients may not know. */
  readonly failure?: string;
}

const METHODS = ["GET", "OPTIONS", "HEAD"];

/** @returns liveness; and where the setting says so, whether the script has come up once (contract RT-2, RT-20) */
export function livenessRoute(settings: ProbeSettings, runtime: ScoreRuntime): Route {
  return {
    path: "/",
    methods: METHODS,
    logged: false,
    public: true,
    takesBody: false,
    handle(_request, ids) {
      const isUp = settings.rootProbe !== "ready" || runtime.initialised;
      return isUp ? textResponse("Healthy", ids, settings) : readiness(settings, runtime, ids);
    },
  };
}

export function readinessRoute(settings: ProbeSettings, runtime: ScoreRuntime): Route {
  return {
    path: settings.readyPath,
    methods: METHODS,
    logged: false,
    public: true,
    takesBody: false,
    handle: (_request, ids) => readiness(settings, runtime, ids),
  };
}

/** Whether requests can be taken, and why not. */
export function readiness(settings: ProbeSettings, runtime: ScoreRuntime, ids: RequestIds): ScoreResponse {
  const { errorDetail, serverVersion } = settings;
  const { state, failure } = runtime;
  const isUp = state === "ready" || state === "busy";
  const failures = runtime.facts?.models === undefined ? [] : failedModels(runtime.facts.models, errorDetail);
  const isReady = isUp && failures.length === 0;
  const body: Record<string, unknown> = { state, ...runtime.reload?.() };
  if (isUp && !isReady) body.failed = failures;
  if (failure && !isUp && errorDetail !== "none") {
    body.error = errorMember(toScoreError(failure), errorDetail);
  }
  const headers = messageHeaders(ids, serverVersion, false);
  return { status: isReady ? 200 : 503, headers, body: renderPythonJson(body) };
}

/** What of a repository cannot be served, while the rest is. */
export function failedModels(models: readonly ModelFacts[], detail: ErrorDetail): readonly FailedModel[] {
  const told = (failure: string): { readonly failure?: string } => (detail === "none" ? {} : { failure });
  return models.flatMap(({ name, versions }): FailedModel[] =>
    versions.length === 0
      ? [{ name, ...told("it has no version") }]
      : versions.flatMap(({ version, failure }) =>
          failure === undefined ? [] : [{ name, version, ...told(failure) }],
        ),
  );
}
