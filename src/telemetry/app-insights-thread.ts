// The thread that makes rows of spans and records, and sends them: work that would hold up answers in the server's own. Built
// into one file with all that it needs (bundles.mjs), and loaded only where something goes to Application Insights.
import { parentPort, workerData } from "node:worker_threads";
import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import { Delivery, type Next, type OutgoingRequest } from "./app-insights-delivery.ts";
import { recordItems, requestItems } from "./app-insights-exporter.ts";
import type { FromThread, InsightsRecord, ThreadData, ToThread } from "./app-insights-messages.ts";
import { Requests } from "./app-insights-requests.ts";
import { ROW_WIDTH } from "./app-insights-row.ts";

const { key, endpoint, times, names, resource: resourceAttributes } = workerData as ThreadData;
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
const deliver = (request: OutgoingRequest, next: Next): Promise<void> => delivery.deliver(request, next);
const [sent, shown] = [requestItems(key, endpoint), requestItems(key, endpoint)];
const requests = new Requests(sent, shown, { names, resource }, deliver);
const records = recordItems(key, endpoint);

parentPort!.on("message", (message: ToThread) => {
  if (message.kind === "stop") delivery.stop();
  else if (message.kind === "records") {
    const { id, items } = message;
    void send(id, items.length, () => records.make(items.map(toRecord), deliver));
  } else {
    const { id, rows } = message;
    void send(id, rows.length / ROW_WIDTH, () => requests.send(rows));
  }
});

async function send(id: number, count: number, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    post({ kind: "lost", count, why: `the exporter failed: ${error}` });
  }
  post({ kind: "done", id });
}

const SAMPLED = 1;
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
