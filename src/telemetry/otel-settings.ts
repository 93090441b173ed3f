// OpenTelemetry's own variables, as far as its libraries do not read them or take them badly: whether traces are on, and how
// they leave. Values of headers and addresses may hold credentials, so they are never shown.
import type { Environment } from "../config/reader.ts";
import type { BatchLimits, TraceExport } from "./sdk.ts";

export interface OtelSettings {
  /** True: nothing is to be traced, whatever else is set. */
  readonly isDisabled: boolean;
  /** Empty: traces stay here. */
  readonly exports: readonly TraceExport[];
  readonly batch: BatchLimits;
  readonly continuesTraces: boolean;
  readonly warnings: readonly string[];
}

const ENDPOINTS = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const PROTOCOLS = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
/** `name=value` pairs behind commas. */
const LISTS = ["OTEL_RESOURCE_ATTRIBUTES", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"];
/** Signals that leave another way. */
const OTHERS = {
  OTEL_METRICS_EXPORTER: "metrics are read from GET /metrics (--metrics)",
  OTEL_LOGS_EXPORTER: "logs are written to standard output (--log_format json)",
};
const CONTEXT_PROPAGATOR = "tracecontext";
/** With which no traces are continued, and none are meant to be. */
const PROPAGATORS: ReadonlySet<string> = new Set(["baggage", "none"]);

/** The specification's defaults. Batches leave after so many milliseconds, or when they are full. */
const BATCH = {
  maxQueueSize: ["OTEL_BSP_MAX_QUEUE_SIZE", 2_048],
  maxExportBatchSize: ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512],
  scheduledDelayMillis: ["OTEL_BSP_SCHEDULE_DELAY", 5_000],
  exportTimeoutMillis: ["OTEL_BSP_EXPORT_TIMEOUT", 30_000],
} as const;

/** The longest that a timer of Node waits, in milliseconds; and more spans than anybody has memory for. */
const MOST = 2_147_483_647;

/** Bad values are warned of and do not count: what observes a service is no reason for it not to start. */
export function readOtelSettings(env: Environment): OtelSettings {
  const warnings: string[] = [];
  const value = (name: string): string | undefined => env[name]?.trim() || undefined;
  const first = (names: readonly string[]): readonly [name: string, value: string] | undefined => {
    const name = names.find((candidate) => value(candidate) !== undefined);
    return name === undefined ? undefined : [name, value(name)!];
  };
  const disabled = value("OTEL_SDK_DISABLED")?.toLowerCase();
  const isDisabled = disabled === "true";
  const off = { isDisabled, exports: [], batch: readBatch(() => undefined, []), continuesTraces: true, warnings };
  if (isDisabled) return off;
  if (disabled !== undefined && disabled !== "false") {
    warnings.push(`OTEL_SDK_DISABLED=${disabled} is neither true nor false; it counts as false.`);
  }

  for (const [name, instead] of Object.entries(OTHERS)) {
    const given = value(name);
    if (given !== undefined && given !== "none") warnings.push(`${name}=${given} has no effect: ${instead}.`);
  }
  const endpoint = first(ENDPOINTS);
  const chosen = listOf(value("OTEL_TRACES_EXPORTER") ?? (endpoint === undefined ? "none" : "otlp"));
  const exports = new Set<TraceExport>();
  for (const name of chosen) {
    if (name === "console") exports.add(name);
    else if (name === "otlp") {
      if (endpoint === undefined || isHttp(endpoint[1])) exports.add(readProtocol(first(PROTOCOLS), warnings));
      else warnings.push(`${endpoint[0]} is not an http:// or https:// address; no traces are sent.`);
    } else if (name !== "none") {
      warnings.push(`OTEL_TRACES_EXPORTER: ${name} is not supported; use otlp, console or none.`);
    }
  }
  for (const name of LISTS) {
    if (listOf(value(name) ?? "").every(isPair)) continue;
    warnings.push(`${name} is not a list of name=value pairs, percent-encoded and separated by commas.`);
  }
  const continuesTraces = readPropagators(value("OTEL_PROPAGATORS"), warnings);
  return { ...off, exports: [...exports], batch: readBatch(value, warnings), continuesTraces };
}

function readProtocol(given: readonly [name: string, value: string] | undefined, warnings: string[]): TraceExport {
  const [name, protocol] = given ?? ["", "http/protobuf"];
  if (protocol === "http/protobuf" || protocol === "http/json") return protocol;
  warnings.push(`${name}=${protocol} is not supported; traces are sent as http/protobuf, usually to port 4318.`);
  return "http/protobuf";
}

/** Others besides may be a host's business.   @returns whether callers' traces are continued */
function readPropagators(given: string | undefined, warnings: string[]): boolean {
  const names = listOf(given ?? CONTEXT_PROPAGATOR);
  if (names.includes(CONTEXT_PROPAGATOR)) return true;
  const unknown = names.filter((name) => !PROPAGATORS.has(name));
  if (unknown.length > 0) {
    warnings.push(`OTEL_PROPAGATORS: ${unknown.join(", ")} is not supported; use tracecontext or none.`);
  }
  return false;
}

function readBatch(value: (name: string) => string | undefined, warnings: string[]): BatchLimits {
  const read = ([name, otherwise]: readonly [name: string, otherwise: number]): number => {
    const text = value(name);
    if (text === undefined) return otherwise;
    const number = Number(text);
    if (Number.isInteger(number) && number >= 1 && number <= MOST) return number;
    warnings.push(`${name}=${text} is not a whole number from 1 to ${MOST}; it counts as ${otherwise}.`);
    return otherwise;
  };
  const maxQueueSize = read(BATCH.maxQueueSize);
  return {
    maxQueueSize,
    maxExportBatchSize: Math.min(read(BATCH.maxExportBatchSize), maxQueueSize),
    scheduledDelayMillis: read(BATCH.scheduledDelayMillis),
    exportTimeoutMillis: read(BATCH.exportTimeoutMillis),
  };
}

function listOf(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function isPair(text: string): boolean {
  const at = text.indexOf("=");
  if (at <= 0) return false;
  try {
    return decodeURIComponent(text).length > at;
  } catch {
    return false;
  }
}

function isHttp(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}
