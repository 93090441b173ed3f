// OpenTelemetry's own variables, as far as its libraries do not read them: whether traces are on, and how they leave.
import type { Environment } from "../config/reader.ts";
import type { TraceExport } from "./sdk.ts";

export interface OtelSettings {
  /** True: nothing is to be traced, whatever else is set. */
  readonly isDisabled: boolean;
  /** Empty: traces stay here. */
  readonly exports: readonly TraceExport[];
  readonly continuesTraces: boolean;
  readonly warnings: readonly string[];
}

const ENDPOINTS = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const PROTOCOLS = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
/** Signals that leave another way. */
const OTHERS = {
  OTEL_METRICS_EXPORTER: "metrics are read from GET /metrics (--metrics)",
  OTEL_LOGS_EXPORTER: "logs are written to standard output (--log_format json)",
};
const CONTEXT_PROPAGATOR = "tracecontext";

/** Bad values are warned of and do not count: what observes a service is no reason for it not to start. */
export function readOtelSettings(env: Environment): OtelSettings {
  const warnings: string[] = [];
  const value = (name: string): string | undefined => env[name]?.trim() || undefined;
  const first = (names: readonly string[]): readonly [name: string, value: string] | undefined => {
    const name = names.find((candidate) => value(candidate) !== undefined);
    return name === undefined ? undefined : [name, value(name)!];
  };
  const isDisabled = value("OTEL_SDK_DISABLED")?.toLowerCase() === "true";
  const propagators = value("OTEL_PROPAGATORS")
    ?.split(",")
    .map((name) => name.trim());
  const continuesTraces = propagators?.includes(CONTEXT_PROPAGATOR) ?? true;
  const off = { isDisabled, exports: [], continuesTraces, warnings };
  if (isDisabled) return off;

  for (const [name, instead] of Object.entries(OTHERS)) {
    const given = value(name);
    if (given !== undefined && given !== "none") warnings.push(`${name}=${given} has no effect: ${instead}.`);
  }
  const endpoint = first(ENDPOINTS);
  const chosen = (value("OTEL_TRACES_EXPORTER") ?? (endpoint === undefined ? "none" : "otlp")).split(",");
  const exports = new Set<TraceExport>();
  for (const name of chosen.map((item) => item.trim())) {
    if (name === "console") exports.add(name);
    else if (name === "otlp") {
      if (endpoint === undefined || isHttp(endpoint[1])) exports.add(readProtocol(first(PROTOCOLS), warnings));
      else warnings.push(`${endpoint.join("=")} is not an http:// or https:// address; no traces are sent to it.`);
    } else if (name !== "none" && name !== "") {
      warnings.push(`OTEL_TRACES_EXPORTER: ${name} is not supported; use otlp, console or none.`);
    }
  }
  return { ...off, exports: [...exports] };
}

function readProtocol(given: readonly [name: string, value: string] | undefined, warnings: string[]): TraceExport {
  const [name, protocol] = given ?? ["", "http/protobuf"];
  if (protocol === "http/protobuf" || protocol === "http/json") return protocol;
  warnings.push(`${name}=${protocol} is not supported; traces are sent as http/protobuf, usually to port 4318.`);
  return "http/protobuf";
}

function isHttp(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}
