// Generated requests, hostile ones among them: what a front door answers is what the plain server answers to the same.
import { Agent } from "node:http";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createHttpServer } from "../../../adapters/http/index.ts";
import type { HeaderList } from "../../../src/host.ts";
import type { CreateDriver, Driver, WireRequest, WireResponse } from "../../conformance.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import { sendTo } from "../../setup/http-client.ts";
import { createService, type Language, scriptFile } from "../../setup/service.ts";

/** Requests of each front door and language, and of them so many under way at a time. */
const REQUESTS = Number(process.env.SCOREFN_REQUESTS ?? (process.env.CI ? 10_000 : 200));
const AT_A_TIME = 8;
const SEED = Number(process.env.SCOREFN_SEED ?? Date.now() % 2 ** 31);

const ENV = {
  AML_CORS_ORIGINS: "https://a.example,.*b.*",
  SCOREFN_ERROR_DETAIL: "none",
  AZUREML_LOG_LEVEL: "CRITICAL",
};

interface Door {
  readonly language: Language;
  readonly createDriver: CreateDriver;
  /** The library is in between: it tidies targets, and knows fewer answers than HTTP. */
  readonly library: boolean;
}

export function describeGenerated(name: string, { language, createDriver, library }: Door): void {
  describe(name, () => {
    let door: Driver;
    let plain: Driver;
    beforeAll(async () => {
      const script = scriptFile("recipe", language);
      [door, plain] = await Promise.all([createDriver(script, ENV), createPlainDriver(script, ENV)]);
    });
    afterAll(() => Promise.all([door?.close(), plain?.close()]));

    test(`${REQUESTS} requests are answered as by the plain server (seed ${SEED})`, {
      timeout: 10 * DEADLINE_MS,
    }, async () => {
      const requests = fc.array(request(library, language === "typescript" ? ["/ready"] : []), {
        minLength: AT_A_TIME,
        maxLength: AT_A_TIME,
      });
      const sameAnswers = fc.asyncProperty(requests, (list) =>
        Promise.all(list.map((one) => compare(one))).then(() => {}),
      );
      await fc.assert(sameAnswers, { numRuns: Math.ceil(REQUESTS / AT_A_TIME), seed: SEED, endOnFailure: true });
    });

    async function compare(sent: WireRequest): Promise<void> {
      const [own, other] = await Promise.all([door.send(sent), plain.send(forPlainServer(sent))]);
      expect(own.complete).toBe(true);
      if (own.status === 204 || own.status === 304) expect(hasLength(own)).toBe(false);
      if (library && other.status > 599) {
        expect(own.status).toBe(500);
        expect(own.body.toString()).toContain(sent.method === "HEAD" ? "" : "takes statuses from 200 to 599");
        return;
      }
      const emptied = library && other.status === 205 ? { ...other, body: Buffer.alloc(0) } : other;
      expect(comparable(own, other), JSON.stringify(sent)).toEqual(comparable(emptied, own));
      expect(cookiesOf(own), JSON.stringify(sent)).toEqual(
        library ? asTheLibraryWritesThem(cookiesOf(other)) : cookiesOf(other),
      );
    }
  });
}

async function createPlainDriver(script: string, env: Record<string, string>): Promise<Driver> {
  const inProcess = script.endsWith(".ts") ? { SCOREFN_SCRIPT_HOST: "in-process" } : {};
  const { scorer, config, log, runtime, logged, close } = createService(script, { ...env, ...inProcess });
  await runtime.start();
  const server = createHttpServer(scorer, config, log);
  const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
  const agent = new Agent({ keepAlive: true });
  return {
    send: (sent) => sendTo(port, agent, sent),
    logged,
    async close() {
      agent.destroy();
      await Promise.all([server.close(0), close()]);
    },
  };
}

/** The same without the function key, whose place is before the server. */
function forPlainServer({ headers = [], target, ...rest }: WireRequest): WireRequest {
  const [path = "", ...marked] = target.split("?");
  const others = marked
    .join("?")
    .split("&")
    .filter((parameter) => !/^c(?:o|%6f)de=/i.test(parameter));
  return {
    ...rest,
    headers: headers.filter(([header]) => header !== "X-Functions-Key"),
    target: others.length === 0 ? path : `${path}?${others.join("&")}`,
  };
}

const VARY: ReadonlySet<string> = new Set([
  ...["connection", "date", "keep-alive", "transfer-encoding"],
  ...["set-cookie", "x-ms-invocation-id", "x-ms-run-fn-exec-ms"],
  // The library's buffered transport loses it.
  "__proto__",
]);
const GUID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;

/** An answer without what differs from one to the next.
 *  @param other the length counts where both tell one: a streamed answer does not */
function comparable({ status, headers, body }: WireResponse, other: WireResponse): object {
  const joined = new Map<string, string>();
  for (const [header, value] of headers) {
    const name = header.toLowerCase();
    if (VARY.has(name) || (name === "content-length" && (other.status === 205 || !hasLength(other)))) continue;
    const known = joined.get(name);
    const whole = known === undefined ? value : `${known},${value}`;
    joined.set(name, whole.replace(/\s*,\s*/g, ",").replace(GUID, "GUID"));
  }
  return { status, headers: [...joined].sort(([a], [b]) => (a < b ? -1 : 1)), body: body.toString("latin1") };
}

function hasLength({ headers }: WireResponse): boolean {
  return headers.some(([name]) => name.toLowerCase() === "content-length");
}

function cookiesOf({ headers }: WireResponse): string[] {
  return headers.filter(([name]) => name.toLowerCase() === "set-cookie").map(([, value]) => value);
}

/** One is left as it is; of several, those it would refuse are left out. */
function asTheLibraryWritesThem(cookies: readonly string[]): readonly string[] {
  if (cookies.length < 2) return cookies;
  return cookies.flatMap((cookie) => COOKIES.get(cookie) ?? []);
}

/** Cookies, and how each is written beside others; undefined: it cannot be. */
const COOKIES: ReadonlyMap<string, string | undefined> = new Map([
  ["a=1", "a=1"],
  ["__proto__=1; Path=/x; HttpOnly", "__proto__=1; Path=/x; HttpOnly"],
  ["constructor=%20; Secure", "constructor=%20; Secure"],
  ["b=%ED%A0%80", "b=%25ED%25A0%2580"],
  ["c=é", "c=%C3%A9"],
  ["d=1; Max-Age=-5; SameSite=none", "d=1; Max-Age=-5; SameSite=None"],
  ["e=; Domain=.example.com; Priority=High", "e=; Domain=.example.com"],
  ["f=1; Expires=Fri, 20 Nov 2026 10:00:00 GMT", "f=1; Expires=Fri, 20 Nov 2026 10:00:00 GMT"],
  ["g=1; Expires=never", undefined],
  ["h=1; Max-Age=9e99", undefined],
  ["i=1; Domain=not a domain", undefined],
  ["j=1; Path=/é", undefined],
  ["no cookie", undefined],
  ["=1", undefined],
  ["é=1", undefined],
  [";;;", undefined],
  ["k", undefined],
  ["", undefined],
]);

const NAMES = ["X-Own", "constructor", "__proto__", "toString", "hasOwnProperty", "then", "length", "0"];
const hostileText = fc.oneof(
  fc.constantFrom(
    "",
    "1",
    "[object Object]",
    "é",
    "日",
    "\ud800",
    "\u0000",
    "\r\nx-b: 2",
    "\u007f",
    "\u0085",
    "a\tb",
    ",",
  ),
  fc.string({ unit: "binary", maxLength: 20 }),
);
/** What a client can send as a header's value. */
const sendable = hostileText.map((text) => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, "").trim());

const requestHeaders = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom("X-Own-A", "x-own-b", "X-OWN-A", ...NAMES), sendable),
    fc.tuple(
      fc.constantFrom(
        ...["x-request-id", "x-ms-request-id", "x-ms-client-request-id", "TraceId", "cookie", "x-forwarded-for"],
        ...["access-control-request-headers", "access-control-request-method", "referer", "content-type"],
      ),
      sendable,
    ),
    fc.tuple(fc.constant("x-request-id"), fc.constantFrom("x".repeat(100), "x".repeat(101), "é".repeat(100))),
    fc.tuple(fc.constant("origin"), fc.constantFrom("https://a.example", "b", "bé", "null", "https://c.example")),
    fc.constant(["X-Functions-Key", "SECRET"] as [string, string]),
  ),
  { maxLength: 6 },
);

const recipe = fc.record({
  status: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(200, 201, 204, 205, 299, 304, 400, 404, 418, 500, 503, 599, 600, 999) },
    { weight: 1, arbitrary: fc.constantFrom<unknown>(0, -1, 100, 101, 199, 1000, 200.5, null, "200", {}) },
  ),
  headers: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.tuple(fc.constantFrom("X-A", "x-a", "Content-Type", ...NAMES), sendable) },
      {
        weight: 2,
        arbitrary: fc.tuple(fc.constantFrom("Set-Cookie", "set-cookie"), fc.constantFrom(...COOKIES.keys())),
      },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.constantFrom("X-A", "", "a b", "é", "日", "Content-Length", "Set-Cookie"), hostileText),
      },
      {
        weight: 1,
        arbitrary: fc.tuple(
          fc.constantFrom("Connection", "Transfer-Encoding", "Keep-Alive"),
          fc.constantFrom("close", "chunked"),
        ),
      },
    ),
    { maxLength: 5 },
  ),
  body: fc.oneof(fc.constantFrom("", "{}", "é日\u0000", "LARGE"), fc.string({ unit: "binary" })),
  pieces: fc.constantFrom(0, 0, 0, 1, 3),
});

const body = fc.oneof(
  fc.constantFrom(
    ...[
      "",
      "{}",
      '{"__proto__": {"a": 1}, "constructor": 1}',
      '{"code": "K", "path": "/", "x-own": "1", "query": "q"}',
    ],
    ...[
      '"\\ud800"',
      "[[[[",
      "x".repeat(20_000),
      '{"headers": "x"}',
      '{"headers": {"x-own-a": "other"}}',
      '{"Headers": 1}',
    ],
  ),
  fc.string({ unit: "binary" }),
  fc.uint8Array({ maxLength: 40 }),
);

const parameter = fc.oneof(
  fc.constantFrom(
    ...["a=1", "a=2", "", "b", "=", "__proto__=1", "constructor=1", "%ff=%zz", "é".normalize(), "a=%00", "a=+&b=%2B"],
    ...[
      "code=SECRET",
      "CODE=SECRET",
      "c%6Fde=SECRET",
      "codes=1",
      "headers=x",
      'headers={"x-own":"y"}',
      "query=1",
      "x-own=1",
    ],
  ),
  fc.string({ unit: "grapheme-ascii", maxLength: 8 }),
);

/** @param rest further paths; the state of a script with workers changes from one request to the next */
function request(tidied: boolean, rest: readonly string[]): fc.Arbitrary<WireRequest> {
  return fc
    .record({
      method: fc.constantFrom("GET", "GET", "POST", "POST", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"),
      path: fc.constantFrom(...Array<string>(7).fill("/score"), "/", ...rest, "/swagger.json"),
      query: fc.option(fc.array(parameter, { maxLength: 4 })),
      headers: requestHeaders,
      recipe: fc.option(recipe),
      body: fc.option(body),
    })
    .map(({ method, path, query, headers, recipe: wanted, body: sent }) => {
      const target = query === null ? path : `${path}?${encodeURI(query.join("&")).replace(/#/g, "%23")}`;
      const list: HeaderList = wanted === null ? headers : [...headers, ["x-recipe", toAscii(JSON.stringify(wanted))]];
      return {
        method,
        target: tidied ? tidy(target) : target,
        headers: list,
        ...(sent !== null && method !== "GET" && method !== "HEAD" && { body: Buffer.from(sent) }),
      };
    });
}

function tidy(target: string): string {
  const { pathname, search } = new URL(target, "http://localhost");
  return pathname + search;
}

/** JSON with everything else escaped: it travels in a header. */
function toAscii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
