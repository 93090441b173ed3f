import type { Environment } from "../config/reader.ts";
import { OTEL_API } from "../core/traceparent.ts";
import type { Telemetry, TelemetryConfig, TelemetryOptions } from "./telemetry.ts";

/** Variables that say what becomes of telemetry. */
const VARIABLE = /^(?:OTEL|APPLICATIONINSIGHTS|AML_APP_INSIGHTS)_/;

/** False: there is no telemetry, and nothing need be loaded to find that out. */
export function mayHaveTelemetry(env: Environment): boolean {
  return OTEL_API in globalThis || Object.keys(env).some((name) => VARIABLE.test(name));
}

/** As `openTelemetry`, for a host that can wait. */
export async function openTelemetryLater(
  config: TelemetryConfig,
  env: Environment,
  options: TelemetryOptions,
): Promise<Telemetry | undefined> {
  const { openTelemetry } = await import("./telemetry.ts");
  return openTelemetry(config, env, options);
}
