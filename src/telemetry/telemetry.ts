import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/reader.ts";
import type { ScoreError } from "../core/errors.ts";
import { combineEvents, type Events } from "../core/events.ts";
import type { Log } from "../core/log.ts";
import type { Tracer } from "../core/trace.ts";
import { VERSION } from "../core/version.ts";
import type { InsightsConfig } from "./app-insights.ts";
import { readOtelSettings } from "./otel-settings.ts";
import { registeredApi } from "./registered.ts";
import { Reporter } from "./reporter.ts";
import type { Sdk } from "./sdk.ts";
import { createSpans, type OnRequestSpan, type SpansOptions } from "./spans.ts";

/** What leaves a service for whoever observes it. */
export interface Telemetry {
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer;
  readonly events: Events;
  /** Where to say what was wrong with the settings, and what could not be sent. */
  attach(log: Log): void;
  /** Where the model lies, once it has been fetched. */
  readonly modelIs?: ((folder: string | null) => void) | undefined;
  /** The script does not start, and the process is about to end. */
  readonly startFailed?: ((failure: ScoreError) => void) | undefined;
  /** Sends what has been kept back, for so many milliseconds at most. Never rejects. */
  flush(limitMs: number): Promise<void>;
  /** As `flush`, for the last time. */
  close(limitMs: number): Promise<void>;
}

/** What of the settings telemetry depends on. */
export type TelemetryConfig = Pick<Config, "serviceName" | "serviceVersion"> & InsightsConfig;

export interface TelemetryOptions extends Omit<SpansOptions, "onFault"> {
  /** Gives what sends to Application Insights. Undefined: this host does not. */
  readonly loadInsights?: (() => Promise<typeof import("./app-insights.ts")>) | undefined;
  /** What tells this service from others, besides its name; OTEL_RESOURCE_ATTRIBUTES goes over it. */
  readonly resource?: Readonly<Record<string, string>> | undefined;
}

/** Whether OpenTelemetry's variables give `openTelemetry` anything to do, or to warn of; for a host that cannot wait. */
export function asksForTelemetry(env: Environment): boolean {
  const { isDisabled, exports, warnings } = readOtelSettings(env);
  return !isDisabled && (exports.length > 0 || warnings.length > 0 || registeredApi() !== undefined);
}

/** Loads what telemetry takes.   @returns undefined: it is off, and costs nothing */
export async function openTelemetry(
  config: TelemetryConfig,
  env: Environment,
  { loadInsights, resource, ...spans }: TelemetryOptions = {},
): Promise<Telemetry | undefined> {
  const { isDisabled, exports, batch, continuesTraces, warnings } = readOtelSettings(env);
  if (isDisabled) return undefined;
  const reporter = new Reporter(warnings);
  const { appInsightsKey: key } = config;
  const api = registeredApi();
  if (key !== null && api !== undefined) reporter.atStart(REGISTERED);
  else if (key !== null && loadInsights === undefined && !spans.isWithinHost) reporter.atStart(NOT_FROM_HERE);
  const insights =
    key === null || api !== undefined ? undefined : (await loadInsights?.())?.openAppInsights(config, key, env);
  const attach = (log: Log): void => {
    reporter.attach(log);
    insights?.attach(log);
  };
  const only = { events: {}, attach, flush: done, close: done };
  if (exports.length === 0 && api === undefined && insights === undefined) return reporter.isSilent ? undefined : only;
  let sdk: Sdk;
  try {
    const { createSdk, registeredSource } = await import("./sdk.ts");
    const options = { scope: ["scorefn", VERSION], continuesTraces } as const;
    const processors = insights === undefined ? [] : [insights.processor];
    sdk =
      api !== undefined
        ? { source: registeredSource(api, options), lost: none, pending: none, flush: done, close: done }
        : createSdk({ ...options, ...config, resource, env, exports, processors, batch }, reporter);
  } catch (error) {
    reporter.atStart(`Telemetry is off, because it cannot be loaded: ${(error as Error).message}`);
    return only;
  }
  reporter.lost = sdk.lost;
  const onFault = (error: unknown): void =>
    reporter.problem(`a span could not be made: ${(error as Error | undefined)?.message}`);
  const onRequestSpan: OnRequestSpan | undefined =
    insights === undefined
      ? spans.onRequestSpan
      : (span, answered) => {
          spans.onRequestSpan?.(span, answered);
          insights.onRequestSpan(span, answered);
        };
  // Application Insights has their figures in the request's row: each row is paid for.
  const hasParts = exports.length > 0 || api !== undefined;
  const made = createSpans(sdk.source, { ...spans, onFault, onRequestSpan, hasParts });
  return {
    tracer: made.tracer,
    events: insights === undefined ? made.events : combineEvents([made.events, insights.events]),
    attach,
    modelIs: insights?.modelIs,
    startFailed: insights?.startFailed,
    flush: (limitMs) => withinLimit(sdk.flush(), limitMs),
    async close(limitMs) {
      await withinLimit(sdk.close(), limitMs);
      reporter.closed(sdk.pending());
      insights?.ended();
    },
  };
}

const none = (): number => 0;
const REGISTERED =
  "Nothing is sent to Application Insights but what the OpenTelemetry SDK of this process sends itself: one is registered.";
const NOT_FROM_HERE =
  "Nothing is sent to Application Insights from here; traces leave where OTEL_EXPORTER_OTLP_ENDPOINT says.";

const done = async (): Promise<void> => {};

async function withinLimit(action: Promise<void>, limitMs: number): Promise<void> {
  const over = new AbortController();
  await Promise.race([action, delay(limitMs, undefined, { signal: over.signal }).catch(() => {})]);
  over.abort();
}
