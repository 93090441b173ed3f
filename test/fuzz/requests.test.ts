// Generated requests at running servers: every answer is one that the contract names, in time, and gives nothing away.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { DEADLINE_MS } from "../setup/deadline.ts";
import { openConnection } from "../setup/raw-client.ts";
import { type FuzzedServer, fuzzedScripts, startFuzzed } from "./servers.ts";

/** After so long without an end the rest of a request that lacks one is given up. */
const SILENCE_MS = 40;
const RUNS = Number(process.env.FUZZ_RUNS ?? 250);

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Sends bytes over a connection of its own, and reads until the server closes.
 *  @param isWhole false: the bytes may end within a request, so the server has to see that nothing follows
 *  @param cuts where the bytes are cut into pieces, modulo their number */
async function send(port: number, bytes: Buffer, isWhole: boolean, cuts: readonly number[] = []): Promise<Buffer> {
  const socket = await openConnection(port);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  let isLate = false;
  const timers = [
    setTimeout(() => {
      isLate = true;
      socket.destroy();
    }, DEADLINE_MS),
    // A server that waits for the rest says nothing; one that has all it needs answers and closes.
    ...(isWhole ? [] : [setTimeout(() => socket.end(), SILENCE_MS)]),
  ];
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.setNoDelay(true);
  const places = cuts.map((cut) => cut % bytes.length).sort((one, other) => one - other);
  for (const [index, place] of [0, ...places].entries()) {
    await new Promise((resolve) => socket.write(bytes.subarray(place, places[index]), resolve));
  }
  await closed;
  for (const timer of timers) clearTimeout(timer);
  if (isLate) throw new Error(`no end after ${DEADLINE_MS} ms`);
  return Buffer.concat(chunks);
}

/** The answers in what a connection brought, where each says how long it is or ends with the connection.
 *  @param isHead the first has no body, whatever length it gives; unless it refuses what is no request */
function answersIn(bytes: Buffer, isHead = false): Answer[] {
  if (bytes.length === 0) return [];
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) throw new Error(`no end of headers: ${bytes.toString("latin1")}`);
  const head = bytes.toString("latin1", 0, end);
  const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(head)?.[1]);
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  const rest = bytes.subarray(end + 4);
  const isBare = status === 100 || (isHead && !rest.subarray(0, 1).equals(Buffer.from("{")));
  const size = isBare ? 0 : length === undefined ? rest.length : Math.min(Number(length), rest.length);
  return [{ status, head, body: rest.toString("utf8", 0, size) }, ...answersIn(rest.subarray(size))];
}

const FAILED = '{"message": "An unexpected error occurred in scoring script. Check the logs for more info."}';
/** The errors of the contract, and of HTTP itself where the bytes are no request. */
const CLIENT_ERRORS = [400, 404, 405, 408, 413, 414, 415, 417, 431];
/** What an answer must never hold: places and programs of ours, and traces of either language. */
const GIVEN_AWAY = [
  packageFile(""),
  process.execPath,
  "Traceback",
  "site-packages",
  "node:internal",
  "scorefn_worker",
  "    at ",
  'File "',
  ".py",
  ".ts:",
  ".js:",
];

function check({ status, head, body }: Answer): void {
  const shown = `${head}\n\n${body}`;
  for (const text of GIVEN_AWAY) expect(shown.includes(text), `${text} in ${shown}`).toBe(false);
  if (status < 400) return;
  if (status >= 500) {
    expect(body === "" ? FAILED : body, shown).toBe(FAILED);
    expect(status, shown).toBe(500);
    expect(head, shown).toMatch(/^x-ms-run-function-failed: True$/im);
  } else expect(CLIENT_ERRORS, shown).toContain(status);
  if (body === "") return;
  expect(head, shown).toMatch(/^content-type: application\/json$/im);
  expect(Object.keys(JSON.parse(body)), shown).toEqual(["message"]);
}

const TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const token = fc.string({ unit: fc.constantFrom(...TOKEN), minLength: 1, maxLength: 12 });
const visible = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)) });

const method = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("POST", "GET", "HEAD", "OPTIONS") },
  fc.constantFrom("PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "MKCOL"),
);
const query = fc.oneof(
  fc
    .array(
      fc.tuple(
        fc.constantFrom("data", "scale", "version", "a"),
        fc.jsonValue().map((value) => JSON.stringify(value)),
      ),
      {
        maxLength: 3,
      },
    )
    .map((pairs) => pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&")),
  visible.map((text) => text.replaceAll("#", "")),
);
const path = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("/score", "/", "/swagger.json", "/ready") },
  fc.constantFrom(
    "/score/",
    "//score",
    "/score/../score",
    "/%73core",
    "/score%00",
    "/..%2f..%2fetc/passwd",
    "/%ff",
    "*",
  ),
  visible.map((text) => `/${text.replace(/[?#]/g, "")}`),
);
const header = fc.oneof(
  fc.tuple(
    fc.constantFrom(
      "x-request-id",
      "x-ms-request-id",
      "x-ms-client-request-id",
      "TraceId",
      "Origin",
      "Cookie",
      "Accept",
    ),
    fc.oneof(visible, fc.string({ unit: fc.constantFrom("x", "\xe9"), minLength: 95, maxLength: 105 })),
  ),
  fc.tuple(
    fc.constant("Content-Type"),
    fc.constantFrom(
      "application/json",
      "application/vnd.x+json; charset=utf-16",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "multipart/form-data; boundary=x",
      "text/plain",
      ";",
      "",
    ),
  ),
  fc.tuple(
    fc.constantFrom("Access-Control-Request-Method", "Access-Control-Request-Headers", "Content-Encoding"),
    visible,
  ),
  fc.tuple(
    token.filter((name) => !/^(content-length|transfer-encoding|connection|expect|upgrade|host)$/i.test(name)),
    visible,
  ),
);
const jsonText = fc.jsonValue().map((value) => JSON.stringify(value));
const body = fc.oneof(
  fc.constant(new Uint8Array()),
  jsonText.map((text) => Buffer.from(text)),
  fc.tuple(jsonText, jsonText).map(([data, scale]) => Buffer.from(`{"data": ${data}, "scale": ${scale}}`)),
  fc.array(fc.integer(), { maxLength: 5 }).map((data) => Buffer.from(JSON.stringify({ data }))),
  jsonText.map((text) => Buffer.from(text.slice(0, text.length / 2))),
  fc.integer({ min: 1, max: 20_000 }).map((depth) => Buffer.from(`{"data": ${"[".repeat(depth)}`)),
  fc.uint8Array({ maxLength: 300 }),
);

interface Parts {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
  readonly chunked: boolean;
}

const request: fc.Arbitrary<Parts> = fc
  .record({ method, path, query, headers: fc.array(header, { maxLength: 6 }), body, chunked: fc.boolean() })
  .map(({ path, query, ...rest }) => ({ target: query === "" || path === "*" ? path : `${path}?${query}`, ...rest }));

function bytesOf({ method, target, headers, body, chunked }: Parts): Buffer {
  const framing = chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`;
  const lines = [`${method} ${target} HTTP/1.1`, "Host: localhost", "Connection: close", framing];
  const head = [...lines, ...headers.map(([name, value]) => `${name}: ${value}`), "", ""].join("\r\n");
  const size = body.length.toString(16);
  const pieces = chunked
    ? [body.length === 0 ? "" : `${size}\r\n`, body, body.length === 0 ? "" : "\r\n", "0\r\n\r\n"]
    : [body];
  return Buffer.concat([Buffer.from(head, "latin1"), ...pieces.map((piece) => Buffer.from(piece as string))]);
}

/** A request with some of its bytes cut out, changed, or added. */
const damaged = fc
  .tuple(request, fc.nat(), fc.nat({ max: 20 }), fc.uint8Array({ maxLength: 12 }))
  .map(([parts, from, count, put]) => {
    const bytes = bytesOf(parts);
    const at = from % bytes.length;
    return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + count)]);
  });

describe.each(fuzzedScripts)("$what", ({ script, good, unavailable }) => {
  if (unavailable !== undefined) {
    test(`is not run: ${unavailable}`, () => expect(process.env.CI, unavailable).not.toBe("true"));
    return;
  }
  let server: FuzzedServer;
  beforeAll(async () => {
    server = await startFuzzed(script);
  });
  afterAll(async () => {
    expect(await server?.stop()).toBe(0);
  });

  async function stillServes(): Promise<void> {
    const headers = { "Content-Type": "application/json" };
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const answer = await fetch(`${server.url}/score`, { method: "POST", headers, body: good, signal });
    expect(await answer.json()).toEqual({ sum: 6 });
  }

  test("every request is answered, as the contract says", async () => {
    const property = fc.asyncProperty(request, async (parts) => {
      const answers = answersIn(await send(server.port, bytesOf(parts), true), parts.method === "HEAD");
      expect(answers).toHaveLength(1);
      answers.forEach(check);
    });
    await fc.assert(property, { numRuns: RUNS });
    await stillServes();
  });

  test("what is no request is refused or dropped", async () => {
    const noise = fc.oneof({ weight: 4, arbitrary: damaged }, fc.uint8Array({ maxLength: 500 }).map(Buffer.from));
    const property = fc.asyncProperty(noise, async (bytes) => {
      const isHead = bytes.subarray(0, 5).equals(Buffer.from("HEAD "));
      answersIn(await send(server.port, bytes, false), isHead).forEach(check);
    });
    await fc.assert(property, { numRuns: RUNS });
    await stillServes();
  });

  test("requests that come in pieces, one after the other, are answered in order", async () => {
    const lists = fc.array(fc.array(fc.integer()), { minLength: 1, maxLength: 4 });
    const property = fc.asyncProperty(
      lists,
      fc.array(fc.nat(), { maxLength: 6 }),
      fc.boolean(),
      async (data, cuts, chunked) => {
        const headers = [["Content-Type", "application/json"]] as const;
        const parts = data.map((list) => ({
          ...{ method: "POST", target: "/score", headers, chunked },
          body: Buffer.from(JSON.stringify({ data: list })),
        }));
        const texts = parts.map((part, index) => {
          const text = bytesOf(part).toString("latin1");
          return index === parts.length - 1 ? text : text.replace("Connection: close\r\n", "");
        });
        const bytes = Buffer.from(texts.join(""), "latin1");
        const answers = answersIn(await send(server.port, bytes, true, cuts));
        const sums = data.map((list) => ({ sum: list.reduce((sum, number) => sum + number, 0) }));
        expect(answers.map(({ body }) => JSON.parse(body))).toEqual(sums);
      },
    );
    await fc.assert(property, { numRuns: RUNS });
  });

  test("no worker was lost on the way", () => {
    expect(server.stdout()).not.toContain("Worker process");
    expect(server.stdout().match(/ready for serving traffic/g)).toHaveLength(1);
  });
});
