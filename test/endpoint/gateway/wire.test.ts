// The gateway behind a real HTTP server, with a deployment in this process and with one behind an upstream: over the wire,
// in every state that a request can be in, whatever its client does then.
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { createHttpServer } from "../../../adapters/http/index.ts";
import { createDeployment } from "../../../endpoint/deployment/index.ts";
import { createGateway } from "../../../endpoint/gateway/gateway.ts";
import type { GatewayForm, GatewayRecord, Target } from "../../../endpoint/types.ts";
import type { BodyStream, ScoreRequest, ScoreResponse } from "../../../src/host.ts";
import { exchange, openConnection } from "../../setup/raw-client.ts";
import { until } from "../../setup/service.ts";
import { assetsOf, serve, specOf } from "../deployment/upstream-neighbours.ts";
import { CREDENTIALS, FakeTarget, KEY, keptLog, ok, routingOf } from "./neighbours.ts";

/** What the deployment is at, whichever it is. */
interface Work {
  begun: number;
  /** Requests whose deployment was told that nobody waits. */
  givenUp: number;
  /** Ends what is under way. */
  finish(): void;
}

interface Door {
  readonly port: number;
  readonly target: Target;
  readonly work: Work;
  readonly records: GatewayRecord[];
  readonly logged: string[];
}

/** Paths say what happens: `/value` answers, `/wait` does when it is told to, `/stream` sends "first" and waits. */
function workingTarget(): { target: FakeTarget; work: Work } {
  const waiting = new Set<() => void>();
  const work: Work = {
    begun: 0,
    givenUp: 0,
    finish: () => {
      for (const end of waiting) end();
      waiting.clear();
    },
  };
  const target = new FakeTarget("blue");
  target.answer = (request: ScoreRequest): ScoreResponse | Promise<ScoreResponse> => {
    work.begun++;
    if (request.path === "/value") return ok(request.body.length > 0 ? request.body : '"done"');
    if (request.path === "/wait") {
      return new Promise((resolve) => {
        waiting.add(() => resolve(ok('"done"')));
        request.signal!.addEventListener("abort", () => {
          work.givenUp++;
          resolve({ status: 499, headers: [], body: "", errorCode: "ERR_CLIENT_GONE" });
        });
      });
    }
    target.inFlight++;
    return ok(
      firstThenWait(
        waiting,
        () => work.givenUp++,
        () => target.inFlight--,
      ),
    );
  };
  return { target, work };
}

function firstThenWait(waiting: Set<() => void>, onGivenUp: () => void, onEnd: () => void): BodyStream {
  return {
    [Symbol.asyncIterator]() {
      let step = 0;
      let wake = (): void => {};
      let isOver = false;
      const end = (): { done: true; value: undefined } => {
        if (!isOver) onEnd();
        isOver = true;
        return { done: true, value: undefined };
      };
      return {
        async next() {
          step++;
          if (isOver) return end();
          if (step === 1) return { done: false, value: Buffer.from("first") };
          if (step === 2) {
            await new Promise<void>((resolve) => {
              wake = resolve;
              waiting.add(resolve);
            });
            if (!isOver) return { done: false, value: Buffer.from("second") };
          }
          return end();
        },
        return() {
          if (!isOver) onGivenUp();
          const ended = end();
          wake();
          return Promise.resolve(ended);
        },
      };
    },
  };
}

/** The same work behind an HTTP server of its own. */
async function upstreamTarget(): Promise<{ target: Target; work: Work }> {
  const ends = new Set<() => void>();
  const work: Work = {
    begun: 0,
    givenUp: 0,
    finish: () => {
      for (const end of ends) end();
      ends.clear();
    },
  };
  const address = await serve((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("close", () => {
      if (!response.writableFinished) work.givenUp++;
    });
    request.on("end", () => {
      work.begun++;
      const body = Buffer.concat(chunks);
      const answer = body.length > 0 ? body : Buffer.from('"done"');
      // Said, for node:http does not say it to HEAD by itself.
      if (request.url === "/value") response.writeHead(200, { "Content-Length": answer.length }).end(answer);
      else if (request.url === "/wait") ends.add(() => response.end('"done"'));
      else {
        response.write("first");
        ends.add(() => response.end("second"));
      }
    });
  });
  const target = createDeployment(specOf(), assetsOf(address));
  onTestFinished(() => target.close(0));
  await target.start();
  return { target, work };
}

const KINDS = { "a deployment here": async () => workingTarget(), "an upstream": upstreamTarget };

async function open(kind: keyof typeof KINDS, form: GatewayForm = "managed", maxBodyBytes = 0): Promise<Door> {
  const { target, work } = await KINDS[kind]();
  const { log, logged } = keptLog();
  const records: GatewayRecord[] = [];
  const routing = routingOf([target], { blue: 100 }, { form });
  const gateway = createGateway({
    routing: () => routing,
    credentials: CREDENTIALS,
    events: { answered: (record) => records.push(record) },
    log,
  });
  const server = createHttpServer(gateway, { maxBodyBytes }, log);
  const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => {
    work.finish();
    return server.close(0);
  });
  return { port, target, work, records, logged };
}

function head(path: string, body = "", ...headers: string[]): string {
  const length = body === "" ? [] : [`Content-Length: ${body.length}`];
  return [`POST ${path} HTTP/1.1`, "Host: x", `Authorization: Bearer ${KEY}`, ...length, ...headers, "", body].join(
    "\r\n",
  );
}

const CLOSE = "Connection: close";

/** A connection and what came over it. */
async function connectTo(port: number) {
  const socket = await openConnection(port);
  let seen = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    seen += text;
  });
  return { socket, seen: () => seen, closed: once(socket, "close") };
}

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])("%s", (kind) => {
  test("an answer, byte by byte", async () => {
    const { port, records } = await open(kind);
    const { status, headers, body } = await exchange(port, head("/value", '{"a": 1}', CLOSE));
    expect([status, body.toString()]).toEqual([200, '{"a": 1}']);
    expect(headers.map(([name]) => name.toLowerCase())).toEqual(
      expect.arrayContaining(["x-request-id", "azureml-model-deployment", "date", "connection"]),
    );
    const names = headers.map(([name]) => name.toLowerCase());
    expect(names).not.toContain("server");
    expect(new Set(names).size).toBe(names.length);
    await until(() => records.length === 1, "it is told of");
    expect(records[0]).toMatchObject({ status: 200, requestBytes: 8, responseBytes: 8 });
  });

  test("HEAD, OPTIONS and other methods and paths go through", async () => {
    const { port, work } = await open(kind);
    for (const method of ["HEAD", "OPTIONS", "GET", "DELETE"]) {
      const text = head("/value", "", CLOSE).replace("POST", method);
      const { status, headers, body } = await exchange(port, text);
      expect([status, body.toString()]).toEqual([200, method === "HEAD" ? "" : '"done"']);
      expect(headers.filter(([name]) => name.toLowerCase() === "content-length").map(([, value]) => value)).toEqual([
        "6",
      ]);
    }
    expect(work.begun).toBe(4);
  });

  test("a stream streams", async () => {
    const { port, work } = await open(kind);
    const client = await connectTo(port);
    client.socket.write(head("/stream", "", CLOSE));
    await until(() => client.seen().includes("first"), "the first chunk is there");
    expect(client.seen()).not.toContain("second");
    work.finish();
    await client.closed;
    expect(client.seen()).toMatch(/Transfer-Encoding: chunked[\s\S]*first[\s\S]*second[\s\S]*\r\n0\r\n\r\n$/i);
  });

  test("a large body goes there and back", async () => {
    const { port } = await open(kind);
    const text = "x".repeat(3_000_000);
    const { status, body } = await exchange(port, head("/value", text, CLOSE));
    expect([status, body.length, body.toString() === text]).toEqual([200, 3_000_000, true]);
  });

  test("a reader that stalls is waited for, and gets all", async () => {
    const { port, target } = await open(kind);
    const text = "y".repeat(20_000_000);
    const client = await connectTo(port);
    client.socket.pause();
    client.socket.write(head("/value", text, CLOSE));
    // Further requests are answered meanwhile.
    expect((await exchange(port, head("/value", "", CLOSE))).status).toBe(200);
    client.socket.resume();
    await client.closed;
    expect(client.seen().length).toBeGreaterThan(text.length);
    await until(() => target.inFlight === 0, "nothing is under way");
  });

  interface State {
    readonly enter: (socket: Socket, door: Door, seen: () => string) => Promise<unknown>;
    /** The whole request is there, and its answer is still owed. */
    readonly isOwed?: true;
  }
  const write = (socket: Socket, text: string) => new Promise((resolve) => socket.write(text, resolve));
  const begun = (door: Door) => until(() => door.work.begun > 0, "the work has begun");
  const STATES: Readonly<Record<string, State>> = {
    connected: { enter: async () => {} },
    "part of the head": { enter: (socket) => write(socket, "POST /value HTTP/1.1\r\nHost: x\r\nAuthor") },
    "part of the body": { enter: (socket) => write(socket, head("/value", "whole").slice(0, -2)) },
    "part of a chunk": {
      enter: (socket) => write(socket, head("/value", "", "Transfer-Encoding: chunked").concat("5\r\nwh")),
    },
    "refused, body not read": {
      enter: async (socket, _door, seen) => {
        await write(socket, "POST /value HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\npart");
        await until(() => seen().includes("401"), "it is refused");
      },
    },
    "work under way": {
      isOwed: true,
      enter: async (socket, door) => {
        await write(socket, head("/wait"));
        await begun(door);
      },
    },
    "a stream begun": {
      isOwed: true,
      enter: async (socket, door, seen) => {
        await write(socket, head("/stream"));
        await begun(door);
        await until(() => seen().includes("first"), "the first chunk is there");
      },
    },
    "a second request sent ahead": {
      isOwed: true,
      enter: async (socket, door) => {
        await write(socket, head("/wait") + head("/value"));
        await begun(door);
      },
    },
    answered: {
      enter: async (socket, _door, seen) => {
        await write(socket, head("/value"));
        await until(() => seen().includes('"done"'), "the answer is there");
      },
    },
  };
  const ACTS = ["resets", "ends its half", "closes", "sends what is no HTTP"] as const;

  test.each(Object.keys(STATES).flatMap((state) => ACTS.map((act) => [state, act] as const)))(
    "%s: the client %s",
    async (name, act) => {
      const door = await open(kind);
      const client = await connectTo(door.port);
      const { enter, isOwed } = STATES[name]!;
      await enter(client.socket, door, client.seen);
      if (act === "resets") client.socket.resetAndDestroy();
      else if (act === "closes") client.socket.destroy();
      else if (act === "ends its half") client.socket.end();
      else client.socket.write("\x00\x01 no http\r\n\r\n");
      if (isOwed && (act === "resets" || act === "closes")) {
        // Who is gone without doubt is not worked for. One that closes may have sent its end only.
        await until(() => door.work.givenUp > 0, "the deployment knows that nobody waits");
      } else if (isOwed) {
        const before = door.work.begun;
        expect(before).toBeGreaterThan(0);
        door.work.finish();
        if (act === "ends its half") {
          await client.closed;
          expect(client.seen()).toMatch(/HTTP\/1.1 200 [\s\S]*("done"|second)/);
        }
      }
      client.socket.destroy();
      await client.closed;
      door.work.finish();
      await until(() => door.target.inFlight === 0, "nothing is under way");
      // It serves, and each request is told of once.
      expect((await exchange(door.port, head("/value", "", CLOSE))).status).toBe(200);
      const ids = door.records.map(({ requestId }) => requestId);
      expect(new Set(ids).size).toBe(ids.length);
      expect(door.logged.filter((line) => / E \[| C \[/.test(line) && !line.includes("ended early"))).toEqual([]);
    },
  );
});

describe("at the door", () => {
  test("who has no key need not send the body", async () => {
    const { port, work } = await open("a deployment here");
    const client = await connectTo(port);
    client.socket.write("POST /value HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n");
    await until(() => client.seen().includes("key_auth_access_denied"), "it is refused");
    expect(client.seen()).toMatch(/^HTTP\/1.1 401 [\s\S]*www-authenticate: Bearer/i);
    expect(client.seen()).not.toContain("100 Continue");
    expect(work.begun).toBe(0);
    client.socket.destroy();
  });

  test("who has one is told to go on", async () => {
    const { port } = await open("a deployment here");
    const client = await connectTo(port);
    client.socket.write(head("/value", "", "Expect: 100-continue", "Content-Length: 4", CLOSE));
    await until(() => client.seen().includes("100 Continue"), "it may go on");
    client.socket.write("body");
    await client.closed;
    expect(client.seen()).toMatch(/HTTP\/1.1 200 OK[\s\S]*body$/);
  });

  test("a body that is too large, and bytes that are no HTTP, have the server's words", async () => {
    const { port } = await open("a deployment here", "managed", 10);
    expect((await exchange(port, head("/value", "x".repeat(11), CLOSE))).status).toBe(413);
    const { status, headers } = await exchange(port, "no http\r\n\r\n");
    expect(status).toBe(400);
    expect(Object.fromEntries(headers)).toHaveProperty("x-request-id");
  });

  test.each(["green\x0bX-Evil: 1", "%0d%0aX-Evil: 1", "<b>red</b>", "blue, blue", "\xff\xfe", "../blue", "__proto__"])(
    "a deployment header %j finds nothing and comes back nowhere",
    async (name) => {
      const { port, logged } = await open("a deployment here");
      const socket = await openConnection(port);
      const chunks: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      socket.write(head("/value", "", `azureml-model-deployment: ${name}`, CLOSE), "latin1");
      await once(socket, "close");
      const answer = Buffer.concat(chunks).toString("latin1");
      // A control character in a header is refused before the gateway sees it.
      expect(answer).toMatch(/^HTTP\/1.1 40[04] /);
      expect(answer).not.toMatch(/x-evil|<b>|proto|\xff/i);
      expect(logged.join("")).not.toMatch(/x-evil|<b>/i);
    },
  );

  test("two requests in one are one", async () => {
    const { port, work } = await open("an upstream");
    const smuggled = "0\r\n\r\nPOST /wait HTTP/1.1\r\nHost: x\r\n\r\n";
    const both = head("/value", "", "Transfer-Encoding: chunked", `Content-Length: ${smuggled.length}`) + smuggled;
    const { status } = await exchange(port, both);
    expect(status).toBe(400);
    const tabbed = head("/value", "", "Transfer-Encoding: \tchunked", "Connection: close, content-length");
    expect((await exchange(port, `${tabbed}3\r\nabc\r\n0\r\n\r\n`)).body.toString()).toBe("abc");
    expect(work.begun).toBe(1);
  });

  test("one line of the access log for each request, whatever became of it", async () => {
    const { port, logged } = await open("a deployment here");
    await exchange(port, head("/value", "", CLOSE));
    await exchange(port, head("/value", "", CLOSE).replace(KEY, "wrong"));
    await exchange(port, head("/value", "", "azureml-model-deployment: red", CLOSE));
    const lines = logged.filter((line) => line.includes("gunicorn.access"));
    expect(lines.map((line) => / - (POST \S+ \d+) /.exec(line)?.[1])).toEqual([
      "POST /value 200",
      "POST /value 401",
      "POST /value 404",
    ]);
  });
});
