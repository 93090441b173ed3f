// What the server and the thread that sends to Application Insights tell each other.
import type { DeliveryTimes } from "./app-insights-delivery.ts";
import type { ServiceNames } from "./app-insights-request.ts";

/** What the thread is started with. */
export interface ThreadData {
  readonly key: string;
  /** Without a slash at its end. */
  readonly endpoint: string;
  readonly times: DeliveryTimes | undefined;
  readonly names: ServiceNames;
  /** Attributes of what the spans come from. */
  readonly resource: Readonly<Record<string, unknown>>;
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
  /** @prop rows as `packRows` makes them */
  | { readonly kind: "requests"; readonly id: number; readonly rows: readonly unknown[] }
  | { readonly kind: "records"; readonly id: number; readonly items: readonly InsightsRecord[] }
  /** Nothing waits any longer. */
  | { readonly kind: "stop" };

export type FromThread =
  /** The items of that id are taken, or given up, which has been told. */
  | { readonly kind: "done"; readonly id: number }
  | { readonly kind: "failing"; readonly reason: string }
  | { readonly kind: "works" }
  | { readonly kind: "lost"; readonly count: number; readonly why: string };
