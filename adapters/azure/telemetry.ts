// Traces of a function app. The host has a span of each request itself; ours is a part of that one.
import {
  asksForTelemetry,
  type Config,
  type Environment,
  type Events,
  type Log,
  openTelemetry,
  type Telemetry,
} from "../../src/host.ts";

/** Telemetry whose libraries come later: an app has to register its functions before it can wait for anything. */
export interface LateTelemetry extends Telemetry {
  /** Loads them, once however often it is called. Never rejects. */
  load(): Promise<void>;
}

/** What is announced of a request. */
export const REQUEST_EVENTS: readonly (keyof Events)[] = [
  "requestReceived",
  "requestQueued",
  "runBegun",
  "runEnded",
  "requestFailed",
  "requestAnswered",
  "streamEnded",
];

/** Requests that come before it is loaded are not traced.
 *  @returns undefined: nobody asks for it, and nothing is loaded */
export function lateTelemetry(given: Config, env: Environment): LateTelemetry | undefined {
  if (!asksForTelemetry(env)) return undefined;
  // The platform sets the host's connection string for every process: what goes to Application Insights, the host sends.
  const config: Config = { ...given, appInsightsKey: null };
  let log: Log | undefined;
  let loaded: Telemetry | undefined;
  let loading: Promise<void> | undefined;

  async function open(): Promise<void> {
    try {
      loaded = await openTelemetry(config, env, { isWithinHost: true });
      if (log !== undefined) loaded?.attach(log);
    } catch (error) {
      log?.server.warning(
        `Telemetry is off, because it cannot be loaded: ${error instanceof Error ? error.message : error}`,
      );
    }
  }

  const forward = (name: keyof Events) => (record: never) => loaded?.events[name]?.(record);
  return {
    tracer: { begin: (request, route, startedAt) => loaded?.tracer?.begin(request, route, startedAt) },
    events: Object.fromEntries(REQUEST_EVENTS.map((name) => [name, forward(name)])),
    attach(given) {
      log = given;
      loaded?.attach(given);
    },
    load() {
      loading ??= open();
      return loading;
    },
    async flush(limitMs) {
      await loaded?.flush(limitMs);
    },
    async close(limitMs) {
      await loaded?.close(limitMs);
    },
  };
}
