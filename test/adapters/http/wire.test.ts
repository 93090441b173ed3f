// Details of HTTP that clients see, where node:http does otherwise than the reference or than a client needs.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createHttpServer, type HttpOptions, type HttpServer } from "../../../adapters/http/index.ts";
import {
  createEventLog,
  createScorer,
  OverloadError,
  type ScoreResponse,
  type ScoreRuntime,
  type Scorer,
} from "../../../src/host.ts";
import { exchange, openConnection } from "../../setup/raw-client.ts";
import { createService, DEADLINE_MS, headerOf, type Service, until } from "../../setup/service.ts";

let service: Service;

beforeAll(async () => {
  service = createService("echo.ts", { SCOREFN_SCRIPT_HOST: "in-process" });
  await service.runtime.start();
});
afterAll(() => service.close());

async function serve(scorer: Scorer = service.scorer, options: Partial<HttpOptions> = {}) {
  const server: HttpServer = createHttpServer(scorer, { ...service.config, ...options }, service.log);
  const { port }: AddressInfo = await server.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => server.close(0));
  return { server, port };
}

/** The scorer with another runtime behind it. */
function scorerOf(runtime: Partial<ScoreRuntime>): Scorer {
  const whole: ScoreRuntime = {
    start: () => service.runtime.start(),
    run: (call) => service.runtime.run(call),
    close: async () => {},
    initialised: true,
    state: "ready",
    failure: undefined,
    ...runtime,
  };
  return createScorer(service.config, whole, createEventLog(service.config, service.log));
}

function post(body: string, ...headers: string[]): string {
  return ["POST /score HTTP/1.1", "Host: x", `Content-Length: ${body.length}`, ...headers, "", body].join("\r\n");
}

/** All that comes until the server closes, byte for byte. */
async function collect(port: number, text: string, end = false): Promise<string> {
  const socket = await openConnection(port);
  let seen = "";
  socket.on("data", (bytes: Buffer) => {
    seen += bytes.toString("latin1");
  });
  socket.write(Buffer.from(text, "latin1"));
  if (end) socket.end();
  const timer = setTimeout(() => socket.destroy(new Error("late")), DEADLINE_MS);
  await once(socket, "close");
  clearTimeout(timer);
  return seen;
}

describe("the target", () => {
  const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
  test.for([
    ["/score#part", "{}"],
    ["/score?a=1#part", '{"a": 1}'],
    ["/score#part?a=1", "{}"],
    ["http://host/score?a=1#part", '{"a": 1}'],
  ])("loses its fragment: %s", async ([target, body]) => {
    const { port } = await serve();
    const { status, body: seen } = await exchange(port, get(target!));
    expect([status, JSON.parse(seen.toString())]).toEqual([200, body]);
  });
});

describe("HTTP/1.0", () => {
  test.for(["", "Connection: keep-alive\r\n"])("is answered as such, and the connection ends (%j)", async (header) => {
    const { port } = await serve();
    const seen = await collect(port, `POST /score HTTP/1.0\r\n${header}Content-Length: 2\r\n\r\nok`);
    expect(seen).toMatch(/^HTTP\/1\.0 200 OK\r\n[\s\S]*Connection: close\r\n\r\n"ok"$/);
  });

  test("gets a stream without chunks", async () => {
    async function* items() {
      yield Buffer.from("one");
      yield Buffer.from("two");
    }
    const { port } = await serve({
      ...service.scorer,
      handle: async (): Promise<ScoreResponse> => ({ status: 200, headers: [], body: items() }),
    });
    const seen = await collect(port, "GET /score HTTP/1.0\r\n\r\n");
    expect(seen).toMatch(/^HTTP\/1\.0 200 OK\r\n[\s\S]*\r\n\r\nonetwo$/);
    expect(seen).not.toMatch(/transfer-encoding/i);
  });
});

describe("ids", () => {
  test.for([
    ["a result", "POST /score", 200],
    ["liveness", "GET /", 200],
    ["an error", "HEAD /score", 405],
  ] as const)("come back byte for byte with %s", async ([, line, status]) => {
    const { port } = await serve();
    const id = "\xe9\xff\x80\xc3\xa9";
    const ids = `x-request-id: ${id}1\r\nx-ms-client-request-id: ${id}2\r\nTraceId: ${id}3\r\n`;
    const seen = await collect(port, `${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${ids}\r\n`);
    expect(seen).toContain(`HTTP/1.1 ${status} `);
    for (const header of ids.trim().split("\r\n")) expect(seen).toContain(`\r\n${header}\r\n`);
  });
});

describe("a client that has ended its half", () => {
  test("gets its answer, byte for byte, however long that takes", async () => {
    let answer: (() => void) | undefined;
    const wait = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const { port } = await serve(
      scorerOf({
        run: async (call) => {
          await wait;
          return service.runtime.run(call);
        },
      }),
    );
    const whole = collect(port, post("ok") + post("and"), true);
    // Long enough for some bytes of the status line to be sent ahead.
    setTimeout(() => answer!(), 350);
    const seen = await whole;
    expect(seen.match(/HTTP\/1\.1 200 OK\r\n/g)).toHaveLength(2);
    expect(seen).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n"ok"HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n"and"$/);
  });

  test("of HTTP/1.0 as well", async () => {
    let begun = 0;
    let answer: (() => void) | undefined;
    const { port } = await serve(
      scorerOf({
        run: async (call) => {
          begun++;
          await new Promise<void>((resolve) => {
            answer = resolve;
          });
          return service.runtime.run(call);
        },
      }),
    );
    const whole = collect(port, "POST /score HTTP/1.0\r\nContent-Length: 2\r\n\r\nok", true);
    await until(() => begun === 1, "run() has begun");
    setTimeout(() => answer!(), 350);
    expect(await whole).toMatch(/^HTTP\/1\.0 200 OK\r\n[\s\S]*\r\n\r\n"ok"$/);
  });

  test.for(["leaves", "resets"])("and then %s is noticed while run() is under way", async (how) => {
    let aborted = 0;
    const { port } = await serve(
      scorerOf({
        run: ({ signal }) =>
          new Promise((_resolve, reject) => {
            signal?.addEventListener("abort", () => {
              aborted++;
              reject(new OverloadError("ERR_STOPPING", "gone", 1));
            });
          }),
      }),
    );
    const socket = await openConnection(port);
    socket.write(post("one") + post("two"), () => (how === "leaves" ? socket.destroy() : socket.resetAndDestroy()));
    await until(() => aborted === 2, "both requests are aborted");
  });
});

describe("an answer that node:http refuses", () => {
  test("is a 500 with a line in the log, and the next request is served", async () => {
    let isBad = true;
    const { port } = await serve({
      ...service.scorer,
      handle: async (request) => {
        if (!isBad) return service.scorer.handle(request);
        isBad = false;
        return { status: 200, headers: [["Trailer", "x"]], body: "x" };
      },
    });
    const from = service.logged().length;
    const { status, headers, body } = await exchange(port, post("ok", "Connection: close"));
    expect(status).toBe(500);
    expect(headerOf(headers, "x-ms-run-function-failed")).toBe("True");
    expect(JSON.parse(body.toString())).toMatchObject({
      message: "An unexpected error occurred in scoring script. Check the logs for more info.",
    });
    expect(service.logged().slice(from)).toMatch(/E \[\d+\] azmlinfsrv - Encountered Exception: TypeError: Trailers/);
    expect((await exchange(port, post("ok", "Connection: close"))).body.toString()).toBe('"ok"');
  });
});

describe("a request that is turned away", () => {
  const full = () => new OverloadError("ERR_OVERLOAD", "full", 7);

  test("is told so before its body is read, and the connection ends", async () => {
    const { port } = await serve(scorerOf({ refusal: full }));
    const socket = await openConnection(port);
    let seen = "";
    socket.on("data", (bytes: Buffer) => {
      seen += bytes.toString();
    });
    const ended = once(socket, "end");
    socket.write("POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    await until(() => seen.includes("full"), "the answer is there");
    expect(seen).toMatch(/^HTTP\/1\.1 503 [\s\S]*Retry-After: 7\r\n[\s\S]*Connection: close\r\n/);
    // What it had begun to send does no harm: not a reset, but the end.
    socket.write("a".repeat(500_000));
    await ended;
    socket.destroy();
  });

  test("keeps its connection where the whole body is there anyway", async () => {
    const { port } = await serve(scorerOf({ refusal: full }));
    const seen = await collect(port, `${post("a")}GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(seen).toMatch(/^HTTP\/1\.1 503 [\s\S]*HTTP\/1\.1 200 OK[\s\S]*Healthy$/);
  });

  test("is not told to go on with its body", async () => {
    const { port } = await serve(scorerOf({ refusal: full }));
    const head = "POST /score HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    expect(await collect(port, head, true)).toMatch(/^HTTP\/1\.1 503 /);
  });

  test("counts what others are sending, and chunks as they come", async () => {
    const asked: number[] = [];
    const { port } = await serve(
      scorerOf({
        refusal: (bytes) => {
          asked.push(bytes);
          return bytes > 1_000_000 ? full() : undefined;
        },
      }),
    );
    const first = await openConnection(port);
    first.write(`POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 700000\r\n\r\n${"a".repeat(600_000)}`);
    await until(() => asked.length >= 3, "the first has been weighed");
    const declared = await collect(port, "POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 700000\r\n\r\n", true);
    expect(declared).toMatch(/^HTTP\/1\.1 503 /);
    const chunks = `POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nF4240\r\n${"a".repeat(1_000_000)}`;
    expect(await collect(port, chunks)).toMatch(/^HTTP\/1\.1 503 /);
    first.end("a".repeat(100_000));
    await until(async () => {
      asked.length = 0;
      await exchange(port, post("ok", "Connection: close"));
      return asked[0] === 2;
    }, "nothing is counted any more");
  });

  test("also where the runtime has no word of its own on bytes", async () => {
    const { port } = await serve(service.scorer, { maxQueueBytes: 1_000 });
    // One alone may be of any size: it could never be served otherwise.
    expect(await collect(port, post("a".repeat(1_001), "Connection: close"))).toMatch(/^HTTP\/1\.1 200 /);
    const first = await openConnection(port);
    first.write(`POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n${"a".repeat(600)}`);
    await until(
      async () => / 503 /.test(await collect(port, post("a".repeat(401), "Connection: close"))),
      "the first one counts",
    );
    expect(await collect(port, post("a".repeat(400), "Connection: close"))).toMatch(/^HTTP\/1\.1 200 /);
    first.destroy();
  });

  test("a burst of them is one line in the log, and one a second with their number", async () => {
    const { port } = await serve(scorerOf({ refusal: full }));
    const from = service.logged().length;
    for (let count = 0; count < 20; count++) await exchange(port, post("a", "Connection: close"));
    await until(
      () => /\(the last of 19 like it within a second\)/.test(service.logged().slice(from)),
      "they are summed up",
    );
    expect(
      service
        .logged()
        .slice(from)
        .match(/gunicorn\.access - .*POST \/score/g),
    ).toHaveLength(1);
  });
});

test("a body that no route takes is not kept, and the answer is that of the route", async () => {
  const { port } = await serve();
  const body = "a".repeat(300_000);
  const seen = await collect(
    port,
    `POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  );
  expect(seen).toMatch(/^HTTP\/1\.1 404 [\s\S]*HTTP\/1\.1 200 OK[\s\S]*Healthy$/);
});

describe("time-outs", () => {
  const timeouts = { headMs: 200, requestMs: 300, checkMs: 50, keepAliveMs: 200 };
  test.for([
    ["part of the head", "POST /score HTTP/1.1\r\nHo", /^HTTP\/1\.1 408 /],
    ["part of the body", "POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab", /^HTTP\/1\.1 408 /],
    ["a whole request and no other", post("ok"), /^HTTP\/1\.1 200 [\s\S]*"ok"$/],
    ["CONNECT", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", /^HTTP\/1\.1 405 /],
  ] as const)("end the silence after %s", async ([, text, answer]) => {
    const { port, server } = await serve(service.scorer, { timeouts });
    expect(await collect(port, text)).toMatch(answer);
    await until(() => connectionsOf(server) === 0, "nothing is left");
  });
});

function connectionsOf({ server }: HttpServer): number {
  return (server as unknown as { _connections: number })._connections;
}
