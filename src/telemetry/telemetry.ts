import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/reader.ts";
import type { Events } from "../core/events.ts";
import type { Log } from "../core/log.ts";
import type { Tracer } from "../core/trace.ts";
import { VERSION } from "../core/version.ts";
import { readOtelSettings } from "./otel-settings.ts";
import { registeredApi } from "./registered.ts";
import { Reporter } from "./reporter.ts";
import type { Sdk } from "./sdk.ts";
import { createSpans, type OnRequestSpan } from "./spans.ts";

/** What leaves a service for whoever observes it. */
export interface Telemetry {
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer;
  readonly events: Events;
  /** Where to say what was wrong with the settings, and what could not be sent. */
  attach(log: Log): void;
  /** Sends what has been kept back, for so many milliseconds at most. Never rejects. */
  flush(limitMs: number): Promise<void>;
  /** As `flush`, for the last time. */
  close(limitMs: number): Promise<void>;
}

/** What of the settings telemetry depends on. */
export type TelemetryConfig = Pick<Config, "serviceName" | "serviceVersion">;

export interface TelemetryOptions {
  readonly onRequestSpan?: OnRequestSpan | undefined;
  /** True: the host has a span of each request itself. Spans of ours are parts of it, and none of them is a server's. */
  readonly isWithinHost?: boolean;
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
  { onRequestSpan, isWithinHost = false }: TelemetryOptions = {},
): Promise<Telemetry | undefined> {
  const { isDisabled, exports, batch, continuesTraces, warnings } = readOtelSettings(env);
  if (isDisabled) return undefined;
  const reporter = new Reporter(warnings);
  const attach = (log: Log): void => reporter.attach(log);
  const only = { events: {}, attach, flush: done, close: done };
  const api = registeredApi();
  if (exports.length === 0 && api === undefined) return warnings.length === 0 ? undefined : only;
  let sdk: Sdk;
  try {
    const { createSdk, registeredSource } = await import("./sdk.ts");
    const options = { scope: ["scorefn", VERSION], continuesTraces } as const;
    sdk =
      api !== undefined
        ? { source: registeredSource(api, options), lost: none, pending: none, flush: done, close: done }
        : createSdk({ ...options, ...config, exports, exporters: [], batch }, reporter);
  } catch (error) {
    reporter.atStart(`Telemetry is off: ${(error as Error).message}`);
    return only;
  }
  reporter.lost = sdk.lost;
  return {
    ...createSpans(sdk.source, {
      onFault: (error) => reporter.problem(`a span could not be made: ${(error as Error)?.message}`),
      onRequestSpan,
      isWithinHost,
    }),
    attach,
    flush: (limitMs) => withinLimit(sdk.flush(), limitMs),
    async close(limitMs) {
      await withinLimit(sdk.close(), limitMs);
      reporter.closed(sdk.pending());
    },
  };
}

const none = (): number => 0;
const done = async (): Promise<void> => {};

async function withinLimit(action: Promise<void>, limitMs: number): Promise<void> {
  const over = new AbortController();
  await Promise.race([action, delay(limitMs, undefined, { signal: over.signal }).catch(() => {})]);
  over.abort();
}
