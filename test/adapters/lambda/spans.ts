import type { SinkRequest } from "../../setup/telemetry-sink.ts";

/** A span as it was sent, with its attributes as members. */
export interface SentSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
}

type Attributes = readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];

/** All spans of all requests, which are in JSON. */
export function spansOf(requests: readonly SinkRequest[]): readonly SentSpan[] {
  // biome-ignore lint/suspicious/noExplicitAny: what is not there fails the test
  const bodies = requests.map(({ body }) => JSON.parse(body.toString()) as any);
  return bodies.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ resource, scopeSpans }: never) =>
      // biome-ignore lint/suspicious/noExplicitAny: as above
      (scopeSpans as any[]).flatMap(({ spans }) =>
        // biome-ignore lint/suspicious/noExplicitAny: as above
        spans.map((span: any) => ({
          ...span,
          attributes: membersOf(span.attributes),
          resource: membersOf((resource as { attributes: Attributes }).attributes),
        })),
      ),
    ),
  );
}

function membersOf(attributes: Attributes): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
