// Bundled with the SDK, whose own exporter to the console writes past the log and waits for a reader who has stalled.
import { type HrTime, SpanKind } from "@opentelemetry/api";
import { hrTimeToMicroseconds, hrTimeToTimeStamp } from "@opentelemetry/core";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base";

const SENT = 0;
const MICROSECONDS_PER_MS = 1_000;

/** Writes each span as a line of JSON. */
export function lineExporter(write: (line: string) => void): SpanExporter {
  return {
    export(spans, done) {
      for (const span of spans) write(lineOf(span));
      done({ code: SENT });
    },
    shutdown: async () => {},
  };
}

function lineOf(span: ReadableSpan): string {
  const { name, kind, parentSpanContext, startTime, duration, status, attributes, events } = span;
  const { traceId, spanId } = span.spanContext();
  return JSON.stringify({
    traceId,
    spanId,
    parentSpanId: parentSpanContext?.spanId,
    name,
    kind: SpanKind[kind],
    start: hrTimeToTimeStamp(startTime),
    durationMs: millisecondsOf(duration),
    status,
    attributes,
    events: events.map((event) => ({
      name: event.name,
      time: hrTimeToTimeStamp(event.time),
      attributes: event.attributes,
    })),
  });
}

function millisecondsOf(time: HrTime): number {
  return hrTimeToMicroseconds(time) / MICROSECONDS_PER_MS;
}
