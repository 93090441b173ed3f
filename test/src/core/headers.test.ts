import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  contractHeaders,
  formatMs,
  type Header,
  messageHeaders,
  type RequestIds,
  resolveIds,
  resultHeaders,
} from "../../../src/core/headers.ts";
import { mergeScriptHeaders } from "../../../src/core/script-headers.ts";

const VERSION = "scorefn/9.9.9";
const newId = (): string => "G";

const NO_IDS: RequestIds = {
  requestId: "",
  msRequestId: "",
  clientRequestId: "",
  traceId: undefined,
  tooLong: undefined,
  deprecatedId: false,
};

/** The request headers for a row of a truth table, where "-" stands for absent. */
function request(xRequestId: string, msRequestId: string, clientRequestId: string): Record<string, string> {
  const headers: Record<string, string> = {};
  if (xRequestId !== "-") headers["x-request-id"] = xRequestId;
  if (msRequestId !== "-") headers["x-ms-request-id"] = msRequestId;
  if (clientRequestId !== "-") headers["x-ms-client-request-id"] = clientRequestId;
  return headers;
}

function sent(ids: RequestIds): string[] {
  const headers = new Map(contractHeaders(ids, null));
  return ["x-request-id", "x-ms-request-id", "x-ms-client-request-id"].map((name) => headers.get(name) ?? "-");
}

describe("the ids of a request", () => {
  test.each([
    ["-", "-", "-", "G", "G", "-"],
    ["A", "-", "-", "A", "A", "-"],
    ["-", "B", "-", "G", "B", "B"],
    ["-", "-", "C", "G", "C", "C"],
    ["A", "B", "-", "A", "B", "B"],
    ["A", "-", "C", "A", "C", "C"],
    ["-", "B", "C", "G", "B", "C"],
    ["A", "B", "C", "A", "B", "C"],
  ])("follow the truth table of HDR-6: %s %s %s gives %s %s %s", (x, ms, client, outX, outMs, outClient) => {
    expect(sent(resolveIds(request(x, ms, client), newId))).toEqual([outX, outMs, outClient]);
  });

  test.each([
    ["", "-", "-", "-", "-", "-"],
    ["", "B", "-", "-", "B", "B"],
    ["", "-", "C", "-", "C", "C"],
    ["-", "", "", "G", "G", "-"],
    ["A", "", "C", "A", "C", "C"],
  ])(
    "take an empty x-request-id as given and empty x-ms ids as absent (HDR-6): '%s' '%s' '%s'",
    (x, ms, client, outX, outMs, outClient) => {
      expect(sent(resolveIds(request(x, ms, client), newId))).toEqual([outX, outMs, outClient]);
    },
  );

  test("are generated only when the request names none (HDR-3)", () => {
    let calls = 0;
    const counted = (): string => `id${++calls}`;
    resolveIds({ "x-request-id": "A" }, counted);
    resolveIds({ "x-request-id": "" }, counted);
    expect(calls).toBe(0);
    expect(resolveIds({}, counted).requestId).toBe("id1");
  });

  test("pass with 100 characters and fail with 101 (HDR-7)", () => {
    const longest = "a".repeat(100);
    for (const name of ["x-request-id", "x-ms-request-id", "x-ms-client-request-id"]) {
      expect(resolveIds({ [name]: longest }, newId).tooLong).toBeUndefined();
      expect(resolveIds({ [name]: `${longest}a` }, newId).tooLong).toBeDefined();
    }
  });

  test("are all left out when x-request-id is too long, which is checked first (HDR-7)", () => {
    const long = "a".repeat(101);
    const ids = resolveIds({ "x-request-id": long, "x-ms-request-id": long, traceid: "t" }, newId);
    expect(ids.tooLong).toBe("x-request-id must not exceed 100 characters");
    expect(contractHeaders(ids, VERSION)).toEqual([
      ["x-ms-server-version", VERSION],
      ["TraceId", "t"],
    ]);
  });

  test.each([
    ["x-ms-request-id", "A"],
    ["x-ms-client-request-id", "A"],
    ["x-ms-client-request-id", undefined],
  ])("keep only x-request-id when %s is too long (HDR-7)", (name, own) => {
    const headers = { [name]: "a".repeat(101), ...(own === undefined ? {} : { "x-request-id": own }) };
    const ids = resolveIds(headers, newId);
    expect(ids.tooLong).toBe("x-ms-request-id and x-ms-client-request-id must not exceed 100 characters");
    expect(sent(ids)).toEqual([own ?? "G", "-", "-"]);
  });

  test("ask for the deprecation warning when x-ms-request-id is not empty (HDR-8)", () => {
    expect(resolveIds({ "x-ms-request-id": "B" }, newId).deprecatedId).toBe(true);
    expect(resolveIds({ "x-ms-request-id": "b".repeat(101) }, newId).deprecatedId).toBe(true);
    expect(resolveIds({ "x-ms-request-id": "" }, newId).deprecatedId).toBe(false);
    expect(resolveIds({ "x-ms-client-request-id": "C" }, newId).deprecatedId).toBe(false);
  });

  test("echo TraceId, also an empty one, and no other spelling (HDR-9)", () => {
    expect(contractHeaders(resolveIds({ traceid: "" }, newId), null)).toContainEqual(["TraceId", ""]);
    expect(contractHeaders(resolveIds({ "trace-id": "t" }, newId), null).map(([name]) => name)).not.toContain(
      "TraceId",
    );
  });

  test("are opaque: whatever is given comes back unchanged (HDR-6)", () => {
    const latin1 = fc.nat(255).map((code) => String.fromCharCode(code));
    const given = fc.string({ minLength: 1, maxLength: 100, unit: latin1 });
    fc.assert(
      fc.property(given, given, given, (x, ms, client) => {
        const headers = { "x-request-id": x, "x-ms-request-id": ms, "x-ms-client-request-id": client };
        expect(sent(resolveIds(headers, newId))).toEqual([x, ms, client]);
      }),
    );
  });

  test("keep every sent id within 100 characters, whatever comes in (HDR-7)", () => {
    const maybe = fc.option(fc.nat(220), { nil: undefined });
    fc.assert(
      fc.property(maybe, maybe, maybe, (x, ms, client) => {
        const id = (length: number | undefined): string => (length === undefined ? "-" : "i".repeat(length));
        const ids = resolveIds(request(id(x), id(ms), id(client)), newId);
        for (const value of sent(ids)) expect(value.length).toBeLessThanOrEqual(100);
        expect(ids.tooLong !== undefined).toBe([x, ms, client].some((length) => (length ?? 0) > 100));
      }),
    );
  });
});

describe("the headers of an answer", () => {
  const ids = resolveIds({ "x-request-id": "A", "x-ms-client-request-id": "C", traceid: "t" }, newId);
  const shared: Header[] = [
    ["x-ms-server-version", VERSION],
    ["x-request-id", "A"],
    ["x-ms-request-id", "C"],
    ["x-ms-client-request-id", "C"],
    ["TraceId", "t"],
  ];

  test("carry type, outcome, time and ids for a plain result (OUT-1, OUT-4, HDR-1)", () => {
    expect(resultHeaders(ids, VERSION, 0.0541)).toEqual([
      ["Content-Type", "application/json"],
      ["x-ms-run-function-failed", "False"],
      ["x-ms-run-fn-exec-ms", "0.054"],
      ...shared,
    ]);
  });

  test("say True or False for a JSON message (HDR-11, HDR-12)", () => {
    const head: Header = ["Content-Type", "application/json"];
    expect(messageHeaders(ids, VERSION, true)).toEqual([head, ["x-ms-run-function-failed", "True"], ...shared]);
    expect(messageHeaders(ids, VERSION, false)).toEqual([head, ["x-ms-run-function-failed", "False"], ...shared]);
  });

  test.each([null, ""])("leave the version out when it is %j (HDR-2)", (version) => {
    expect(contractHeaders(ids, version)).toEqual(shared.slice(1));
  });

  test("are a new list on every call, so that a caller may add to it", () => {
    contractHeaders(ids, VERSION).push(["Vary", "Origin"]);
    expect(contractHeaders(ids, VERSION)).toEqual(shared);
  });

  test.each([
    [0.054, "0.054"],
    [1200.0171, "1200.017"],
    [3, "3.000"],
    [0, "0.000"],
  ])("write %d ms as %s (HDR-10)", (milliseconds, text) => {
    expect(formatMs(milliseconds)).toBe(text);
  });
});

describe("the headers of a script's own response", () => {
  // The three expectations below were read off the reference server.
  const own: Header[] = [
    ["x-request-id", "S"],
    ["x-ms-client-request-id", "S"],
    ["x-ms-request-id", "S"],
    ["x-ms-request-id", "S2"],
    ["X-MS-Server-Version", "S"],
    ["traceid", "S"],
    ["x-ms-run-fn-exec-ms", "S"],
    ["x-ms-run-function-failed", "S"],
    ["X-ms-run-function-failed", "T"],
    ["foo", "1"],
    ["foo", "2"],
  ];

  test("have their ids replaced in place, and version, time and TraceId added (HDR-2 to HDR-5, HDR-9, OUT-4)", () => {
    const ids = resolveIds({ traceid: "q" }, newId);
    expect(mergeScriptHeaders(own, ids, VERSION, 200, 0.624)).toEqual([
      ["x-request-id", "G"],
      ["x-ms-client-request-id", "S"],
      ["x-ms-request-id", "G"],
      ["X-MS-Server-Version", "S"],
      ["traceid", "S"],
      ["x-ms-run-fn-exec-ms", "S"],
      ["x-ms-run-function-failed", "S"],
      ["X-ms-run-function-failed", "T"],
      ["foo", "1"],
      ["foo", "2"],
      ["x-ms-run-fn-exec-ms", "0.624"],
      ["x-ms-server-version", VERSION],
      ["TraceId", "q"],
    ]);
  });

  test("keep ids the request has nothing to say about, and say True from status 500 on (HDR-6, OUT-3)", () => {
    const ids = resolveIds({ "x-request-id": "" }, newId);
    expect(mergeScriptHeaders(own, ids, VERSION, 503, 0.208)).toEqual([
      ["x-request-id", "S"],
      ["x-ms-client-request-id", "S"],
      ["x-ms-request-id", "S"],
      ["x-ms-request-id", "S2"],
      ["X-MS-Server-Version", "S"],
      ["traceid", "S"],
      ["x-ms-run-fn-exec-ms", "S"],
      ["x-ms-run-function-failed", "True"],
      ["foo", "1"],
      ["foo", "2"],
      ["x-ms-run-fn-exec-ms", "0.208"],
      ["x-ms-server-version", VERSION],
    ]);
  });

  test("get what they lack appended (OUT-3, HDR-4, HDR-5)", () => {
    const ids = resolveIds({ "x-request-id": "A", "x-ms-client-request-id": "C" }, newId);
    const headers: Header[] = [
      ["foo", "1"],
      ["X-Request-Id", "S"],
      ["bar", "2"],
    ];
    expect(mergeScriptHeaders(headers, ids, VERSION, 500, 0.169)).toEqual([
      ["foo", "1"],
      ["x-request-id", "A"],
      ["bar", "2"],
      ["x-ms-run-function-failed", "True"],
      ["x-ms-run-fn-exec-ms", "0.169"],
      ["x-ms-server-version", VERSION],
      ["x-ms-request-id", "C"],
      ["x-ms-client-request-id", "C"],
    ]);
  });

  test("are left as they are below status 500 and without ids (OUT-3)", () => {
    const headers: Header[] = [["x-ms-run-function-failed", "maybe"]];
    expect(mergeScriptHeaders(headers, NO_IDS, null, 499, 1)).toEqual([...headers, ["x-ms-run-fn-exec-ms", "1.000"]]);
    expect(mergeScriptHeaders([], NO_IDS, null, 499, 1)).toEqual([["x-ms-run-fn-exec-ms", "1.000"]]);
  });

  test("keep every header that is not an id or the outcome, in order (HDR-2, HDR-9, OUT-4)", () => {
    const name = fc.constantFrom("foo", "TraceId", "x-ms-server-version", "x-request-id", "X-Request-ID", "Set-Cookie");
    const list = fc.array(fc.tuple(name, fc.string()));
    const ids = resolveIds({ "x-request-id": "A" }, newId);
    const isId = ([header]: Header): boolean => header.toLowerCase() === "x-request-id";
    fc.assert(
      fc.property(list, (headers) => {
        const merged = mergeScriptHeaders(headers, ids, VERSION, 200, 1);
        const kept = headers.filter((header) => !isId(header));
        expect(merged.filter((header) => !isId(header)).slice(0, kept.length)).toEqual(kept);
        expect(merged.filter(isId)).toEqual([["x-request-id", "A"]]);
      }),
    );
  });
});
