// The thread that makes rows of spans and records, and sends them: work that would hold up answers in the server's own. Built
// into one file with all that it needs (bundles.mjs), and loaded only where something goes to Application Insights.
import { parentPort, workerData } from "node:worker_threads";
import { AzureMonitorLogExporter, AzureMonitorTraceExporter } from "@azure/monitor-opentelemetry-exporter";
import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { Delivery, type Next, type OutgoingRequest } from "./app-insights-delivery.ts";
import type { FromThread, InsightsRecord, PlainSpan, ThreadData, ToThread } from "./app-insights-messages.ts";
import { requestAttributes } from "./app-insights-request.ts";

const { key, endpoint, times, resource: resourceAttributes } = workerData as ThreadData;
const resource = { attributes: resourceAttributes };
const post = (message: FromThread): void => parentPort!.postMessage(message);

const delivery = new Delivery(
  `${endpoint}/v2.1/track`,
  key,
  {
    failing: (reason) => post({ kind: "failing", reason }),
    works: () => post({ kind: "works" }),
    lost: (count, why) => post({ kind: "lost", count, why }),
  },
  times,
);
const exporters = createExporters();

parentPort!.on("message", (message: ToThread) => {
  if (message.kind === "stop") delivery.stop();
  else void send(message);
});

async function send(message: Exclude<ToThread, { readonly kind: "stop" }>): Promise<void> {
  const { kind, id, items } = message;
  try {
    if (kind === "spans") await sent(exporters.spans, items.map(toSpan));
    else await sent(exporters.records, items.map(toRecord));
  } catch (error) {
    post({ kind: "lost", count: items.length, why: `the exporter failed: ${error}` });
  }
  post({ kind: "done", id });
}

interface Exporter<T> {
  export(items: readonly T[], onDone: (result: { readonly code: number; readonly error?: Error }) => void): unknown;
}

function createExporters(): { spans: Exporter<ReadableSpan>; records: Exporter<ReadableLogRecord> } {
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
    spans: new AzureMonitorTraceExporter(options) as unknown as Exporter<ReadableSpan>,
    records: new AzureMonitorLogExporter(options) as unknown as Exporter<ReadableLogRecord>,
  };
}

const NO_HEADERS = { get: () => undefined, toJSON: () => ({}) };
const SUCCESS = 0;
const SAMPLED = 1;
const SAMPLE_RATE = "microsoft.sample_rate";

/** The exporter may call back twice; the first time counts. What went wrong has been told. */
function sent<T>(exporter: Exporter<T>, items: readonly T[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = exporter.export(items, ({ code, error }) => (code === SUCCESS ? resolve() : reject(error)));
    if (done instanceof Promise) done.catch(reject);
  });
}

/** What the exporter reads of a span. Exceptions go as records of their own. */
function toSpan(plain: PlainSpan): ReadableSpan {
  const { name, kind, traceId, spanId, parentSpanId, startTime, duration, status, rate, details } = plain;
  const context = { traceId, spanId, traceFlags: SAMPLED };
  const own = details === undefined ? plain.attributes : requestAttributes(plain, details);
  const span = {
    name,
    kind,
    spanContext: () => context,
    parentSpanContext: parentSpanId === undefined ? undefined : { ...context, spanId: parentSpanId },
    startTime,
    duration,
    status: { code: status },
    attributes: rate === undefined ? own : { ...own, [SAMPLE_RATE]: rate },
    links: [],
    events: [],
    resource,
  };
  return span as unknown as ReadableSpan;
}

const MS_PER_SECOND = 1_000;
const NANOSECONDS_PER_MS = 1_000_000;

function toRecord({ time, severity, message, exception, properties, place }: InsightsRecord): ReadableLogRecord {
  const hrTime: [number, number] = [
    Math.floor(time / MS_PER_SECOND),
    Math.round((time % MS_PER_SECOND) * NANOSECONDS_PER_MS),
  ];
  const attributes = exception && {
    "exception.type": exception.type,
    "exception.message": message,
    "exception.stacktrace": exception.stack,
  };
  const record = {
    hrTime,
    severityNumber: severity,
    body: message,
    attributes: { ...properties, ...attributes },
    ...(place !== undefined && { spanContext: { ...place, traceFlags: SAMPLED } }),
    resource,
  };
  return record as unknown as ReadableLogRecord;
}
