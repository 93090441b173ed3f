import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { render } from "../../../endpoint/control/rendered.ts";
import { gate, readMaxDifferences, renderJunit, renderTable } from "../../../endpoint/mirror/index.ts";
import { printable } from "../../../endpoint/mirror/render.ts";
import type { EndpointReport, MirrorReport } from "../../../endpoint/types.ts";
import { environment } from "../../setup/environments.mjs";

const LATENCY = { count: 400, mean: 12.3456, p50: 11, p90: 15, p95: 17, p99: 31.5, max: 44 };

function report(more: Partial<MirrorReport> = {}, text = "[1]"): MirrorReport {
  const sides = {
    live: { deployment: "blue", status: 200, body: text },
    shadow: { deployment: "green", status: 200, body: text },
  };
  const example = { requestId: text, time: "2026-01-02T03:04:05.000Z", request: text, ...sides };
  return {
    shadow: "green",
    since: "2026-01-02T03:04:00.000Z",
    mirrored: 401,
    compared: 400,
    dropped: 2,
    notComparable: 1,
    different: 4,
    shareDifferent: 0.01,
    kinds: [
      {
        kind: "body $.result[*]: number",
        count: 3,
        examples: [{ ...example, path: "$.result[0]", liveValue: "1", shadowValue: "2" }],
      },
      { kind: `status 200 -> 500 ${text}`, count: 1, examples: [] },
    ],
    liveMs: LATENCY,
    shadowMs: { ...LATENCY, p99: 40 },
    liveStatuses: { 200: 400 },
    shadowStatuses: { 200: 399, 500: 1 },
    ...more,
  };
}

describe("the gate", () => {
  test.each<[text: string, passes: boolean]>([
    ["3", false],
    ["4", true],
    ["0", false],
    ["1%", true],
    ["0.99%", false],
    ["0.99 %", false],
    ["0.01", true],
    [".01", true],
    ["0.009", false],
    ["1.0", true],
    ["100%", true],
    ["0%", false],
  ])("at most %s of 4 in 400: %j", (text, passes) => {
    const verdict = gate(report({ compared: 401 }), { maxDifferences: readMaxDifferences(text) });
    expect(verdict).toMatchObject({ passed: passes, exitCode: passes ? 0 : 1 });
    expect(verdict.reason).toContain("4 of 400 compared answers differ (1 %), at most ");
  });

  test.each(["", "x", "-1", "101%", "1.5", "1e3", "5 %%", "NaN", "0.", "1/2"])("%j is no limit", (text) => {
    expect(() => readMaxDifferences(text)).toThrow("is neither a count such as 5 nor a share such as 1% or 0.01");
  });

  test("nothing compared is no proof of anything", () => {
    const limits = { maxDifferences: { share: 1 } };
    for (const nothing of [null, report({ compared: 0, different: 0, shareDifferent: 0, kinds: [] })]) {
      const verdict = gate(nothing, limits);
      expect(verdict).toMatchObject({ passed: false, exitCode: 1 });
      expect(verdict.reason).toContain("no answers were compared");
    }
    expect(gate(report(), { ...limits, minCompared: 400 })).toMatchObject({ passed: false, exitCode: 1 });
    expect(gate(report(), { ...limits, minCompared: 399 })).toMatchObject({ passed: true, exitCode: 0 });
  });

  test("answers whose bodies were too large prove nothing either", () => {
    const large = report({ compared: 9, notComparable: 9, different: 0, shareDifferent: 0, kinds: [] });
    const verdict = gate(large, { maxDifferences: { count: 5 } });
    expect(verdict).toMatchObject({ passed: false, exitCode: 1 });
    expect(verdict.reason).toBe("no answers were compared; 9 more had bodies that could not be compared");
    expect(gate(report(), { maxDifferences: { count: 4 } }).reason).toBe(
      "4 of 399 compared answers differ (1 %), at most 4 may; 1 more had bodies that could not be compared",
    );
  });

  test("where no limit is asked for, nothing fails", () => {
    for (const mirror of [null, report(), report({ compared: 0, different: 0, kinds: [] })]) {
      const { text, failure } = render({ endpoint: "house", mirror } as EndpointReport, "junit", null);
      expect(failure).toBeNull();
      expect(text).toContain('failures="0"');
      expect(text).not.toContain("<failure");
    }
    const limited = render({ endpoint: "house", mirror: report() } as EndpointReport, "junit", "0");
    expect(limited.failure).not.toBeNull();
    expect(limited.text).toContain("<failure");
  });
});

test("the table shows both sides, the kinds and an example of each", () => {
  expect(renderTable(report())).toBe(
    `Mirror to green since 2026-01-02T03:04:00.000Z

copies sent              401
compared                 400
different                4 (1 %)
too large to compare     1
dropped for lack of room 2
`
      .replace("room 2", "room  2")
      .replace(/^(copies sent|compared|different|too large to compare)( +)/gm, "$1$2 ") +
      `
            live   green
mean ms     12.35  12.35
p50 ms      11     11
p90 ms      15     15
p95 ms      17     17
p99 ms      31.5   40
max ms      44     44
status 200  400    399
status 500  0      1

count  difference
3      body $.result[*]: number
1      status 200 -> 500 [1]

body $.result[*]: number
  at $.result[0]: 1 -> 2
  request [1] at 2026-01-02T03:04:05.000Z: [1]
  blue 200: [1]
  green 200: [1]
`,
  );
});

const HOSTILE = "\u0000\u001b[2J\r\n\u009b\u202e]]><&\"'\ud800\ufffe\uffff\u2028é😀";

test("no text moves the cursor of a terminal", () => {
  const table = renderTable(report({}, HOSTILE));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for
  expect(table).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2028]/);
  expect(table).toContain("\\u0000\\u001b[2J\\r\\n\\u009b\\u202e]]><&\"'\\ud800");
  expect(table).toContain("é😀");
  expect(printable("plain")).toBe("plain");
});

/** Python's own reader of XML. */
function parsed(xml: string): { name: string; failure: string | null; text: string }[] {
  const found = environment("tools");
  if ("unavailable" in found) throw new Error(found.unavailable);
  const program = [
    "import json, sys, xml.etree.ElementTree as tree",
    "root = tree.fromstring(sys.stdin.buffer.read())",
    "suite = root.find('testsuite')",
    "cases = [(case.get('name'), case.find('failure'), case.find('system-out')) for case in suite.findall('testcase')]",
    "failed = sum(failure is not None for _, failure, _ in cases)",
    "assert (int(suite.get('tests')), int(suite.get('failures'))) == (len(cases), failed)",
    "print(json.dumps([{'name': name, 'failure': None if failure is None else failure.get('message'), 'text': (out if failure is None else failure).text} for name, failure, out in cases]))",
  ].join("\n");
  return JSON.parse(execFileSync(found.python, ["-c", program], { input: Buffer.from(xml) }).toString());
}

test("JUnit's XML has a test for the gate and one for each kind, which fail together", () => {
  const failed = gate(report(), { maxDifferences: { count: 3 } });
  expect(parsed(renderJunit("my-endpoint", report(), failed))).toMatchObject([
    { name: "differences are within the limit", failure: failed.reason },
    {
      name: "body $.result[*]: number",
      failure: "3 of 399 compared answers",
      text: expect.stringContaining("at $.result[0]: 1 -> 2"),
    },
    { name: "status 200 -> 500 [1]", failure: "1 of 399 compared answers" },
  ]);
  const passed = gate(report(), { maxDifferences: { count: 4 } });
  expect(parsed(renderJunit("my-endpoint", report(), passed)).map(({ failure }) => failure)).toEqual([
    null,
    null,
    null,
  ]);
  const limits = { maxDifferences: { count: 4 } };
  expect(parsed(renderJunit("my-endpoint", null, gate(null, limits)))).toMatchObject([
    { failure: expect.stringContaining("no answers were compared") },
  ]);
});

test("JUnit's XML is XML whatever stands in it", () => {
  const verdict = { passed: false, reason: HOSTILE, exitCode: 1 as const };
  const [first] = parsed(renderJunit(HOSTILE, report({}, HOSTILE), verdict));
  expect(first!.failure).toContain(`]]><&"'`);
  const texts = fc.sample(fc.string({ unit: "binary", maxLength: 40 }), 300);
  const kinds = texts.map((kind) => ({ kind, count: 1, examples: [] }));
  expect(parsed(renderJunit("e", report({ kinds }), verdict))).toHaveLength(301);
});
