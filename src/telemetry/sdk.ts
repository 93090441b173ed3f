// Built into one file with all that it needs (bundles.mjs), and loaded only where something is traced. OpenTelemetry's own
// variables are read by its own code: sampler, limits, batches, endpoint, headers, time-out, compression, certificates.
import { DiagLogLevel, diag, ROOT_CONTEXT, type TextMapGetter, type TracerProvider, trace } from "@opentelemetry/api";
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
  BatchSpanProcessor,
  ConsoleSpanExporter,
  type IdGenerator,
  RandomIdGenerator,
  SimpleSpanProcessor,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import type { SpanSource } from "./spans.ts";

/** How traces leave. */
export type TraceExport = "http/protobuf" | "http/json" | "console";

export interface SdkOptions {
  readonly serviceName: string;
  readonly serviceVersion: string;
  /** Name and version of what makes the spans. */
  readonly scope: readonly [name: string, version: string];
  readonly exports: readonly TraceExport[];
  /** Of what exports of a kind of its own; each gets what the spans come from. */
  readonly processors: readonly ((resource: Resource) => SpanProcessor)[];
  /** False: what callers say of their trace is not heeded. */
  readonly continuesTraces: boolean;
}

/** What spans are made with, and how the last of them leave. */
export interface Sdk {
  readonly source: SpanSource;
  /** Sends what has been kept back. Never rejects. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const GETTER: TextMapGetter<Readonly<Record<string, string>>> = {
  get: (headers, name) => headers[name],
  keys: (headers) => Object.keys(headers),
};

/** @param report told whenever something could not be sent, or was dropped */
export function createSdk(options: SdkOptions, report: (problem: string) => void): Sdk {
  setGlobalErrorHandler((problem) => report(messageOf(problem)));
  const warn = (message: string): void => report(message);
  const silent = (): void => {};
  diag.setLogger(
    { error: warn, warn, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const ids = new ChosenIds();
  const named = resourceFromAttributes({
    "service.name": options.serviceName,
    "service.version": options.serviceVersion,
  });
  const resource = defaultResource()
    .merge(named)
    .merge(detectResources({ detectors: [envDetector] }));
  const provider = new BasicTracerProvider({
    resource,
    idGenerator: ids,
    spanProcessors: [...options.exports.map(processorOf), ...options.processors.map((create) => create(resource))],
  });
  const quietly = async (action: Promise<void>): Promise<void> => {
    try {
      await action;
    } catch (error) {
      report(messageOf(error));
    }
  };
  return {
    source: sourceOf(provider, options, ids),
    flush: () => quietly(provider.forceFlush()),
    close: () => quietly(provider.shutdown()),
  };
}

/** What spans are made with where an SDK is registered in this process. */
export function registeredSource(options: Pick<SdkOptions, "scope" | "continuesTraces">): SpanSource {
  return sourceOf(trace.getTracerProvider(), options);
}

function sourceOf(
  provider: TracerProvider,
  { scope, continuesTraces }: Pick<SdkOptions, "scope" | "continuesTraces">,
  ids?: ChosenIds,
): SpanSource {
  const tracer = provider.getTracer(...scope);
  const propagator = new W3CTraceContextPropagator();
  return {
    start(name, options, parent, spanId) {
      if (ids !== undefined) ids.next = spanId;
      const span = tracer.startSpan(name, options, parent);
      if (ids !== undefined) ids.next = undefined;
      return span;
    },
    parentOf: (headers) => (continuesTraces ? propagator.extract(ROOT_CONTEXT, headers, GETTER) : ROOT_CONTEXT),
    childrenOf: (span) => trace.setSpan(ROOT_CONTEXT, span),
    ...(ids !== undefined && { newSpanId: () => ids.random.generateSpanId() }),
  };
}

/** A span can be made later than its id has been handed on. */
class ChosenIds implements IdGenerator {
  readonly random = new RandomIdGenerator();
  next: string | undefined;

  generateTraceId(): string {
    return this.random.generateTraceId();
  }

  generateSpanId(): string {
    return this.next ?? this.random.generateSpanId();
  }
}

function processorOf(kind: TraceExport): SpanProcessor {
  if (kind === "console") return new SimpleSpanProcessor(new ConsoleSpanExporter());
  return new BatchSpanProcessor(kind === "http/json" ? new JsonExporter() : new ProtobufExporter());
}

function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}
