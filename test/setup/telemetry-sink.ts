// Takes what OpenTelemetry's exporters send as http/json.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { until } from "./service.ts";

export interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly events?: readonly { readonly name: string }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

/** Kinds as they stand in OTLP. */
export const KIND = { internal: 1, server: 2 } as const;

export interface TelemetrySink {
  /** Value of OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string;
  /** Bodies of POST /v1/traces, in the order in which they came. */
  readonly bodies: readonly unknown[];
  /** All spans so far. */
  spans(): SentSpan[];
  /** Waits for a span of that name. */
  span(name: string): Promise<SentSpan>;
  close(): void;
}

/** @param answers false: requests are taken, and never answered */
export async function startTelemetrySink(answers = true): Promise<TelemetrySink> {
  const bodies: unknown[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.url === "/v1/traces") bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
      if (answers) response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const spans = (): SentSpan[] =>
    (bodies as { resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[] }[])
      .flatMap(({ resourceSpans }) => resourceSpans)
      .flatMap(({ scopeSpans }) => scopeSpans)
      .flatMap((scope) => scope.spans);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    spans,
    async span(name) {
      await until(() => spans().some((span) => span.name === name), `a span ${name}`);
      return spans().find((span) => span.name === name)!;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Attributes by their names, their kinds left out. */
export function attributesOf(span: SentSpan): Record<string, unknown> {
  return Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
