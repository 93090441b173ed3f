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
import type { Sdk } from "./sdk.ts";
import { createSpans } from "./spans.ts";

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

/** How long a problem that goes on is not told again, in milliseconds. */
const QUIET_MS = 600_000;

/** Loads what telemetry takes.   @returns undefined: it is off, and costs nothing */
export async function openTelemetry(config: TelemetryConfig, env: Environment): Promise<Telemetry | undefined> {
  const { isDisabled, exports, continuesTraces, warnings } = readOtelSettings(env);
  if (isDisabled) return undefined;
  const reporter = new Reporter(warnings);
  const { appInsightsKey: key } = config;
  const isRegistered = isSdkRegistered();
  if (key !== null && isRegistered) reporter.report(REGISTERED);
  const insights =
    key === null || isRegistered ? undefined : (await import("./app-insights.ts")).openAppInsights(config, key, env);
  const attach = (log: Log): void => {
    reporter.attach(log);
    insights?.attach(log);
  };
  if (exports.length === 0 && !isRegistered && insights === undefined) {
    return warnings.length === 0 ? undefined : { events: {}, attach, flush: done, close: done };
  }
  const { createSdk, registeredSource } = await import("./sdk.ts");
  const options = { scope: ["scorefn", VERSION], continuesTraces } as const;
  const sdk: Sdk = isRegistered
    ? { source: registeredSource(options), flush: done, close: done }
    : createSdk({ ...options, ...config, exports, processors: insights ? [insights.processor] : [] }, (problem) =>
        reporter.report(problem),
      );
  const spans = createSpans(sdk.source, insights?.onRequestSpan);
  return {
    tracer: spans.tracer,
    events: insights === undefined ? spans.events : combineEvents([spans.events, insights.events]),
    attach,
    modelIs: insights?.modelIs,
    startFailed: insights?.startFailed,
    flush: (limitMs) => withinLimit(sdk.flush(), limitMs),
    async close(limitMs) {
      await withinLimit(sdk.close(), limitMs);
      insights?.ended();
    },
  };
}

const REGISTERED =
  "an OpenTelemetry SDK is registered in this process, so nothing is sent to Application Insights but what that sends itself.";

const done = async (): Promise<void> => {};

/** Whether this process has an SDK already (`node --import ./otel.mjs`), which exports as its owner has told it. */
function isSdkRegistered(): boolean {
  const api = (globalThis as Record<symbol, { readonly trace?: unknown } | undefined>)[
    Symbol.for("opentelemetry.js.api.1")
  ];
  return api?.trace !== undefined;
}

async function withinLimit(action: Promise<void>, limitMs: number): Promise<void> {
  const over = new AbortController();
  await Promise.race([action, delay(limitMs, undefined, { signal: over.signal, ref: true }).catch(() => {})]);
  over.abort();
}

/** Says once what goes wrong again and again. */
class Reporter {
  readonly #early: string[];
  #log: Log | undefined;
  #quietUntil = 0;

  constructor(warnings: readonly string[]) {
    this.#early = [...warnings];
  }

  attach(log: Log): void {
    this.#log = log;
    for (const warning of this.#early.splice(0)) log.server.warning(warning);
  }

  report(problem: string): void {
    if (this.#log === undefined) {
      this.#early.push(problem);
      return;
    }
    const now = performance.now();
    if (now < this.#quietUntil) return;
    this.#quietUntil = now + QUIET_MS;
    this.#log.server.warning(
      `Telemetry: ${problem.replace(/\s*\.?\s*$/, "")}. Requests are not affected; for ten minutes this is not said again.`,
    );
  }
}
