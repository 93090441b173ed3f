import type { ExportResult } from "@opentelemetry/core";
import { BasicTracerProvider, type ReadableSpan, type SpanExporter } from "@opentelemetry/sdk-trace-base";
import { describe, expect, test } from "vitest";
import { lineExporter } from "../../../src/telemetry/line-exporter.ts";
import { Sender } from "../../../src/telemetry/sender.ts";

const SENT: ExportResult = { code: 0 };
const LIMITS = { maxQueueSize: 10, maxExportBatchSize: 4, scheduledDelayMillis: 1, exportTimeoutMillis: 60_000 };

type Export = SpanExporter["export"];

/** @param exports one for each batch; the last one for all others */
function sending(...exports: readonly Export[]) {
  const problems: string[] = [];
  const sent: ReadableSpan[] = [];
  let batches = 0;
  const exporter: SpanExporter = {
    export: (spans, done) => {
      const export_ = exports[Math.min(batches++, exports.length - 1)]!;
      export_(spans, (result) => {
        if (result.code === 0) sent.push(...spans);
        done(result);
      });
    },
    shutdown: async () => {},
  };
  const sender = new Sender(exporter, LIMITS, (problem) => problems.push(problem));
  const tracer = new BasicTracerProvider({ spanProcessors: [sender] }).getTracer("test");
  const trace = (count: number): void => {
    for (let span = 0; span < count; span++) tracer.startSpan("span").end();
  };
  return { sender, trace, sent, problems };
}

describe("spans that are sent", () => {
  test("leave in batches, and none is lost", async () => {
    const { sender, trace, sent, problems } = sending((_spans, done) => setImmediate(() => done(SENT)));
    trace(9);
    expect(sender).toMatchObject({ lost: 0, pending: 9 });
    await sender.forceFlush();
    expect(sent).toHaveLength(9);
    expect(sender).toMatchObject({ lost: 0, pending: 0 });
    expect(problems).toEqual([]);
  });

  test("beyond what is kept are dropped, told and counted, those on their way included", async () => {
    const waiting: (() => void)[] = [];
    const { sender, trace, sent, problems } = sending((_spans, done) => waiting.push(() => done(SENT)));
    trace(25);
    expect(sender).toMatchObject({ lost: 15, pending: 10 });
    expect(problems).toHaveLength(15);
    const flushed = sender.forceFlush();
    while (waiting.length > 0) waiting.shift()!();
    await flushed;
    expect(sent).toHaveLength(10);
    trace(1);
    expect(sender).toMatchObject({ lost: 15, pending: 1 });
  });

  test("that an exporter cannot send, or throws at, are counted; the next batch leaves", async () => {
    const { sender, trace, sent, problems } = sending(
      (_spans, done) => done({ code: 1, error: new Error("refused") }),
      () => {
        throw new Error("broken");
      },
      (_spans, done) => done(SENT),
    );
    for (const lost of [2, 4, 4]) {
      trace(2);
      await sender.forceFlush();
      expect(sender).toMatchObject({ lost, pending: 0 });
    }
    expect(sent).toHaveLength(2);
    expect(problems).toEqual(["refused", "broken"]);
  });
});

test("the exporter console writes one line of JSON for each span", () => {
  const lines: string[] = [];
  const exporter = lineExporter((line) => lines.push(line));
  const sender = new Sender(exporter, LIMITS, () => {});
  const tracer = new BasicTracerProvider({ spanProcessors: [sender] }).getTracer("test");
  const span = tracer.startSpan("span", { attributes: { a: "b\n" } });
  span.addEvent("exception", { "exception.type": "E" });
  span.end();
  return sender.forceFlush().then(() => {
    expect(lines).toHaveLength(1);
    const line = JSON.parse(lines[0]!) as Record<string, unknown>;
    expect(line).toMatchObject({
      name: "span",
      kind: "INTERNAL",
      traceId: span.spanContext().traceId,
      attributes: { a: "b\n" },
      events: [{ name: "exception", attributes: { "exception.type": "E" } }],
    });
    expect(line.start).toMatch(/^\d{4}-.*Z$/);
    expect(line.durationMs).toBeGreaterThanOrEqual(0);
  });
});
