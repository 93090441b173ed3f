import { PassThrough, Writable } from "node:stream";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test, vi } from "vitest";
import { inProcess, startService } from "../../../adapters/lambda/index.ts";
import { createStreamHandler, streamHandler } from "../../../adapters/lambda/stream.ts";
import { rawHttp } from "../../../src/index.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import { headerOf, until } from "../../setup/service.ts";
import { contextWith, receiveStream, toEvent } from "./front-door.ts";

async function serve(script: Record<string, unknown>) {
  let text = "";
  const service = await startService(
    inProcess(async () => ({ init() {}, ...script })),
    {
      entryScript: "score.ts",
      env: {},
      write: (lines) => {
        text += lines;
      },
    },
  );
  const send = (event: unknown, remainingMs = DEADLINE_MS) =>
    receiveStream((stream, start) => streamHandler(service, start)(event, stream, contextWith(remainingMs)));
  return { service, send, logged: () => text };
}

const post = (body = "") => toEvent("url", { target: "/score", body });

describe("the head", () => {
  test("goes out although there is no body", async () => {
    const { send } = await serve({ run: rawHttp(() => new Response(null, { status: 204, headers: { "X-A": "1" } })) });
    const answer = await send(post());
    expect(answer.status).toBe(204);
    expect(headerOf(answer.headers, "x-a")).toBe("1");
    expect(answer.body.length).toBe(0);
  });

  test("says repeated headers and cookies as URL and REST API take them", async () => {
    const headers = new Headers([
      ["Set-Cookie", "a=1"],
      ["Set-Cookie", "b=2"],
    ]);
    const { send } = await serve({ run: rawHttp(() => new Response("x", { headers })) });
    for (const door of ["url", "rest"] as const) {
      const answer = await send(toEvent(door, { target: "/score", body: "" }));
      expect(answer.headers.filter(([name]) => name === "set-cookie")).toEqual([
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ]);
    }
  });

  test("that cannot be sent becomes a 500", async () => {
    const { send } = await serve({ run: rawHttp(() => new Response("x", { headers: { "X-A": "\u00e9" } })) });
    expect((await send(post())).status).toBe(500);
  });
});

describe("the body", () => {
  test("is let go of chunk by chunk", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const sent: WeakRef<Uint8Array>[] = [];
    let alive = Number.NaN;
    const { service } = await serve({
      run: async function* () {
        for (let count = 0; count < 50; count++) {
          const chunk = new Uint8Array(100_000);
          sent.push(new WeakRef(chunk));
          yield chunk;
          await nextTurn();
        }
        collect();
        alive = sent.filter((chunk) => chunk.deref() !== undefined).length;
      },
    });
    const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });
    const handler = streamHandler(service, (_stream, _head) => nowhere());
    await handler(post(), nowhere(), contextWith(DEADLINE_MS));
    expect(sent).toHaveLength(50);
    expect(alive).toBeLessThan(10);
  });

  test("may be larger than a buffered one", async () => {
    const { send } = await serve({ run: () => "x".repeat(7_000_000) });
    expect((await send(post())).body.length).toBe(7_000_002);
  });

  test("waits for a runtime whose buffer is full", async () => {
    let taken = 0;
    const { service } = await serve({
      async *run() {
        for (; taken < 100; taken++) yield new Uint8Array(65_536);
      },
    });
    const stream = new PassThrough({ highWaterMark: 65_536 });
    const done = streamHandler(service, (out) => out)(post(), stream, contextWith(DEADLINE_MS));
    await until(() => stream.writableNeedDrain, "the buffer is full");
    await delay(20);
    expect(taken).toBeLessThan(10);
    stream.resume();
    await done;
    expect(taken).toBe(100);
  });

  test("is cut off at the deadline", async () => {
    const { send, logged } = await serve({
      async *run() {
        yield "first";
        await new Promise(() => {});
      },
    });
    const answer = await send(post(), 300);
    expect(answer).toMatchObject({ status: 200, complete: false });
    expect(answer.body.toString()).toBe("first");
    expect(logged()).toContain("The request was not answered within");
  });

  test("is not made any longer once the client has gone", async () => {
    const closed = vi.fn();
    const { service, logged } = await serve({
      async *run() {
        try {
          for (;;) {
            yield "tick";
            await delay(1);
          }
        } finally {
          closed();
        }
      },
    });
    const stream = new PassThrough();
    stream.once("data", () => stream.destroy());
    await expect(streamHandler(service, (out) => out)(post(), stream, contextWith(DEADLINE_MS))).rejects.toThrow(
      /left/,
    );
    await until(() => closed.mock.calls.length === 1, "the generator is closed");
    expect(logged()).toContain("A streamed answer ended early");
  });
});

describe("what cannot be answered", () => {
  test("is told so", async () => {
    const { send, logged } = await serve({ run: () => 1 });
    expect((await send({ ...post(), body: "abc", isBase64Encoded: true })).status).toBe(400);
    expect((await send({ Records: [] })).complete).toBe(false);
    expect(logged()).toContain("belongs to another service");
  });

  test("is a 504 when nothing has been sent at the deadline", async () => {
    const { send } = await serve({ run: () => new Promise(() => {}) });
    const answer = await send(post(), 300);
    expect(answer).toMatchObject({ status: 504, complete: true });
  });
});

test("the handler needs Lambda's runtime, and says so", async () => {
  const { service } = await serve({ run: () => 1 });
  expect(() => createStreamHandler(service)).toThrow("awslambda");
});
