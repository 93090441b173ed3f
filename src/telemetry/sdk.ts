// Built into one file with all that it needs (bundles.mjs), and loaded only where something is traced. OpenTelemetry's own
// variables are read by its own code: sampler, limits, endpoint, headers, time-out, compression, certificates.
import { type Context, DiagLogLevel, diag, ROOT_CONTEXT, type TextMapGetter, trace } from "@opentelemetry/api";
import { setGlobalErrorHandler, W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  type IdGenerator,
  SimpleSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import type { Environment } from "../config/reader.ts";
import { newSpanId, newTraceId } from "./ids.ts";
import { lineExporter } from "./line-exporter.ts";
import { problemText } from "./problem-text.ts";
import type { RegisteredApi } from "./registered.ts";
import { type BatchLimits, Sender } from "./sender.ts";
import type { SpanSource } from "./spans.ts";
import { withVariables } from "./variables.ts";

export type { BatchLimits, SpanExporter };

/** How traces leave. */
export type TraceExport = "http/protobuf" | "http/json" | "console";

export interface SdkOptions {
  readonly serviceName: string;
  readonly serviceVersion: string;
  /** More of what tells this service from others. */
  readonly resource?: Readonly<Record<string, string>> | undefined;
  /** Has OpenTelemetry's variables. Default: those of this process. */
  readonly env?: Environment | undefined;
  /** Name and version of what makes the spans. */
  readonly scope: readonly [name: string, version: string];
  readonly exports: readonly TraceExport[];
  /** Of what exports of a kind of its own. */
  readonly exporters?: readonly SpanExporter[];
  /** Of what sends in its own way; each gets what the spans come from. */
  readonly processors?: readonly ((resource: Resource) => SpanProcessor)[];
  readonly batch: BatchLimits;
  /** False: what callers say of their trace is not heeded. */
  readonly continuesTraces: boolean;
}

/** Who hears of what an SDK does by itself. */
export interface SdkEvents {
  /** Something could not be sent, or was dropped, or a setting makes no sense. */
  problem(text: string): void;
  /** A line for the log, of the exporter `console`. */
  line(text: string): void;
}

/** What spans are made with, and how the last of them leave. */
export interface Sdk {
  readonly source: SpanSource;
  /** Spans that nobody will ever see: dropped, or not sent. */
  lost(): number;
  /** Spans that are still here. */
  pending(): number;
  /** Sends what has been kept back. Never rejects. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const GETTER: TextMapGetter<Readonly<Record<string, string>>> = {
  get: (headers, name) => headers[name],
  keys: (headers) => Object.keys(headers),
};

export function createSdk(options: SdkOptions, events: SdkEvents): Sdk {
  return withVariables(options.env, () => makeSdk(options, events));
}

function makeSdk(options: SdkOptions, events: SdkEvents): Sdk {
  const report = (...problem: readonly unknown[]): void => events.problem(problemText(problem));
  const silent = (): void => {};
  setGlobalErrorHandler(report);
  diag.setLogger(
    { error: report, warn: report, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const ids = new ChosenIds();
  const named = resourceFromAttributes({
    "service.name": options.serviceName,
    "service.version": options.serviceVersion,
    ...options.resource,
  });
  const exporters = options.exports.flatMap((kind) => (kind === "console" ? [] : exporterOf(kind)));
  const senders = [...exporters, ...(options.exporters ?? [])].map(
    (exporter) => new Sender(exporter, options.batch, (problem) => events.problem(problem)),
  );
  const lines = options.exports.includes("console")
    ? [new SimpleSpanProcessor(lineExporter((line) => events.line(line)))]
    : [];
  const resource = defaultResource()
    .merge(named)
    .merge(detectResources({ detectors: [envDetector] }));
  const provider = new BasicTracerProvider({
    resource,
    idGenerator: ids,
    spanProcessors: [...senders, ...lines, ...(options.processors ?? []).map((create) => create(resource))],
  });
  const quietly = (action: Promise<void>): Promise<void> => action.catch(report);
  const sum = (figure: "lost" | "pending"): number => senders.reduce((total, sender) => total + sender[figure], 0);
  return {
    source: sourceOf(provider.getTracer(...options.scope), options, ids),
    lost: () => sum("lost"),
    pending: () => sum("pending"),
    flush: () => quietly(provider.forceFlush()),
    close: () => quietly(provider.shutdown()),
  };
}

/** What spans are made with where an SDK is registered in this process: with its propagators, too. */
export function registeredSource(
  api: RegisteredApi,
  options: Pick<SdkOptions, "scope" | "continuesTraces">,
): SpanSource {
  const { context, propagation } = api;
  const source = sourceOf(api.trace.getTracer(...options.scope), options);
  return {
    ...source,
    asksFirst: true,
    parentOf: (headers) => propagation?.extract(ROOT_CONTEXT, headers, GETTER) ?? source.parentOf(headers),
    around() {
      const active = context?.active();
      return active !== undefined && trace.getSpan(active) !== undefined ? active : undefined;
    },
  };
}

function sourceOf(
  tracer: ReturnType<BasicTracerProvider["getTracer"]>,
  { continuesTraces }: Pick<SdkOptions, "continuesTraces">,
  ids?: ChosenIds,
): SpanSource {
  const propagator = new W3CTraceContextPropagator();
  const parentOf = (headers: Readonly<Record<string, string>>): Context =>
    continuesTraces && headers.traceparent !== undefined
      ? propagator.extract(ROOT_CONTEXT, headers, GETTER)
      : ROOT_CONTEXT;
  const childrenOf: SpanSource["childrenOf"] = (span) => trace.setSpan(ROOT_CONTEXT, span);
  if (ids === undefined) {
    return { start: (name, options, parent) => tracer.startSpan(name, options, parent), parentOf, childrenOf };
  }
  return {
    start(name, options, parent, spanId) {
      ids.next = spanId;
      try {
        return tracer.startSpan(name, options, parent);
      } finally {
        ids.next = undefined;
      }
    },
    parentOf,
    childrenOf,
    newSpanId,
  };
}

/** A span can be made later than its id has been handed on. */
class ChosenIds implements IdGenerator {
  next: string | undefined;
  readonly generateTraceId = newTraceId;

  generateSpanId(): string {
    return this.next ?? newSpanId();
  }
}

function exporterOf(kind: Exclude<TraceExport, "console">): SpanExporter {
  return kind === "http/json" ? new JsonExporter() : new ProtobufExporter();
}
