import { OTEL_API } from "../core/traceparent.ts";

/** What a tracing library registers, as far as it counts here. */
export interface TracingApi {
  readonly context?: { active(): unknown; with<T>(context: unknown, action: () => T): T };
  readonly propagation?: { extract(context: unknown, carrier: object, getter: object): unknown };
}

/** Undefined: the script has no tracing library, as far as it is known now. */
export function tracingApi(): TracingApi | undefined {
  return (globalThis as { [OTEL_API]?: TracingApi })[OTEL_API];
}

export function hasTracing(): boolean {
  return tracingApi()?.propagation !== undefined;
}
