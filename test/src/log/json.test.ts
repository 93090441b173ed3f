import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { callFields, errorFields, requestFields } from "../../../src/log/fields.ts";
import { printable } from "../../../src/log/format.ts";
import { formatJsonRecord, MAX_LINE_BYTES } from "../../../src/log/json.ts";

const TIME = Date.UTC(2026, 10, 20, 19, 33, 1, 81);
const linesOf = (message: string, fields?: Record<string, unknown>): string[] =>
  formatJsonRecord(TIME, "INFO", 7, "azmlinfsrv", message, fields).split("\n");

describe("a record as JSON", () => {
  test("has its members in order, and those that are known only", () => {
    const fields = { request_id: "r", client_request_id: undefined, route: null, status: 200, run_ms: 0.5 };
    expect(linesOf("hello\n", fields)).toEqual([
      '{"time":"2026-11-20T19:33:01.081Z","level":"INFO","logger":"azmlinfsrv","message":"hello","pid":7,"request_id":"r","status":200,"run_ms":0.5}',
    ]);
  });

  test.each([
    ["half a pair", "a\ud800b", "a\ufffdb"],
    ["the other half", "\udc00\\ud800", "\ufffd\\ud800"],
    ["a pair", "😀", "😀"],
    ["what a terminal obeys", "\u0000\u001b[2J\u007f\u009b2J\u0085\u2028", "\u0000\u001b[2J\u007f\u009b2J\u0085\u2028"],
  ])("takes any text: %s", (_name, message, expected) => {
    const [line] = linesOf(message, { error: { type: message } });
    expect(JSON.parse(line!)).toMatchObject({ message: expected, error: { type: expected } });
    expect(printable(line!)).toBe(line);
  });

  test("comes in parts when it is long, each a line that a pipe keeps together", () => {
    const text = fc.string({ unit: "binary", maxLength: 3_000 });
    const message = fc.tuple(text, fc.integer({ min: 1, max: 20 })).map(([piece, times]) => piece.repeat(times));
    const fields = fc.dictionary(
      fc.constantFrom("request_id", "route", "name"),
      fc.string({ unit: "binary", maxLength: 3_000 }),
    );
    fc.assert(
      fc.property(message, fields, (message, fields) => {
        const lines = linesOf(message, fields);
        const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
        for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThan(MAX_LINE_BYTES);
        expect(records.map(({ message }) => message).join("")).toBe(
          Buffer.from(message.endsWith("\n") ? message.slice(0, -1) : message).toString(),
        );
        if (lines.length === 1) return;
        expect(records.map(({ part, parts }) => [part, parts])).toEqual(lines.map((_, at) => [at + 1, lines.length]));
      }),
    );
  });
});

describe("the ids of a request", () => {
  const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  const SPAN = "00f067aa0ba902b7";
  const trace = { trace_id: TRACE, span_id: SPAN };

  test.each([
    [`00-${TRACE}-${SPAN}-01`, trace],
    [` 00-${TRACE}-${SPAN}-00 `, trace],
    [`cc-${TRACE}-${SPAN}-01-what-comes`, trace],
    [`00-${TRACE}-${SPAN}-01-more`, {}],
    [`ff-${TRACE}-${SPAN}-01`, {}],
    [`00-${"0".repeat(32)}-${SPAN}-01`, {}],
    [`00-${TRACE}-${"0".repeat(16)}-01`, {}],
    [`00-${TRACE.toUpperCase()}-${SPAN}-01`, {}],
    [`00-${TRACE}-${SPAN}`, {}],
    [`00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`, {}],
    ["x".repeat(10_000), {}],
    ["", {}],
  ])("traceparent, case %#", (traceparent, expected) => {
    const known = { trace_id: undefined, span_id: undefined, ...expected };
    expect(requestFields("r", "", { traceparent })).toEqual({
      request_id: "r",
      client_request_id: undefined,
      ...known,
    });
  });

  test("the client's own is that of either header", () => {
    const headers = { "x-ms-request-id": "old", "x-ms-client-request-id": "new" };
    expect(callFields({ requestId: "r", headers })).toMatchObject({ client_request_id: "new" });
    expect(callFields({ requestId: "r", headers: { ...headers, "x-ms-client-request-id": "" } })).toMatchObject({
      client_request_id: "old",
    });
  });
});

test("a failure that has no place has none", () => {
  expect(errorFields("ERR_RESULT", "TypeError", null)).toEqual({ error: { code: "ERR_RESULT", type: "TypeError" } });
});
