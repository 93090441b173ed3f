// Built into one file with all that it needs (bundles.mjs), and loaded only where something goes to Application Insights.
import { hostname } from "node:os";
import { AzureMonitorLogExporter, AzureMonitorTraceExporter } from "@azure/monitor-opentelemetry-exporter";
import { type Context, isSpanContextValid, type Span, type SpanContext, trace } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace-base";
import { Delivery, type DeliveryTimes, type Next, type OutgoingRequest } from "./app-insights-delivery.ts";
import { Losses, type Teller } from "./app-insights-losses.ts";
import { Outbox } from "./app-insights-outbox.ts";
import { type RequestDetails, requestAttributes } from "./app-insights-request.ts";
import { readSampling, type Sampling } from "./app-insights-sampling.ts";

export interface InsightsOptions {
  readonly key: string;
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** Has OpenTelemetry's variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly tell: Teller;
  readonly times?: DeliveryTimes;
}

/** A message, or an exception. */
export interface InsightsRecord {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** OpenTelemetry's number. */
  readonly severity: number;
  readonly message: string;
  /** Undefined: it is a message. */
  readonly exception?: { readonly type: string; readonly stack: string };
  readonly properties: Readonly<Record<string, string>>;
  /** The span in whose course it came about. */
  readonly place: { readonly traceId: string; readonly spanId: string } | undefined;
}

/** Sends to Application Insights what the SDK and its owner hand over. */
export interface Insights {
  /** @param resource what the spans come from */
  processor(resource: Resource): SpanProcessor;
  /** Before the span ends. */
  describe(span: object, details: RequestDetails): void;
  record(record: InsightsRecord): void;
  /** Tells of all that has not been taken until now. */
  ended(): void;
}

/** What a span takes while it waits, in bytes, about; bodies come on top. */
const SPAN_BYTES = 1_200;
const RECORD_BYTES = 600;
const SUCCESS = 0;
const SAMPLED = 1;
const SERVER = 1;
const SAMPLE_RATE = "microsoft.sample_rate";

export function createInsights({ key, endpoint, env, tell, times }: InsightsOptions): Insights {
  const losses = new Losses(tell);
  const delivery = new Delivery(`${endpoint}/v2.1/track`, key, losses, times);
  const exporters = createExporters(key, endpoint, delivery);
  const details = new WeakMap<object, RequestDetails>();
  const sending = <T>(exporter: Exporter<T>) => ({
    isSlow: () => losses.isFailing,
    onDropped: (count: number) => losses.lost(count, "more comes about than the service takes"),
    send: (items: readonly T[]) =>
      sent(exporter, items).catch((error: unknown) => losses.lost(items.length, `the exporter failed: ${error}`)),
  });
  const rates = new Rates(readSampling(env));
  const { send: sendSpans, ...bounds } = sending(exporters.spans);
  const spans = new Outbox<ReadableSpan>({
    ...bounds,
    send: (items) =>
      sendSpans(items.map((span) => new ExportedSpan(span, resource!, details.get(span), rates.of(span)))),
  });
  const records = new Outbox<ReadableLogRecord>(sending(exporters.records));
  let resource: Resource | undefined;

  const flush = async (): Promise<void> => {
    await Promise.all([spans.flush(), records.flush()]);
  };
  return {
    processor(of) {
      resource = withInstance(of);
      return {
        onStart: (span, parent) => rates.begun(span, parent),
        onEnd(span) {
          if ((span.spanContext().traceFlags & SAMPLED) === 0) return;
          spans.add(span, SPAN_BYTES + (details.get(span)?.responseText?.length ?? 0));
        },
        forceFlush: flush,
        async shutdown() {
          delivery.stop();
          await flush();
        },
      };
    },
    describe(span, known) {
      details.set(span, known);
    },
    record(record) {
      if (resource !== undefined) records.add(logRecord(record, resource), sizeOf(record));
    },
    ended: () => losses.close(spans.size + records.size),
  };
}

interface Exporter<T> {
  export(items: readonly T[], onDone: (result: { readonly code: number; readonly error?: Error }) => void): unknown;
}

function createExporters(
  key: string,
  endpoint: string,
  delivery: Delivery,
): { spans: Exporter<ExportedSpan>; records: Exporter<ReadableLogRecord> } {
  const policy = {
    name: "delivery",
    async sendRequest(request: OutgoingRequest, next: Next) {
      await delivery.deliver(request, next);
      // Whatever became of it: nobody else is to try again.
      return {
        request,
        status: 200,
        headers: NO_HEADERS,
        bodyAsText: '{"itemsReceived":0,"itemsAccepted":0,"errors":[]}',
      };
    },
  };
  const options = {
    // The exporter makes http:// https:// there, but not in an address that its HTTP client is given.
    connectionString: `InstrumentationKey=${key.toLowerCase()}`,
    endpoint: `${endpoint}/v2.1`,
    allowInsecureConnection: true,
    disableOfflineStorage: true,
    retryOptions: { maxRetries: 0 },
    additionalPolicies: [{ policy, position: "perCall" }],
  } as unknown as NonNullable<ConstructorParameters<typeof AzureMonitorTraceExporter>[0]>;
  return {
    spans: new AzureMonitorTraceExporter(options) as unknown as Exporter<ExportedSpan>,
    records: new AzureMonitorLogExporter(options) as unknown as Exporter<ReadableLogRecord>,
  };
}

const NO_HEADERS = { get: () => undefined, toJSON: () => ({}) };

/** The exporter may call back twice; the first time counts. What went wrong has been told. */
function sent<T>(exporter: Exporter<T>, items: readonly T[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = exporter.export(items, ({ code, error }) => (code === SUCCESS ? resolve() : reject(error)));
    if (done instanceof Promise) done.catch(reject);
  });
}

/** Of how many requests each span stands for one: the exporter would take it for itself alone. */
class Rates {
  readonly #sampling: Sampling;
  readonly #rates = new WeakMap<object, number>();

  constructor(sampling: Sampling) {
    this.#sampling = sampling;
  }

  begun(span: Span, parentContext: Context): void {
    const { percent, heedsParent } = this.#sampling;
    if (percent === 100) return;
    const parent = heedsParent ? trace.getSpan(parentContext) : undefined;
    const hasParent = parent !== undefined && isSpanContextValid(parent.spanContext());
    // What a caller has chosen by is not known.
    this.#rates.set(span, hasParent ? (this.#rates.get(parent) ?? 100) : percent);
  }

  of(span: object): number | undefined {
    return this.#rates.get(span);
  }
}

/** What the exporter reads of a span, with what is added for it alone. Exceptions go as records of their own. */
class ExportedSpan
  implements Omit<ReadableSpan, "ended" | `dropped${string}` | "instrumentationScope" | "parentSpanContext">
{
  readonly name: string;
  readonly kind: ReadableSpan["kind"];
  readonly spanContext: () => SpanContext;
  readonly parentSpanContext: SpanContext | undefined;
  readonly startTime: ReadableSpan["startTime"];
  readonly endTime: ReadableSpan["endTime"];
  readonly duration: ReadableSpan["duration"];
  readonly status: ReadableSpan["status"];
  readonly attributes: ReadableSpan["attributes"];
  readonly links: ReadableSpan["links"];
  readonly events: ReadableSpan["events"] = [];
  readonly resource: Resource;

  constructor(span: ReadableSpan, resource: Resource, details: RequestDetails | undefined, rate: number | undefined) {
    const context = span.spanContext();
    this.name = span.name;
    this.kind = span.kind;
    this.spanContext = () => context;
    this.parentSpanContext = span.parentSpanContext;
    this.startTime = span.startTime;
    this.endTime = span.endTime;
    this.duration = span.duration;
    this.status = span.status;
    const own = this.kind === SERVER && details !== undefined ? requestAttributes(span, details) : span.attributes;
    this.attributes = rate === undefined ? own : { ...own, [SAMPLE_RATE]: rate };
    this.links = span.links;
    this.resource = resource;
  }
}

const INSTANCE = "service.instance.id";

/** The exporter asks the system for the host's name with each item where nothing else names the instance. */
function withInstance(resource: Resource): Resource {
  const name = resource.attributes["k8s.pod.name"] || resource.attributes[INSTANCE] || hostname();
  return { ...resource, attributes: { ...resource.attributes, [INSTANCE]: name } } as Resource;
}

const MS_PER_SECOND = 1_000;
const NANOSECONDS_PER_MS = 1_000_000;

function logRecord(record: InsightsRecord, resource: Resource): ReadableLogRecord {
  const { time, severity, message, exception, properties, place } = record;
  const hrTime: [number, number] = [
    Math.floor(time / MS_PER_SECOND),
    Math.round((time % MS_PER_SECOND) * NANOSECONDS_PER_MS),
  ];
  const attributes = exception && {
    "exception.type": exception.type,
    "exception.message": message,
    "exception.stacktrace": exception.stack,
  };
  return {
    hrTime,
    hrTimeObserved: hrTime,
    severityNumber: severity,
    body: message,
    attributes: { ...properties, ...attributes },
    ...(place !== undefined && { spanContext: { ...place, traceFlags: SAMPLED } }),
    resource,
    instrumentationScope: { name: "scorefn" },
    droppedAttributesCount: 0,
  };
}

function sizeOf({ message, exception, properties }: InsightsRecord): number {
  let size = RECORD_BYTES + message.length + (exception?.stack.length ?? 0);
  for (const value of Object.values(properties)) size += value.length;
  return size;
}
