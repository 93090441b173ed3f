// What the script does in a trace becomes part of the request's: where OpenTelemetry's API is set up in its process, the
// request's place in the trace is the active one while run() works.
import type { TracePlace } from "../core/trace.ts";

/** What `@opentelemetry/api`, whatever copy of it, puts on `globalThis` when a tracing library registers with it. */
interface Api {
  readonly context?: { active(): unknown; with<T>(context: unknown, action: () => T): T };
  readonly propagation?: { extract(context: unknown, carrier: object, getter: object): unknown };
}

const API = Symbol.for("opentelemetry.js.api.1");

const GETTER = {
  get: (carrier: Readonly<Record<string, string>>, name: string) => carrier[name],
  keys: (carrier: object) => Object.keys(carrier),
};

/** Whether the script has a tracing library, as far as it is known now. */
export function hasTracing(): boolean {
  const api = (globalThis as { [API]?: Api })[API];
  return api?.context !== undefined && api.propagation !== undefined;
}

/** Calls script code as part of the trace. Only with `hasTracing`. */
export function withActiveSpan<T>({ traceparent, tracestate }: TracePlace, action: () => T): T {
  const { context, propagation } = (globalThis as { [API]?: Api })[API]!;
  const carrier = { traceparent, ...(tracestate !== undefined && { tracestate }) };
  return context!.with(propagation!.extract(context!.active(), carrier, GETTER), action);
}
