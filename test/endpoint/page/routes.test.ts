import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { createPageRoutes, type PageApi } from "../../../endpoint/page/index.ts";
import type { Shares } from "../../../endpoint/types.ts";
import { BadInputError, ScoreError, type ScoreRequest, type ScoreResponse } from "../../../src/host.ts";
import { headerOf } from "../../setup/service.ts";
import { endpointReport, TOKEN } from "./fake-endpoint.ts";

let changes: { traffic: Shares; mirrorTraffic: Shares }[];
let failure: unknown;
const report = endpointReport();
const api: PageApi = {
  report: () => report,
  async setTraffic(traffic, mirrorTraffic) {
    if (failure !== undefined) throw failure;
    changes.push({ traffic, mirrorTraffic });
  },
};
const routes = createPageRoutes(api, { token: TOKEN, hosts: ["desk.example"] });

beforeEach(() => {
  changes = [];
  failure = undefined;
});

const HEADERS = { host: "127.0.0.1:6001", authorization: `Bearer ${TOKEN}` };

function get(
  path: string,
  headers: Record<string, string> = {},
  more: Partial<ScoreRequest> = {},
): Promise<ScoreResponse> {
  const own = { ...HEADERS, ...headers };
  return routes.handle({ method: "GET", path, query: "", headers: own, body: new Uint8Array(), ...more });
}

function post(value: unknown, headers: Record<string, string> = {}): Promise<ScoreResponse> {
  const body = Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
  return get("/api/traffic", { "content-type": "application/json", ...headers }, { method: "POST", body });
}

function jsonOf({ body }: ScoreResponse): { readonly error?: { readonly code: string; readonly message: string } } {
  return JSON.parse(String(body));
}

describe("files", () => {
  test("are there without a token, each with its type and a strict policy", async () => {
    const page = await get("/", { authorization: "" });
    const text = Buffer.from(page.body as Uint8Array).toString();
    expect(text).toContain("<title>Endpoint</title>");
    const asked = ["/", "/index.html", ...[...text.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, path]) => `/${path}`)];
    expect(asked).toContain("/page.js");
    for (let at = 0; at < asked.length; at++) {
      const { status, headers, body } = await get(asked[at]!, { authorization: "" });
      expect([asked[at], status]).toEqual([asked[at], 200]);
      expect(headerOf(headers, "content-type")).toMatch(
        /^(?:text\/(?:html|javascript|css); charset=utf-8|image\/svg\+xml)$/,
      );
      expect(headerOf(headers, "content-security-policy")).toContain("default-src 'none'; script-src 'self';");
      expect(headerOf(headers, "x-content-type-options")).toBe("nosniff");
      expect(headerOf(headers, "referrer-policy")).toBe("no-referrer");
      const imports = Buffer.from(body as Uint8Array)
        .toString()
        .matchAll(/from "\.\/(\w+\.js)"/g);
      for (const [, path] of imports) if (!asked.includes(`/${path}`)) asked.push(`/${path}`);
    }
    expect(asked).toContain("/uplot.js");
  });

  test.each([
    "/nothing",
    "/../package.json",
    "/page.js/",
    "/..%2fpackage.json",
    "//page.js",
    "/__proto__",
    "/toString",
    "/tsconfig.json",
  ])("%s is none", async (path) => {
    expect(await get(path)).toMatchObject({ status: 404 });
  });

  test("are for reading", async () => {
    const refused = await get("/page.js", {}, { method: "POST" });
    expect(refused.status).toBe(405);
    expect(headerOf(refused.headers, "allow")).toBe("GET, HEAD");
    expect(await get("/page.js", {}, { method: "HEAD" })).toMatchObject({ status: 200 });
  });
});

describe("who may ask", () => {
  test.each(["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:65535", "desk.example:80"])(
    "host %j may",
    async (host) => {
      expect(await get("/api/report", { host })).toMatchObject({ status: 200 });
    },
  );

  test.each([
    "",
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.nip.io:80",
    "::1",
    "localhost:80:80",
    "[::2]",
    "localhost@evil",
    "169.254.169.254",
  ])("host %j may not, not even the page", async (host) => {
    for (const path of ["/", "/api/report"]) expect(await get(path, { host })).toMatchObject({ status: 403 });
  });

  test("without a host nothing is answered", async () => {
    const { host: _, ...headers } = HEADERS;
    expect(await get("/api/report", {}, { headers })).toMatchObject({ status: 403 });
  });

  test.each<[headers: Record<string, string>, status: number]>([
    [{}, 200],
    [{ origin: "http://127.0.0.1:6001" }, 200],
    [{ origin: "https://127.0.0.1:6001" }, 200],
    [{ origin: "http://127.0.0.1:6002" }, 403],
    [{ origin: "http://localhost:6001" }, 403],
    [{ origin: "null" }, 403],
    [{ origin: "https://evil.example" }, 403],
    [{ "sec-fetch-site": "same-origin" }, 200],
    [{ "sec-fetch-site": "none" }, 200],
    [{ "sec-fetch-site": "same-site" }, 403],
    [{ "sec-fetch-site": "cross-site" }, 403],
  ])("from %j: %j", async (headers, status) => {
    expect(await get("/api/report", headers)).toMatchObject({ status });
    expect((await post({ traffic: { blue: 100 } }, headers)).status).toBe(status);
    expect(changes).toHaveLength(status === 200 ? 1 : 0);
  });

  test.each([
    "",
    "Bearer",
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(0, -1)}`,
    TOKEN,
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN} ${TOKEN}`,
  ])("%j is no token", async (authorization) => {
    const refused = await get("/api/report", { authorization });
    expect(refused.status).toBe(401);
    expect(jsonOf(refused).error!.code).toBe("ERR_TOKEN");
    expect(await post({ traffic: { blue: 100 } }, { authorization })).toMatchObject({ status: 401 });
    expect(await get("/api/nothing", { authorization })).toMatchObject({ status: 401 });
    expect(changes).toEqual([]);
  });

  test("there is no page without a token", () => {
    expect(() => createPageRoutes(api, { token: "" })).toThrow("needs a token");
  });
});

describe("what is asked", () => {
  test("the report is as it is", async () => {
    expect(jsonOf(await get("/api/report"))).toEqual(report);
    expect(headerOf((await get("/api/report")).headers, "cache-control")).toBe("no-store");
  });

  test("traffic is set, the mirror stays unless it is named", async () => {
    expect((await post({ traffic: { Blue: 90, green: 10 }, mirrorTraffic: {} })).status).toBe(200);
    expect((await post({ traffic: { blue: 0 } })).status).toBe(200);
    expect(changes).toEqual([
      { traffic: { blue: 90, green: 10 }, mirrorTraffic: {} },
      { traffic: { blue: 0 }, mirrorTraffic: { green: 10 } },
    ]);
  });

  test.each<[unknown, string]>([
    ["", "not JSON"],
    ["\u{fffd}{", "not JSON"],
    [[], "must be an object"],
    [null, "must be an object"],
    [{}, "traffic must be an object"],
    [{ traffic: [] }, "traffic must be an object"],
    [{ traffic: { blue: 101 } }, 'traffic of "blue"'],
    [{ traffic: { blue: -1 } }, 'traffic of "blue"'],
    [{ traffic: { blue: 99.5, green: 0.5 } }, 'traffic of "blue"'],
    [{ traffic: { blue: "100" } }, 'traffic of "blue"'],
    [{ traffic: { blue: 60, Blue: 40 } }, 'names "blue" twice'],
    [{ traffic: { blue: 100 }, mirror: {} }, '"mirror" is not a known key'],
    [{ traffic: { blue: 100 }, mirrorTraffic: { green: null } }, 'mirrorTraffic of "green" must be a whole number'],
    ['{"traffic": {"__proto__": "1"}}', 'traffic of "__proto__" must be a whole number'],
  ])("%j is refused", async (value, message) => {
    const refused = await post(value);
    expect(refused.status).toBe(400);
    expect(jsonOf(refused).error!.message).toContain(message);
    expect(changes).toEqual([]);
  });

  test("whatever is sent, only percentages by lower-case names reach the endpoint", async () => {
    const share = fc.oneof(fc.integer({ min: -1, max: 101 }), fc.constantFrom(0, 50, 100), fc.jsonValue());
    const value = fc.oneof(fc.jsonValue(), fc.record({ traffic: fc.dictionary(fc.string(), share, { maxKeys: 3 }) }));
    await fc.assert(
      fc.asyncProperty(value, async (sent) => {
        changes = [];
        const { status } = await post(JSON.stringify(sent));
        expect([200, 400]).toContain(status);
        expect(changes).toHaveLength(status === 200 ? 1 : 0);
        for (const { traffic } of changes) {
          for (const [name, part] of Object.entries(traffic)) {
            expect(name).toBe(name.toLowerCase());
            expect(Number.isInteger(part) && part >= 0 && part <= 100).toBe(true);
          }
        }
      }),
    );
  });

  test("a form of another page cannot send it", async () => {
    expect(await post({ traffic: { blue: 100 } }, { "content-type": "text/plain" })).toMatchObject({ status: 415 });
    expect(await post({ traffic: { blue: 100 } }, { "content-type": "" })).toMatchObject({ status: 415 });
    expect(await post({ traffic: { blue: 100 } }, { "content-type": "application/json; charset=utf-8" })).toMatchObject(
      {
        status: 200,
      },
    );
  });

  test.each<[unknown, number, string]>([
    [new ScoreError("ERR_CONFIG", "there is no deployment red"), 400, "there is no deployment red"],
    [new BadInputError("ERR_BAD_INPUT", "green is a shadow"), 400, "green is a shadow"],
    [new Error("disk full"), 500, "disk full"],
  ])("what the endpoint refuses is told: %s", async (thrown, status, message) => {
    failure = thrown;
    const refused = await post({ traffic: { blue: 100 } });
    expect([refused.status, jsonOf(refused).error!.message]).toEqual([status, message]);
  });

  test("other methods and paths are refused with what is expected", async () => {
    const refused = await get("/api/traffic");
    expect([refused.status, headerOf(refused.headers, "allow")]).toEqual([405, "POST"]);
    expect(await get("/api/report", {}, { method: "DELETE" })).toMatchObject({ status: 405 });
    expect(await get("/api/report", {}, { method: "OPTIONS" })).toMatchObject({ status: 405 });
    for (const path of ["/api/", "/api/nothing", "/api/report/", "/api/constructor"]) {
      expect(await get(path)).toMatchObject({ status: 404 });
    }
  });

  test("only what changes traffic has a body to read", () => {
    const takes = (method: string, path: string): boolean => routes.takesBody({ method, path });
    expect(takes("POST", "/api/traffic")).toBe(true);
    for (const path of ["/", "/api/report", "/toString"]) expect(takes("POST", path)).toBe(false);
    const head = { method: "POST", path: "/api/traffic", query: "", headers: {} };
    expect(routes.refuse(head, new BadInputError("ERR_BODY_TOO_LARGE", "too large"))).toMatchObject({ status: 413 });
  });
});
