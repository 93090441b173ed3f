// Where OpenTelemetry's API is set up in the script's process, what the script does in a trace becomes part of the request's.
import { OTEL_API } from "../core/traceparent.ts";

/** What `@opentelemetry/api`, whatever copy of it, puts on `globalThis` when a tracing library registers with it. */
interface Api {
  readonly context?: { active(): unknown; with<T>(context: unknown, action: () => T): T };
  readonly propagation?: { extract(context: unknown, carrier: object, getter: object): unknown };
}

/** Undefined: the script has no tracing library, as far as it is known now. */
export function tracingApi(): Required<Api> | undefined {
  const api = (globalThis as { [OTEL_API]?: Api })[OTEL_API];
  return api?.context !== undefined && api.propagation !== undefined ? (api as Required<Api>) : undefined;
}

export function hasTracing(): boolean {
  return tracingApi() !== undefined;
}
