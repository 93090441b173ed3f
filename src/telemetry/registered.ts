// Where this process has an SDK already (`node --import ./otel.mjs`), it exports as its owner has told it, and ours stays out.
// Asked by its own objects: functions of another version of the API would not find them.
import type { Context, TextMapPropagator, TracerProvider } from "@opentelemetry/api";
import { OTEL_API } from "../core/traceparent.ts";

/** What `@opentelemetry/api`, whatever copy of it, puts on `globalThis` when an SDK registers with it. */
export interface RegisteredApi {
  readonly trace: TracerProvider;
  readonly context?: { active(): Context };
  readonly propagation?: TextMapPropagator;
}

/** @returns undefined: no SDK that traces is registered */
export function registeredApi(): RegisteredApi | undefined {
  const api = (globalThis as { readonly [OTEL_API]?: Partial<RegisteredApi> })[OTEL_API];
  return api?.trace === undefined ? undefined : (api as RegisteredApi);
}
