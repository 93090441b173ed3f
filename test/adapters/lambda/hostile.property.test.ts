// Whatever an event holds, the handler answers what the scorer of the plain server answers to the same request, in a form that
// the front door takes. CI=true tries ten thousand events for each door,
// entry and language.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createHandler, type LambdaResult } from "../../../adapters/lambda/index.ts";
import { streamHandler } from "../../../adapters/lambda/stream.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import type { HeaderList, ScoreRequest, ScoreResponse } from "../../../src/core/types.ts";
import type { WireResponse } from "../../conformance.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import { type Language, until } from "../../setup/service.ts";
import { startScript, type TestService } from "./driver.ts";
import { contextWith, type FrontDoor, fromResult, receiveStream, toEvent } from "./front-door.ts";

const [EVENTS, EVENTS_PLAIN] = process.env.CI === "true" ? [10_000, 2_500] : [150, 50];
/** For all events of one test, in milliseconds: a machine may be slow. */
const TEST_MS = 30 * 60_000;

// ---- requests ---------------------------------------------------------------------------------------------------------

interface Wire {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly cookies: readonly string[];
  /** Members of `headers` that no client can send: they are no text, or numbers, or lists. */
  readonly odd: Readonly<Record<string, unknown>>;
  readonly body: string | Uint8Array | undefined;
  readonly spoilt: "no" | "base64" | "not text";
  readonly order: object;
}

const anyText = fc.oneof(
  fc.string({ unit: "grapheme-ascii", maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 6 }),
  fc.constantFrom("é", "\ud800", "x\udfffy", "日本", "\u0000", "a\r\nb", "\u007f", " ", "\t", "a,b", "\u00a0x"),
);
const plainText = fc.oneof(
  fc.string({ unit: "grapheme-ascii", maxLength: 12 }),
  fc.constantFrom("é", "日本", "x\ud800"),
);
/** Mostly what passes, so that the rest is tried, too. */
const value = fc.oneof({ weight: 6, arbitrary: plainText }, { weight: 1, arbitrary: anyText });
const name = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      "x-odd",
      "X-Odd",
      "x-request-id",
      "X-Ms-Request-Id",
      "x-ms-client-request-id",
      "TraceId",
    ),
  },
  {
    weight: 8,
    arbitrary: fc.constantFrom("Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"),
  },
  { weight: 4, arbitrary: fc.constantFrom("constructor", "__proto__", "toString", "hasOwnProperty", "valueOf") },
  {
    weight: 4,
    arbitrary: fc.constantFrom("content-type", "Content-Encoding", "Accept", "user-agent", "referer", "x-lang"),
  },
  { weight: 1, arbitrary: fc.constantFrom("a b", "é", "", "x:y", "\u0000") },
);
const header = fc.oneof(
  { weight: 9, arbitrary: fc.tuple(name, value) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(["content-type", "application/json"], ["x-request-id", "i".repeat(101)] as const),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(["Access-Control-Request-Method", "POST"], ["Origin", "https://a.test"] as const),
  },
);

const answerHeader = fc.tuple(
  fc.constantFrom(
    "constructor",
    "__proto__",
    "Set-Cookie",
    "set-cookie",
    "Vary",
    "X-A",
    "x-a",
    "TraceId",
    "x-request-id",
    "toString",
  ),
  fc.constantFrom("a=1", "b", "c, d", "é", ""),
);
const directive = fc.record(
  {
    status: fc.constantFrom(200, 200, 201, 204, 304, 404, 500, 599, 600, 700, 999),
    headers: fc.array(answerHeader, { maxLength: 4 }),
    body: fc.constantFrom("seen", "seen", "bytes", "none", "stream", "throw"),
  },
  { requiredKeys: [] },
);

const queryPart = fc.tuple(
  fc.constantFrom("a", "b", "constructor", "__proto__", "x%20y", ""),
  fc.constantFrom("1", "", "%C3%A9", "x%26y"),
);
const wire: fc.Arbitrary<Wire> = fc.record({
  method: fc.constantFrom("POST", "POST", "POST", "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "FOO", "post"),
  path: fc.constantFrom(
    "/score",
    "/score",
    "/score",
    "/score",
    "/",
    "/ready",
    "/swagger.json",
    "/nothing",
    "//score",
    "/sc%6Fre",
    "/%zz",
    "/score/",
  ),
  query: fc.array(queryPart, { maxLength: 3 }).map((parts) => parts.map(([key, text]) => `${key}=${text}`).join("&")),
  headers: fc.array(header, { maxLength: 6 }),
  cookies: fc.array(plainText, { maxLength: 2 }),
  odd: fc.dictionary(
    fc.constantFrom("x-null", "x-number", "x-list", "x-object", "x-true"),
    fc.constantFrom(null, 5, true, {}, ["a", 1, null], [["no"]], { toString: 1 }),
  ),
  body: fc.oneof(fc.constant(undefined), fc.constant("{}"), anyText, fc.uint8Array({ maxLength: 20 })),
  spoilt: fc.constantFrom("no", "no", "no", "no", "no", "no", "no", "no", "base64", "not text"),
  order: directive,
});

type Event = Record<string, unknown>;

/** The event of the front door, as the runtime parses it. */
function eventOf(door: FrontDoor, sent: Wire): Event {
  const target = sent.query === "" ? sent.path : `${sent.path}?${sent.query}`;
  const { method, body } = sent;
  const event = toEvent(door, { method, target, headers: linesOf(door, sent), ...(body !== undefined && { body }) });
  const headers = event.headers as Event | undefined;
  const many = event.multiValueHeaders as Event | undefined;
  for (const [key, odd] of Object.entries(sent.odd)) {
    if (headers !== undefined) headers[key] = odd;
    if (many !== undefined) many[key] = odd;
  }
  if (sent.spoilt === "base64") Object.assign(event, { body: "eyJkYXRh*", isBase64Encoded: true });
  if (sent.spoilt === "not text") Object.assign(event, { body: { data: [1] }, isBase64Encoded: false });
  return JSON.parse(JSON.stringify(event)) as Event;
}

function linesOf(door: FrontDoor, { headers, cookies, order }: Wire): (readonly [string, string])[] {
  const lines: (readonly [string, string])[] = [
    ...headers,
    ["x-do", JSON.stringify(order).replace(/[^ -~]/g, escaped)],
  ];
  for (const cookie of cookies) lines.push(["Cookie", cookie]);
  // It keeps the last of a name, and its names are in lower case.
  if (door === "alb") return [...new Map(lines.map(([key, text]) => [key.toLowerCase(), text] as const))];
  if (door !== "rest" && door !== "alb-multi") return lines;
  // These list the values of a name as it is spelt together, whatever came between.
  const names = [...new Set(lines.map(([key]) => key))];
  return names.flatMap((key) => lines.filter(([other]) => other === key));
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

// ---- what the plain server makes of them ------------------------------------------------------------------------------

/** The request that node:http would have read; undefined: it is not valid HTTP. */
function requestOf(door: FrontDoor, sent: Wire): ScoreRequest | undefined {
  if (sent.spoilt !== "no") return undefined;
  const headers = new Map<string, string>();
  let isValid = true;
  const add = (key: string, text: string): void => {
    const lower = key.toLowerCase();
    // Nowhere a header to be had.
    if (lower === "__proto__") return;
    const bytes = Buffer.from(text.trim())
      .toString("latin1")
      .replace(/^[\t ]+|[\t ]+$/g, "");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what HTTP does not allow
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(key) || /[\x00-\x08\x0a-\x1f\x7f]/.test(bytes)) isValid = false;
    const before = headers.get(lower);
    headers.set(lower, before === undefined ? bytes : `${before}${lower === "cookie" ? "; " : ","}${bytes}`);
  };
  for (const [key, text] of linesOf(door, sent)) add(key, text);
  add("Host", "example.test");
  for (const [key, odd] of Object.entries(sent.odd)) {
    const texts = [odd]
      .flat()
      .filter((item) => typeof item === "number" || typeof item === "boolean" || typeof item === "string");
    if (texts.length > 0) add(key, texts.join(","));
  }
  const body = Buffer.from(sent.body ?? "");
  if (sent.body !== undefined) headers.set("content-length", String(body.length));
  if (door === "alb" || door === "alb-multi") add("X-Forwarded-For", "192.0.2.1");
  if (!isValid) return undefined;
  const { method, path } = sent;
  return {
    method,
    path,
    query: queryOf(door, sent.query),
    headers: Object.fromEntries(headers),
    body,
    remoteAddress: "192.0.2.1",
  };
}

/** A front door that takes the query apart loses its order, or all but the last of a name. */
function queryOf(door: FrontDoor, query: string): string {
  if (door !== "rest" && door !== "alb" && door !== "alb-multi") return query;
  const groups = new Map<string, string[]>();
  for (const part of query === "" ? [] : query.split("&")) {
    const [key = "", text = ""] = part.split("=");
    groups.set(key, door === "alb" ? [text] : [...(groups.get(key) ?? []), text]);
  }
  return [...groups].flatMap(([key, texts]) => texts.map((text) => `${key}=${text}`)).join("&");
}

interface Expected {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

const REPEATS =
  /^(?:x-request-id|x-ms-request-id|x-ms-client-request-id|traceid|access-control-allow-(?:origin|headers))$/i;
const isAscii = (text: string): boolean => /^[\t -~]*$/.test(text);

/** What of an answer can travel. */
async function travelling(answer: ScoreResponse, method: string): Promise<Expected | "refused"> {
  const { status, headers } = answer;
  const bad = headers.some(([key, text]) => !isAscii(text) && !REPEATS.test(key));
  if (bad || status > 599) return "refused";
  const kept = headers.filter(([, text]) => isAscii(text));
  const isWhole = typeof answer.body === "string" || answer.body instanceof Uint8Array;
  const body = await bytesOf(answer.body);
  const bodyless = status === 204 || status === 304;
  const framed: HeaderList = isWhole && !bodyless ? [...kept, ["content-length", String(body.length)]] : kept;
  return { status, headers: framed, body: method === "HEAD" || bodyless ? Buffer.alloc(0) : body };
}

async function bytesOf(body: ScoreResponse["body"]): Promise<Buffer> {
  if (typeof body === "string" || body instanceof Uint8Array) return Buffer.from(body as string);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

// ---- comparing --------------------------------------------------------------------------------------------------------

/** Names and values in order, without what differs from call to call. */
function normal(headers: HeaderList, door: FrontDoor, ids: ReadonlySet<string>): string[] {
  const groups = new Map<string, string[]>();
  for (const [key, text] of headers) {
    const lower = key.toLowerCase();
    if (lower === "x-ms-run-fn-exec-ms") continue;
    const isOwn = /^x-(?:ms-|ms-client-)?request-id$/.test(lower) && !ids.has(text) && /^[0-9a-f-]{36}$/.test(text);
    groups.set(lower, [...(groups.get(lower) ?? []), isOwn ? "generated" : text]);
  }
  return [...groups]
    .map(([key, texts]) => {
      if (key === "set-cookie") return `${key}: ${(door === "alb" ? texts.slice(0, 1) : texts).join(" | ")}`;
      return `${key}: ${texts.join(", ")}`;
    })
    .sort();
}

function checkForm(returned: unknown, door: FrontDoor): void {
  const result = returned as LambdaResult;
  const text = JSON.stringify(result);
  // What JSON.stringify makes of half a surrogate pair.
  expect(text).not.toMatch(/(?<!\\)(?:\\\\)*\\ud[89a-f]/);
  expect(Number.isInteger(result.statusCode)).toBe(true);
  expect(typeof result.body).toBe("string");
  expect(typeof result.isBase64Encoded).toBe("boolean");
  const single = Object.entries(result.headers ?? {});
  const many = Object.entries(result.multiValueHeaders ?? {});
  const values = [...single.map(([, one]) => one), ...many.flatMap(([, list]) => list), ...(result.cookies ?? [])];
  for (const one of values) expect(typeof one === "string" && isAscii(one)).toBe(true);
  const names = [...single, ...many].map(([key]) => key.toLowerCase());
  expect(new Set(names).size).toBe(names.length);
  if (door === "alb-multi") expect(result.headers).toBeUndefined();
}

async function compare(service: TestService, door: FrontDoor, sent: Wire, answer: WireResponse): Promise<void> {
  const request = requestOf(door, sent);
  const ids = new Set(sent.headers.map(([, text]) => text));
  if (request === undefined) {
    expect(answer.status).toBe(400);
    if (sent.method === "HEAD") expect(answer.body.length).toBe(0);
    else expect(JSON.parse(answer.body.toString()).message).toMatch(/valid HTTP|body of the event/);
    return;
  }
  const expected = await travelling(await service.scorer.handle(request), sent.method);
  if (expected === "refused") {
    expect(answer.status).toBe(500);
    if (sent.method !== "HEAD") expect(JSON.parse(answer.body.toString()).message).toContain("AWS Lambda takes");
    return;
  }
  expect(answer.status).toBe(expected.status);
  expect(normal(answer.headers, door, ids)).toEqual(normal(expected.headers, door, ids));
  expect(answer.body.toString("latin1")).toBe(expected.body.toString("latin1"));
}

async function attack(script: string, each: (sent: Wire) => Promise<void>): Promise<void> {
  const numRuns = script.includes("hostile") ? EVENTS : EVENTS_PLAIN;
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`${numRuns} events, seed ${seed}`);
  await fc.assert(fc.asyncProperty(wire, each), { numRuns, seed });
}

const SCRIPTS: readonly [string, Language, string][] = [
  ["TypeScript, raw", "typescript", packageFile("test/adapters/lambda/scripts/hostile.ts")],
  ["TypeScript", "typescript", "echo.ts"],
  ["Python, raw", "python", packageFile("test/adapters/lambda/scripts/hostile.py")],
  ["Python", "python", "echo.py"],
];

describe.each(SCRIPTS)("%s", (_name, language, script) => {
  let service: TestService;
  beforeAll(async () => {
    service = await startScript(script, language, {
      AML_CORS_ORIGINS: "https://a.test, .*é.*",
      AZUREML_LOG_LEVEL: "ERROR",
    });
  });
  afterAll(() => service.runtime.close(0));

  test.for(["url", "http", "http-stage", "rest", "alb", "alb-multi"] as const)(
    "%s, buffered: answers what the scorer answers",
    { timeout: TEST_MS },
    async (door) => {
      const handler = createHandler(service);
      await attack(script, async (sent) => {
        const returned = await handler(eventOf(door, sent), contextWith(DEADLINE_MS));
        checkForm(returned, door);
        await compare(service, door, sent, fromResult(returned));
      });
      // A stream that nobody reads may still be ending.
      await until(() => service.runtime.state === "ready", "nothing runs any longer");
    },
  );

  test.for(["url", "rest"] as const)(
    "%s, streaming: answers what the scorer answers",
    { timeout: TEST_MS },
    async (door) => {
      await attack(script, async (sent) => {
        const answer = await receiveStream((stream, start) =>
          streamHandler(service, start)(eventOf(door, sent), stream, contextWith(DEADLINE_MS)),
        );
        expect(answer.complete).toBe(true);
        await compare(service, door, sent, answer);
      });
      // A stream that nobody reads may still be ending.
      await until(() => service.runtime.state === "ready", "nothing runs any longer");
    },
  );
});
