import { gunzipSync } from "node:zlib";
import type { SinkRequest } from "./telemetry-sink.ts";

type Attributes = Readonly<Record<string, unknown>>;

/** A span as OTLP has it, for tests to look at. */
export interface SentSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Attributes;
  readonly events: readonly { readonly name: string; readonly time: bigint; readonly attributes: Attributes }[];
  readonly status: { readonly code?: number; readonly message?: string };
  readonly resource: Attributes;
  readonly scope: { readonly name: string; readonly version?: string };
}

interface RawValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
}
type RawAttributes = readonly { readonly key: string; readonly value: RawValue }[];

interface RawSpan extends Omit<SentSpan, "attributes" | "events" | "start" | "end"> {
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: RawAttributes;
  readonly events?: readonly {
    readonly name: string;
    readonly timeUnixNano: string;
    readonly attributes?: RawAttributes;
  }[];
}

/** What an export says, in the JSON form of OTLP. */
export interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: RawAttributes };
    readonly scopeSpans: readonly {
      readonly scope: SentSpan["scope"];
      readonly spans: readonly RawSpan[];
    }[];
  }[];
}

/** The body as it was before it was compressed. */
export function bodyOf({ headers, body }: SinkRequest): Buffer {
  return headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
}

/** All spans that came as JSON, in the order they came. */
export function spansOf(requests: readonly SinkRequest[]): SentSpan[] {
  return requests
    .filter(({ headers }) => headers["content-type"] === "application/json")
    .flatMap((request) => readExport(JSON.parse(bodyOf(request).toString()) as Export));
}

export function readExport({ resourceSpans }: Export): SentSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map(({ attributes, events, startTimeUnixNano, endTimeUnixNano, ...span }) => ({
        ...span,
        start: BigInt(startTimeUnixNano),
        end: BigInt(endTimeUnixNano),
        attributes: readAttributes(attributes),
        events: (events ?? []).map((event) => ({
          name: event.name,
          time: BigInt(event.timeUnixNano),
          attributes: readAttributes(event.attributes),
        })),
        resource: readAttributes(resource.attributes),
        scope,
      })),
    ),
  );
}

function readAttributes(attributes: RawAttributes = []): Attributes {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const { stringValue, intValue, doubleValue, boolValue } = value;
      return [key, stringValue ?? (intValue === undefined ? (doubleValue ?? boolValue) : Number(intValue))];
    }),
  );
}
