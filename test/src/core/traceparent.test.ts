import { expect, test } from "vitest";
import { readTraceparent } from "../../../src/core/traceparent.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN_ID = "00f067aa0ba902b7";

test.each([
  [`00-${TRACE_ID}-${SPAN_ID}-01`, TRACE_ID],
  [`00-${TRACE_ID}-${SPAN_ID}-03`, TRACE_ID],
  [`cc-${TRACE_ID}-${SPAN_ID}-01-more`, TRACE_ID],
  [`00-${TRACE_ID}-${SPAN_ID}-00`, undefined],
  [`00-${TRACE_ID}-${SPAN_ID}-02`, undefined],
  [`ff-${TRACE_ID}-${SPAN_ID}-01`, undefined],
  [`00-${"0".repeat(32)}-${SPAN_ID}-01`, undefined],
  [`00-${TRACE_ID}-${"0".repeat(16)}-01`, undefined],
  [`00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`, undefined],
  [`00-${TRACE_ID}-${SPAN_ID}-011`, undefined],
  [` 00-${TRACE_ID}-${SPAN_ID}-01`, undefined],
  [`00-${TRACE_ID}-${SPAN_ID}-01,00-${TRACE_ID}-${SPAN_ID}-01`, undefined],
  ["", undefined],
  ["-".repeat(8_000), undefined],
])("traceparent %#", (header, traceId) => {
  const trace = readTraceparent(header);
  expect(trace?.isSampled ? trace.traceId : undefined).toBe(traceId);
});

test("a trace that is not sampled has ids all the same", () => {
  expect(readTraceparent(`00-${TRACE_ID}-${SPAN_ID}-00`)).toEqual({
    traceId: TRACE_ID,
    spanId: SPAN_ID,
    isSampled: false,
  });
});
