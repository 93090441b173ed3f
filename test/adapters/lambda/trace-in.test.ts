import { expect, test } from "vitest";
import type { LambdaContext } from "../../../adapters/lambda/deadline.ts";
import { continueTrace, fromXray, readPropagators, withTraceparents } from "../../../adapters/lambda/trace-in.ts";

const ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793";
const PARENT = "Parent=53995c3f42cd8ad8";
const XRAY = `${ROOT};${PARENT};Sampled=1`;
const AS_TRACEPARENT = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
const CALLERS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

test.for([
  [XRAY, AS_TRACEPARENT],
  [`${PARENT};Sampled=1;${ROOT};Lineage=d4d48d4d:0`, AS_TRACEPARENT],
  [`Self=1-67891234-12456789abcdef012345678; ${ROOT}; ${PARENT}; Sampled=1`, AS_TRACEPARENT],
  [
    XRAY.toUpperCase().replace("ROOT", "Root").replace("PARENT", "Parent").replace("SAMPLED", "Sampled"),
    AS_TRACEPARENT,
  ],
  [ROOT, undefined],
  [`${ROOT};Sampled=1`, undefined],
  [`${PARENT};Sampled=1`, undefined],
  [`${ROOT};${PARENT}`, undefined],
  [`${ROOT};${PARENT};Sampled=0`, undefined],
  [`${ROOT};${PARENT};Sampled=?`, undefined],
  [`Root=1-00000000-000000000000000000000000;${PARENT};Sampled=1`, undefined],
  [`${ROOT};Parent=0000000000000000;Sampled=1`, undefined],
  [`Root=2-5759e988-bd862e3fe1be46a994272793;${PARENT};Sampled=1`, undefined],
  [`Root=1-5759e988-bd862e3fe1be46a99427279;${PARENT};Sampled=1`, undefined],
  [`x${ROOT};${PARENT};Sampled=1`, undefined],
  ["", undefined],
  [";;;", undefined],
  [`${";".repeat(10_000)}`, undefined],
] as const)("%s continues %s", ([text, expected]) => {
  expect(fromXray(text, false)).toBe(expected);
});

test("where X-Ray decides, what it does not keep is continued and not kept", () => {
  expect(fromXray(`${ROOT};${PARENT};Sampled=0`, true)).toBe(AS_TRACEPARENT.replace(/01$/, "00"));
  expect(fromXray(XRAY, true)).toBe(AS_TRACEPARENT);
  expect(fromXray(ROOT, true)).toBeUndefined();
});

function continued(
  headers: Record<string, string>,
  env: Record<string, string> = {},
  context?: LambdaContext,
): Record<string, string> {
  const own = { ...headers };
  continueTrace(own, context, env, readPropagators(env));
  return own;
}

const other = (text: string): string => text.replace("5759e988", "6759e988");
const OTHER = other(AS_TRACEPARENT);

test("the caller's traceparent comes first, then the invocation's trace, then the header", () => {
  const headers = { traceparent: CALLERS, tracestate: "a=b", "x-amzn-trace-id": XRAY };
  expect(continued(headers, { _X_AMZN_TRACE_ID: XRAY })).toEqual(headers);
  expect(continued({ "x-amzn-trace-id": other(XRAY) }, { _X_AMZN_TRACE_ID: XRAY }).traceparent).toBe(AS_TRACEPARENT);
  expect(continued({ "x-amzn-trace-id": XRAY }).traceparent).toBe(AS_TRACEPARENT);
  const unkept = `${ROOT};${PARENT};Sampled=0`;
  expect(continued({ "x-amzn-trace-id": XRAY }, { _X_AMZN_TRACE_ID: unkept }).traceparent).toBe(AS_TRACEPARENT);
  expect(continued({}, { _X_AMZN_TRACE_ID: other(XRAY) }, { xRayTraceId: XRAY }).traceparent).toBe(AS_TRACEPARENT);
  expect(continued({})).toEqual({});
});

test("a traceparent that is none gives way, and its tracestate with it", () => {
  const headers = { traceparent: "00-bad", tracestate: "a=b" };
  expect(continued(headers, { _X_AMZN_TRACE_ID: XRAY })).toEqual({ traceparent: AS_TRACEPARENT });
  expect(continued(headers)).toEqual(headers);
});

test("the variable of the process says nothing where there are several requests at a time", () => {
  const env = { AWS_LAMBDA_MAX_CONCURRENCY: "8", _X_AMZN_TRACE_ID: other(XRAY) };
  expect(continued({}, env)).toEqual({});
  expect(continued({}, env, { xRayTraceId: XRAY }).traceparent).toBe(AS_TRACEPARENT);
});

test("a direct invocation may name its trace in the client context", () => {
  const custom = { traceparent: CALLERS, tracestate: "a=b" };
  const env = { _X_AMZN_TRACE_ID: XRAY };
  expect(continued({}, env, { clientContext: { custom } })).toEqual(custom);
  expect(continued({}, env, { clientContext: { Custom: custom } })).toEqual(custom);
  for (const bad of [null, 7, "x", { traceparent: 7 }, { traceparent: "00-bad" }]) {
    expect(continued({}, env, { clientContext: { custom: bad } }).traceparent).toBe(AS_TRACEPARENT);
  }
});

test("OTEL_PROPAGATORS says whose traces are continued", () => {
  const headers = { traceparent: CALLERS };
  const env = (names: string) => ({ OTEL_PROPAGATORS: names, _X_AMZN_TRACE_ID: XRAY });
  expect(continued(headers, env("tracecontext,xray")).traceparent).toBe(CALLERS);
  expect(continued({}, env("tracecontext, xray-lambda")).traceparent).toBe(AS_TRACEPARENT);
  expect(continued({}, env("tracecontext,baggage"))).toEqual({});
  expect(continued(headers, env("xray")).traceparent).toBe(AS_TRACEPARENT);
  expect(continued({}, env("none"))).toEqual({});
  expect(continued({}, { ...env("xray"), _X_AMZN_TRACE_ID: `${ROOT};${PARENT};Sampled=0` }).traceparent).toMatch(
    /-00$/,
  );
  const seen = (names: string) => withTraceparents(env(names), readPropagators(env(names))).OTEL_PROPAGATORS;
  expect(["", "none", "xray", "tracecontext,xray"].map(seen)).toEqual([
    "",
    "none",
    "tracecontext",
    "tracecontext,xray",
  ]);
});

test("what was named by the header stays named by it where the trace is another", () => {
  const { "x-amzn-trace-id": header } = continued({ "x-amzn-trace-id": other(XRAY) }, { _X_AMZN_TRACE_ID: XRAY });
  expect(fromXray(header!, false)).toBe(OTHER);
});
