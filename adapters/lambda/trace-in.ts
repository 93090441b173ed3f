// Where a request's trace comes from: its caller's traceparent, or X-Ray.
import { readTraceparent } from "../../src/host.ts";
import type { LambdaContext } from "./deadline.ts";
import { isConcurrent } from "./function-facts.ts";
import type { Environment } from "./settings.ts";

/** Whose traces are continued (OTEL_PROPAGATORS). */
export interface Propagators {
  readonly w3c: boolean;
  readonly xray: boolean;
  /** What X-Ray does not keep is kept nowhere. */
  readonly xrayDecides: boolean;
}

export function readPropagators({ OTEL_PROPAGATORS: given = "" }: Environment): Propagators {
  if (given.trim() === "") return { w3c: true, xray: true, xrayDecides: false };
  const names = given.split(",").map((name) => name.trim());
  const xray = names.includes("xray") || names.includes("xray-lambda");
  return { w3c: names.includes("tracecontext"), xray, xrayDecides: xray };
}

/** As telemetry is to see it: a trace of X-Ray's is handed to it as a traceparent. */
export function withTraceparents(env: Environment, { w3c, xray }: Propagators): Environment {
  return xray && !w3c ? { ...env, OTEL_PROPAGATORS: "tracecontext" } : env;
}

/** Puts the trace that the request continues into its headers. The caller's traceparent comes first: only it knows the span
 *  that the request was sent in, while X-Ray's is what AWS made of it on the way. Of X-Ray's two, that of the invocation comes
 *  first: its parent is Lambda's own part of the trace. */
export function continueTrace(
  headers: Record<string, string>,
  context: LambdaContext | undefined,
  env: Environment,
  { w3c, xray, xrayDecides }: Propagators,
): void {
  if (w3c && readTraceparent(headers.traceparent?.trim() ?? "") !== undefined) return;
  const { traceparent, tracestate } = (w3c && callersContext(context)) || {};
  const own = context?.xRayTraceId ?? (isConcurrent(env) ? undefined : env._X_AMZN_TRACE_ID) ?? "";
  const found =
    traceparent ??
    (xray ? (fromXray(own, xrayDecides) ?? fromXray(headers["x-amzn-trace-id"] ?? "", xrayDecides)) : undefined);
  if (found === undefined) return;
  headers.traceparent = found;
  // That of another trace.
  delete headers.tracestate;
  if (tracestate !== undefined) headers.tracestate = tracestate;
}

/** A direct invocation has no headers; its caller may say it in the client context. */
function callersContext(context: LambdaContext | undefined): { traceparent?: string; tracestate?: string } | undefined {
  const { custom, Custom = custom } = context?.clientContext ?? {};
  const { traceparent, tracestate } = (Custom ?? {}) as { traceparent?: unknown; tracestate?: unknown };
  if (typeof traceparent !== "string" || readTraceparent(traceparent) === undefined) return undefined;
  return { traceparent, ...(typeof tracestate === "string" && { tracestate }) };
}

const ROOT = /(?:^|;)\s*Root=1-([0-9a-f]{8})-([0-9a-f]{24})\s*(?:;|$)/i;
const PARENT = /(?:^|;)\s*Parent=([0-9a-f]{16})\s*(?:;|$)/i;
const SAMPLED = /(?:^|;)\s*Sampled=1\s*(?:;|$)/i;

/** The traceparent that an `X-Amzn-Trace-Id` amounts to: X-Ray's root is the trace, its parent the span.
 *  @param decides false: without `Sampled=1` there is nothing to continue, for Lambda says `Sampled=0` of every request of a
 *  function whose tracing by X-Ray is off   @returns undefined: none */
export function fromXray(text: string, decides: boolean): string | undefined {
  const [, time, unique] = ROOT.exec(text) ?? [];
  const [, parent] = PARENT.exec(text) ?? [];
  const isSampled = SAMPLED.test(text);
  if (!isSampled && !decides) return undefined;
  const traceparent = `00-${time}${unique}-${parent}-${isSampled ? "01" : "00"}`.toLowerCase();
  return readTraceparent(traceparent) === undefined ? undefined : traceparent;
}
