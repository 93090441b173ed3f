import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createLog } from "../../../src/log/create.ts";
import { problemText } from "../../../src/telemetry/problem-text.ts";
import { Reporter } from "../../../src/telemetry/reporter.ts";

const TEN_MINUTES_MS = 600_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function logged() {
  const lines: string[] = [];
  const log = createLog((text) => lines.push(text.replace(/^.* - /, "").trimEnd()), "INFO");
  return { lines, log };
}

test("what is known before there is a log is told once there is one, each line once", () => {
  const { lines, log } = logged();
  const reporter = new Reporter(["one", "two", "one"]);
  reporter.problem("three");
  reporter.attach(log);
  expect(lines).toEqual(["one", "two", "Telemetry: three"]);
});

test("a problem is told once in ten minutes, with what is lost by then, and the sum at the end", () => {
  const { lines, log } = logged();
  const reporter = new Reporter([]);
  reporter.attach(log);
  let lost = 0;
  reporter.lost = () => lost;
  reporter.problem("connect ECONNREFUSED.");
  for (lost = 1; lost < 1_000; lost++) reporter.problem("connect ECONNREFUSED");
  vi.advanceTimersByTime(TEN_MINUTES_MS);
  reporter.problem("Payment Required (402)");
  lost += 5;
  reporter.closed(7);
  expect(lines).toEqual([
    "Telemetry: connect ECONNREFUSED. Requests are not affected; for ten minutes this is not said again.",
    "Telemetry: Payment Required (402). Spans lost so far: 1000. Requests are not affected; for ten minutes this is not said again.",
    "Telemetry: 1012 spans were lost in all.",
  ]);
});

test("nothing is told of an end at which nothing more was lost", () => {
  const { lines, log } = logged();
  const reporter = new Reporter([]);
  reporter.attach(log);
  reporter.lost = () => 3;
  reporter.problem("refused");
  reporter.closed(0);
  expect(lines).toHaveLength(1);
});

describe("what libraries say of a problem", () => {
  const named = (message: string, code: unknown) => Object.assign(new Error(message), { code });

  test.each([
    [[new Error("refused")], "refused"],
    [[named("Payment Required", 402)], "Payment Required (402)"],
    [[named("connect ECONNREFUSED 127.0.0.1:1", "ECONNREFUSED")], "connect ECONNREFUSED 127.0.0.1:1"],
    [
      [Object.assign(new AggregateError([named("no", "A"), named("neither", "B")], ""), { code: "ECONNREFUSED" })],
      "no (A), neither (B) (ECONNREFUSED)",
    ],
    [
      ["OTLPExportDelegate", "Export succeeded but", new SyntaxError("no JSON"), Buffer.from("x")],
      "Export succeeded but no JSON",
    ],
    [
      ["Received Partial Success response:", '{"rejectedSpans":"3"}'],
      'Received Partial Success response: {"rejectedSpans":"3"}',
    ],
    [[[new Error("one"), new Error("two")]], "one two"],
    [["Timeout"], "Timeout"],
    [[undefined], "something went wrong that has no name"],
  ])("%#", (problem, text) => {
    expect(problemText(problem)).toBe(text);
  });
});
