import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../config/config.ts";
import type { Environment } from "../config/reader.ts";
import type { Events } from "../core/events.ts";
import type { Log } from "../core/log.ts";
import type { Tracer } from "../core/trace.ts";
import { VERSION } from "../core/version.ts";
import { readOtelSettings } from "./otel-settings.ts";
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

/** How long a problem that goes on is not told again, in milliseconds. */
const QUIET_MS = 600_000;

/** Whether OpenTelemetry's variables give `openTelemetry` anything to do, or to warn of; for a host that cannot wait. */
export function asksForTelemetry(env: Environment): boolean {
  const { isDisabled, exports, warnings } = readOtelSettings(env);
  return !isDisabled && (exports.length > 0 || warnings.length > 0 || isSdkRegistered());
}

/** Loads what telemetry takes.   @returns undefined: it is off, and costs nothing */
export async function openTelemetry(
  config: TelemetryConfig,
  env: Environment,
  { onRequestSpan, isWithinHost = false }: TelemetryOptions = {},
): Promise<Telemetry | undefined> {
  const { isDisabled, exports, continuesTraces, warnings } = readOtelSettings(env);
  if (isDisabled) return undefined;
  const reporter = new Reporter(warnings);
  const attach = (log: Log): void => reporter.attach(log);
  const isRegistered = isSdkRegistered();
  if (exports.length === 0 && !isRegistered) {
    return warnings.length === 0 ? undefined : { events: {}, attach, flush: done, close: done };
  }
  const { createSdk, registeredSource } = await import("./sdk.ts");
  const options = { scope: ["scorefn", VERSION], continuesTraces } as const;
  const sdk: Sdk = isRegistered
    ? { source: registeredSource(options), flush: done, close: done }
    : createSdk({ ...options, ...config, exports, exporters: [] }, (problem) => reporter.report(problem));
  return {
    ...createSpans(sdk.source, onRequestSpan, isWithinHost),
    attach,
    flush: (limitMs) => withinLimit(sdk.flush(), limitMs),
    close: (limitMs) => withinLimit(sdk.close(), limitMs),
  };
}

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
