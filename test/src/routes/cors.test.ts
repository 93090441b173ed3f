import { describe, expect, test } from "vitest";
import { ScoreError } from "../../../src/core/errors.ts";
import { createScorer, type HeaderList, type RunOutcome, type ScoreRuntime } from "../../../src/host.ts";
import { createCors } from "../../../src/routes/cors.ts";

const ORIGIN = "Access-Control-Allow-Origin";

/** Headers for a request with this origin, if any. */
function headers(setting: string, origin?: string, more: Readonly<Record<string, string>> = {}, method = "GET") {
  return createCors(setting)!.headers({ method, headers: { ...(origin !== undefined && { origin }), ...more } });
}

describe("which origins", () => {
  test.each([null, "", " ", " , ,"])("%j enables nothing (CORS-10)", (setting) => {
    expect(createCors(setting)).toBeUndefined();
  });

  test("entries are split at commas and trimmed (CORS-1)", () => {
    expect(createCors(" a.com ,, b.com,")!.entries).toEqual(["a.com", "b.com"]);
  });

  test.each([
    ["a.com", "A.com", "A.com"],
    ["A.com", "a.com", "a.com"],
    ["a.com", "a.com.evil", undefined],
    ["a.com", "xa.com", undefined],
    ["a.com, b.com", "b.com", "b.com"],
    ["http://.*\\.x\\.com", "http://A.x.com.evil", "http://A.x.com.evil"],
    ["http://.*\\.x\\.com", "zhttp://a.x.com", undefined],
    ["*.x.com", "a.x.com", undefined],
    ["(a", "a", undefined],
    ["(a, b.com", "b.com", "b.com"],
    ["*", "x", "x"],
  ])("%s allows %s: %s (CORS-3, CORS-4)", (setting, origin, allowed) => {
    expect(Object.fromEntries(headers(setting, origin))[ORIGIN]).toBe(allowed);
  });

  test.each([
    ["b.com, B.com, a.com", "B.com"],
    ["(x), b.com", "b.com"],
    ["(x)", undefined],
    ["*", "*"],
    ["a.com, *", "*"],
    [".*", "*"],
  ])("without an origin, %s says %s (CORS-5)", (setting, allowed) => {
    expect(Object.fromEntries(headers(setting))[ORIGIN]).toBe(allowed);
    expect(headers(setting, "")).toEqual(headers(setting));
  });

  test.each([
    ["a.com", "a.com", false],
    ["a.com", undefined, false],
    ["a.com, b.com", "a.com", true],
    ["a.com, b.com", undefined, true],
    ["a.com, b.com", "c.com", false],
    ["a[.]com", "a.com", true],
    ["*", "a.com", true],
    ["*", undefined, false],
    ["*, a.com", undefined, false],
  ])("%s with origin %s varies by it: %s (CORS-6)", (setting, origin, varies) => {
    expect(headers(setting, origin).some(([name, value]) => name === "Vary" && value === "Origin")).toBe(varies);
  });

  test("names the expressions that are none (CORS-3)", () => {
    expect(createCors("*.x.com, a.com, (a, .*, *")!.unusable).toEqual(["*.x.com", "(a"]);
  });
});

describe("preflight (CORS-7)", () => {
  const preflight = (method: string, names?: string) =>
    headers(
      "a.com",
      "a.com",
      {
        "access-control-request-method": method,
        ...(names !== undefined && { "access-control-request-headers": names }),
      },
      "OPTIONS",
    );

  test.each(["GET", "post"])("%s is allowed", (method) => {
    expect(preflight(method)).toEqual([
      [ORIGIN, "a.com"],
      ["Access-Control-Allow-Methods", "GET, POST"],
    ]);
  });

  test("the headers that are asked for come back sorted", () => {
    expect(preflight("POST", "x-b,X-A, c")).toContainEqual(["Access-Control-Allow-Headers", "X-A, c, x-b"]);
  });

  test.each(["DELETE", "", "GE", ", "])("%j only has the origin", (method) => {
    expect(preflight(method, "x")).toEqual([[ORIGIN, "a.com"]]);
  });

  test("other requests ask in vain", () => {
    expect(headers("a.com", "a.com", { "access-control-request-method": "GET" })).toEqual([[ORIGIN, "a.com"]]);
  });

  test("an origin that is not allowed is told nothing", () => {
    expect(headers("a.com", "b.com", { "access-control-request-method": "GET" }, "OPTIONS")).toEqual([]);
  });
});

test("a private network is denied, and no more is ever said (CORS-8)", () => {
  const asked = { "access-control-request-private-network": "true" };
  expect(headers("*", "a.com", asked)).toContainEqual(["Access-Control-Allow-Private-Network", "false"]);
  const all = headers("*", "a.com", { ...asked, "access-control-request-method": "GET" }, "OPTIONS");
  const unwanted = /credentials|expose|max-age/i;
  expect(all.filter(([name]) => unwanted.test(name))).toEqual([]);
});

describe("answers of the core", () => {
  const settings = { errorDetail: "none", readyPath: "/ready", serverVersion: null, serviceName: "" } as const;
  const service = { ...settings, servicePathPrefix: "", serviceVersion: "" };

  function scorer(corsOrigins: string | null, run: () => Promise<RunOutcome>) {
    const runtime: ScoreRuntime = {
      start: async () => ({ takes: "request", concurrent: false }),
      run,
      close: async () => {},
      state: "ready",
      initialised: true,
      failure: undefined,
    };
    return createScorer({ ...service, corsOrigins }, runtime, {});
  }
  const answer = (headers: HeaderList) => async (): Promise<RunOutcome> => ({
    kind: "response",
    status: 200,
    headers,
    body: "",
    execMs: 0,
    fromScript: true,
  });
  const request = { method: "OPTIONS", path: "/score", query: "", headers: { origin: "b" }, body: Buffer.alloc(0) };
  const allowed = (headers: HeaderList) => headers.filter(([name]) => name.startsWith("Access-Control"));

  test("a raw script's own answer to OPTIONS has the headers added (CORS-9)", async () => {
    const { headers } = await scorer("*", answer([["X-Own", "1"]])).handle(request);
    expect(headers).toContainEqual(["X-Own", "1"]);
    expect(allowed(headers)).toEqual([[ORIGIN, "b"]]);
  });

  test("a script may set its own while the setting is off (CORS-9)", async () => {
    const { headers } = await scorer(null, answer([[ORIGIN, "own"]])).handle(request);
    expect(allowed(headers)).toEqual([[ORIGIN, "own"]]);
  });

  test("a request that is refused has them, too, where its route is known (CORS-2)", () => {
    const { refuse } = scorer("*", answer([]));
    const error = new ScoreError("ERR_BODY_TOO_LARGE", "too large");
    const post = { ...request, method: "POST" };
    expect(allowed(refuse(post, error).headers)).toEqual([[ORIGIN, "b"]]);
    expect(allowed(refuse({ ...post, path: "/nowhere" }, error).headers)).toEqual([]);
    expect(allowed(refuse({ ...post, path: "/" }, error).headers)).toEqual([]);
  });

  test("nothing is put around the core while it is off", async () => {
    const off = await scorer("", answer([])).handle(request);
    expect(allowed(off.headers)).toEqual([]);
  });
});
