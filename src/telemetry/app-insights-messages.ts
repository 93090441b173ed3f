// What the server and the thread that sends to Application Insights tell each other.
import type { AttributeValue } from "@opentelemetry/api";
import type { DeliveryTimes } from "./app-insights-delivery.ts";
import type { RequestDetails } from "./app-insights-request.ts";

/** What the thread is started with. */
export interface ThreadData {
  readonly key: string;
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly times: DeliveryTimes | undefined;
  /** Attributes of what the spans come from. */
  readonly resource: Readonly<Record<string, unknown>>;
}

type HrTime = readonly [seconds: number, nanoseconds: number];
type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** A span that has ended, as data. */
export interface PlainSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly startTime: HrTime;
  readonly duration: HrTime;
  /** OpenTelemetry's number. */
  readonly status: number;
  readonly attributes: Attributes;
  /** In per cent; undefined: it stands for itself alone. */
  readonly rate: number | undefined;
  /** Of a request. */
  readonly details: RequestDetails | undefined;
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

export type ToThread =
  | { readonly kind: "spans"; readonly id: number; readonly items: readonly PlainSpan[] }
  | { readonly kind: "records"; readonly id: number; readonly items: readonly InsightsRecord[] }
  /** Nothing waits any longer. */
  | { readonly kind: "stop" };

export type FromThread =
  /** The items of that id are taken, or given up, which has been told. */
  | { readonly kind: "done"; readonly id: number }
  | { readonly kind: "failing"; readonly reason: string }
  | { readonly kind: "works" }
  | { readonly kind: "lost"; readonly count: number; readonly why: string };
