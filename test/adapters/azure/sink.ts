import { onTestFinished } from "vitest";
import { type SentSpan, spansOf } from "../../setup/otlp.ts";
import { startTelemetrySink, type TelemetrySink } from "../../setup/telemetry-sink.ts";

/** Kind of a span that is a part of something, as it stands in OTLP; that of a server has 2. */
export const INTERNAL = 1;

/** A sink that ends with the test, and the variables that have spans sent there. */
export async function startSink(): Promise<{
  readonly sink: TelemetrySink;
  readonly env: Readonly<Record<string, string>>;
  /** All that came so far. */
  spans(): SentSpan[];
}> {
  const sink = await startTelemetrySink();
  onTestFinished(sink.close);
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" };
  return { sink, env, spans: () => spansOf(sink.requests) };
}

export function named(spans: readonly SentSpan[], name: string): SentSpan {
  const found = spans.filter((span) => span.name === name);
  if (found.length !== 1) throw new Error(`${found.length} spans are called ${name}`);
  return found[0]!;
}
