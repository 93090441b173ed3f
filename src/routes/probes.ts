// Liveness and readiness.
import type { ErrorDetail } from "../config/config.ts";
import { toScoreError } from "../core/errors.ts";
import { messageHeaders, type RequestIds } from "../core/headers.ts";
import type { ScoreResponse, ScoreRuntime } from "../core/types.ts";
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

/** @param failures among models that are served without a script */
export function readinessRoute(
  settings: ProbeSettings,
  runtime: ScoreRuntime,
  failures?: () => readonly FailedModel[],
): Route {
  return {
    path: settings.readyPath,
    methods: METHODS,
    logged: false,
    public: true,
    takesBody: false,
    handle: (_request, ids) => readiness(settings, runtime, ids, failures?.()),
  };
}

/** Whether requests can be taken, and why not. */
export function readiness(
  settings: ProbeSettings,
  runtime: ScoreRuntime,
  ids: RequestIds,
  failed: readonly FailedModel[] = [],
): ScoreResponse {
  const { errorDetail, serverVersion } = settings;
  const { state, failure } = runtime;
  const isUp = state === "ready" || state === "busy";
  const isReady = isUp && failed.length === 0;
  const body: Record<string, unknown> = { state, ...runtime.reload?.() };
  if (isUp && !isReady) body.failed = failed;
  if (failure && !isUp && errorDetail !== "none") {
    body.error = errorMember(toScoreError(failure), errorDetail);
  }
  const headers = messageHeaders(ids, serverVersion, false);
  return { status: isReady ? 200 : 503, headers, body: renderPythonJson(body) };
}
