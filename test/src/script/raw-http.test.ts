import { expect, test } from "vitest";
import { isRawHttp, type RunContext, rawHttp } from "../../../src/authoring/authoring.ts";
import type { BodyStream, RunOutcome } from "../../../src/core/types.ts";
import { runRawHttp } from "../../../src/script/raw-http.ts";

const context = { requestHeaders: {}, requestId: "r", signal: new AbortController().signal } as unknown as RunContext;
const input = {
  method: "POST",
  path: "/score",
  query: "a=1",
  headers: { host: "example.test", "x-a": "1,2" },
  body: Buffer.from([0, 255]),
  signal: () => context.signal,
};

type Built = Extract<RunOutcome, { kind: "response" }>;

test("a raw run() gets the web-standard request as it came", async () => {
  let seen: unknown;
  const run = rawHttp(async (request) => {
    const body = [...new Uint8Array(await request.arrayBuffer())];
    seen = { method: request.method, url: request.url, header: request.headers.get("x-a"), body };
    return new Response(null, { status: 204 });
  });
  expect(isRawHttp(run)).toBe(true);
  const outcome = (await runRawHttp(run, input, context)) as Built;
  expect(seen).toEqual({ method: "POST", url: "http://example.test/score?a=1", header: "1,2", body: [0, 255] });
  expect(outcome).toMatchObject({ status: 204, fromScript: true, body: new Uint8Array(0) });
});

test("its response is sent whole when the body is there at once, cookies apart", async () => {
  const headers = new Headers([
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
    ["x-own", "yes"],
  ]);
  const run = rawHttp(() => new Response("hello", { status: 418, headers }));
  const outcome = (await runRawHttp(run, input, context)) as Built;
  expect(Buffer.from(outcome.body as Uint8Array).toString()).toBe("hello");
  expect(outcome.status).toBe(418);
  expect(outcome.headers.filter(([name]) => name === "set-cookie")).toEqual([
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
  ]);
});

test("its response is streamed when the body takes longer, and cancelled when nobody reads", async () => {
  let cancelled = false;
  const source = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      controller.enqueue(Buffer.from("x"));
    },
    cancel() {
      cancelled = true;
    },
  });
  const outcome = (await runRawHttp(
    rawHttp(() => new Response(source)),
    input,
    context,
  )) as Built;
  const chunks: string[] = [];
  for await (const chunk of outcome.body as BodyStream) {
    chunks.push(Buffer.from(chunk).toString());
    if (chunks.length === 3) break;
  }
  expect(chunks).toEqual(["x", "x", "x"]);
  expect(cancelled).toBe(true);
});

test("anything else than a Response is refused by name", async () => {
  const run = rawHttp(() => "hello" as unknown as Response);
  await expect(runRawHttp(run, input, context)).rejects.toThrow("must return a Response; it returned a string");
});
