import type { TracePlace } from "./trace.ts";

/** Where `@opentelemetry/api`, whatever copy of it, keeps on `globalThis` what an SDK registers. */
export const OTEL_API: unique symbol = Symbol.for("opentelemetry.js.api.1");

/** What a W3C traceparent says. */
export interface Traceparent {
  readonly traceId: string;
  readonly spanId: string;
  /** Whether the trace is kept, so that somebody can look it up. */
  readonly isSampled: boolean;
}

// Version, trace id, parent id, flags; a version to come may add more behind a dash. No id is all zeros, no version ff.
const TRACEPARENT =
  /^(?!ff)(?<version>[0-9a-f]{2})-(?!0{32})(?<trace>[0-9a-f]{32})-(?!0{16})(?<span>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(?<rest>-.*)?$/;
const SAMPLED = 1;

/** @param value of the header   @returns undefined when it is not valid, as if there were none (W3C Trace Context) */
export function readTraceparent(value: string): Traceparent | undefined {
  const { version, trace, span, flags, rest } = TRACEPARENT.exec(value)?.groups ?? {};
  if (trace === undefined || span === undefined || flags === undefined) return undefined;
  if (version === "00" && rest !== undefined) return undefined;
  return { traceId: trace, spanId: span, isSampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

/** What the script continues: the trace that is kept here, or else its caller's.
 *  @returns undefined: there is none, or none that is valid */
export function traceOf({
  trace,
  headers: { traceparent, tracestate } = {},
}: {
  readonly trace?: TracePlace | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}): TracePlace | undefined {
  if (trace !== undefined) return trace;
  if (traceparent === undefined || readTraceparent(traceparent) === undefined) return undefined;
  return { traceparent, tracestate };
}
