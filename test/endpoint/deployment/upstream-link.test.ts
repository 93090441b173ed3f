// Requests that go on to a real server, and whatever that does with them.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { createUpstreamLink, type UpstreamLink } from "../../../endpoint/deployment/upstream-link.ts";
import type { BodyStream, CancelSignal, ScoreRequest, ScoreResponse } from "../../../src/host.ts";
import { until } from "../../setup/service.ts";
import { headerOf, textOf } from "../gateway/neighbours.ts";
import { deadAddress, serve, serveRaw } from "./upstream-neighbours.ts";

function linkTo(address: string): UpstreamLink {
  const link = createUpstreamLink(address);
  onTestFinished(() => link.close(0));
  return link;
}

function requestWith(changes: Partial<ScoreRequest> = {}): ScoreRequest {
  return { method: "POST", path: "/score", query: "", headers: {}, body: Buffer.from("body"), ...changes };
}

/** An upstream that shows what it got. */
async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method, url, headers } = request;
  response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString("latin1") }));
}

const jsonOf = async (response: ScoreResponse): Promise<Record<string, unknown>> => JSON.parse(await textOf(response));

describe("what an upstream gets", () => {
  test("is the request as it came", async () => {
    const address = await serve(echo);
    const link = linkTo(address);
    const body = Buffer.from([0, 1, 255, 13, 10]);
    const seen = await jsonOf(
      await link.send(
        requestWith({
          method: "PATCH",
          path: "/v2/a%2Fb/../c",
          query: "x=1&y=%20",
          body,
          headers: {
            host: "house.example",
            "content-type": "a/b",
            "x-request-id": "one",
            cookie: "a=b",
            "content-length": "5",
          },
        }),
      ),
    );
    expect(seen).toEqual({
      method: "PATCH",
      url: "/v2/a%2Fb/../c?x=1&y=%20",
      headers: {
        host: "house.example",
        "content-type": "a/b",
        "x-request-id": "one",
        cookie: "a=b",
        "content-length": "5",
        connection: "keep-alive",
      },
      body: body.toString("latin1"),
    });
    await until(() => link.inFlight === 0, "the stream has ended");
  });

  test.each(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])(
    "%s, with and without a body",
    async (method) => {
      const bodies: string[] = [];
      const link = linkTo(
        await serve((request, response) => {
          const chunks: Buffer[] = [];
          request.on("data", (chunk: Buffer) => chunks.push(chunk));
          request.on("end", () => {
            bodies.push(`${request.method} ${Buffer.concat(chunks)}`);
            response.end();
          });
        }),
      );
      for (const body of ["", "some"]) await textOf(await link.send(requestWith({ method, body: Buffer.from(body) })));
      expect(bodies).toEqual([`${method} `, `${method} some`]);
    },
  );

  test("has no headers of the client's connection, and a length of its own: nothing can be smuggled", async () => {
    const link = linkTo(await serve(echo));
    const { headers, body } = (await jsonOf(
      await link.send(
        requestWith({
          headers: {
            connection: "close, X-Mine, content-length, x-request-id, host",
            "x-mine": "1",
            "x-request-id": "kept",
            host: "kept.example",
            "transfer-encoding": "chunked",
            "content-length": "400",
            "keep-alive": "timeout=5",
            te: "trailers",
            trailer: "x",
            upgrade: "websocket",
            expect: "100-continue",
            "proxy-authorization": "Basic x",
          },
          body: Buffer.from("0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n"),
        }),
      ),
    )) as { headers: object; body: string };
    expect(headers).toEqual({
      host: "kept.example",
      "x-request-id": "kept",
      "content-length": "28",
      connection: "keep-alive",
    });
    expect(body).toBe("0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n");
  });

  test.each<[string, Partial<ScoreRequest>]>([
    ["a line end in the path", { path: "/a\r\nX: y" }],
    ["a blank in the query", { query: "a b HTTP/1.1" }],
    ["a line end in a header", { headers: { "x-a": "b\r\nX-C: d" } }],
    ["a blank in a name", { headers: { "x a": "b" } }],
    ["a method that is none", { method: "GET /admin HTTP/1.1\r\n\r\nPOST" }],
  ])("never has %s", async (_name, changes) => {
    let connections = 0;
    const address = await serveRaw(() => connections++);
    const link = linkTo(address);
    const response = await link.send(requestWith(changes));
    expect([response.status, headerOf(response, "x-ms-error-code")]).toEqual([400, "ERR_BAD_REQUEST"]);
    expect([connections, link.inFlight]).toEqual([0, 0]);
  });

  test("has the address as its host where the client gave none, and whole URLs stay paths", async () => {
    const address = await serve(echo);
    const link = linkTo(address);
    const seen = (await jsonOf(await link.send(requestWith({ path: "//evil.example/score" })))) as {
      url: string;
      headers: Record<string, string>;
    };
    expect(seen.url).toBe("//evil.example/score");
    expect(`http://${seen.headers.host}`).toBe(address);
  });
});

describe("what comes back", () => {
  test("status, headers in their order, and bytes", async () => {
    const link = linkTo(
      await serve((_request, response) => {
        response.writeHead(418, [
          ...["Set-Cookie", "a=1", "X-Own", "ünal", "set-cookie", "b=2", "Connection", "keep-alive, X-Hop"],
          ...["X-Hop", "1", "Keep-Alive", "timeout=9", "Content-Type", "a/b", "Date", "today", "Server", "theirs"],
        ]);
        response.end(Buffer.from([0, 255]));
      }),
    );
    const response = await link.send(requestWith());
    expect(response.status).toBe(418);
    expect(response.headers).toEqual([
      ["Set-Cookie", "a=1"],
      ["X-Own", "ünal"],
      ["set-cookie", "b=2"],
      ["Content-Type", "a/b"],
      ["Date", "today"],
      ["Server", "theirs"],
    ]);
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body as BodyStream) chunks.push(chunk);
    expect(Buffer.concat(chunks)).toEqual(Buffer.from([0, 255]));
  });

  test.each([
    ["HEAD", 200, "7", "7"],
    ["GET", 200, "0", undefined],
    ["GET", 304, "7", undefined],
    ["GET", 204, undefined, undefined],
  ])("no body: %s %i with length %s", async (method, status, length, kept) => {
    const link = linkTo(
      await serve((_request, response) => {
        response.writeHead(status, length === undefined ? {} : { "Content-Length": length });
        response.end();
      }),
    );
    for (let count = 0; count < 3; count++) {
      const response = await link.send(requestWith({ method, body: Buffer.alloc(0) }));
      expect(response.status).toBe(status);
      expect(headerOf(response, "content-length")).toBe(kept);
      expect(await textOf(response)).toBe("");
    }
    await until(() => link.inFlight === 0, "nothing is under way");
  });

  test("each chunk when it is there", async () => {
    let answer: ServerResponse | undefined;
    const link = linkTo(
      await serve((_request, response) => {
        answer = response;
        response.write("first");
      }),
    );
    const response = await link.send(requestWith());
    const chunks = (response.body as BodyStream)[Symbol.asyncIterator]();
    expect(Buffer.from((await chunks.next()).value).toString()).toBe("first");
    answer!.write("second");
    expect(Buffer.from((await chunks.next()).value).toString()).toBe("second");
    expect(link.inFlight).toBe(1);
    answer!.end();
    expect((await chunks.next()).done).toBe(true);
    expect((await chunks.next()).done).toBe(true);
    expect(link.inFlight).toBe(0);
  });

  test("no more than its reader takes: a stalled one stops the upstream", async () => {
    const CHUNK = Buffer.alloc(65_536);
    let written = 0;
    const link = linkTo(
      await serve((_request, response) => {
        const more = (): void => {
          while (written < 200e6 && response.write(CHUNK)) written += CHUNK.length;
        };
        response.on("drain", more);
        more();
      }),
    );
    const response = await link.send(requestWith());
    const chunks = (response.body as BodyStream)[Symbol.asyncIterator]();
    await chunks.next();
    // Nothing more is written once the buffers of both ends are full.
    let before = -1;
    while (before !== written) {
      before = written;
      for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
    }
    expect(written).toBeLessThan(60e6);
    await chunks.return?.();
    expect(link.inFlight).toBe(0);
  });

  test("an answer that comes before the request is read is an answer", async () => {
    const link = linkTo(
      await serve((_request, response) => {
        response.writeHead(413).end("too large");
      }),
    );
    const response = await link.send(requestWith({ body: Buffer.alloc(1_000) }));
    expect([response.status, await textOf(response)]).toEqual([413, "too large"]);
  });

  test("connections are used again", async () => {
    const ports = new Set<number | undefined>();
    const link = linkTo(
      await serve((request, response) => {
        ports.add(request.socket.remotePort);
        response.end("done");
      }),
    );
    for (let count = 0; count < 20; count++) await textOf(await link.send(requestWith()));
    expect(ports.size).toBeLessThan(20);
  });
});

describe("what goes wrong", () => {
  /** @returns what is written on a connection once the request's head has come */
  const onceAsked = (act: (socket: Socket) => void) => serveRaw((socket) => socket.once("data", () => act(socket)));
  const BROKEN: readonly [string, () => Promise<string>, number, string][] = [
    ["nothing listens", deadAddress, 503, "ERR_UPSTREAM_DOWN"],
    ["a reset at once", () => serveRaw((socket) => socket.resetAndDestroy()), 502, "ERR_UPSTREAM"],
    ["a reset after the request", () => onceAsked((socket) => socket.resetAndDestroy()), 502, "ERR_UPSTREAM"],
    ["an end without an answer", () => onceAsked((socket) => socket.end()), 502, "ERR_UPSTREAM"],
    ["half a head", () => onceAsked((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-")), 502, "ERR_UPSTREAM"],
    ["no HTTP", () => onceAsked((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n")), 502, "ERR_UPSTREAM"],
    [
      "two lengths",
      () => onceAsked((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")),
      502,
      "ERR_UPSTREAM",
    ],
    [
      "another protocol",
      () => onceAsked((socket) => socket.write("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")),
      502,
      "ERR_UPSTREAM",
    ],
    [
      "a head without end",
      () => onceAsked((socket) => socket.write(`HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(20_000)}`)),
      502,
      "ERR_UPSTREAM",
    ],
  ];
  test.each(BROKEN)("%s", async (_name, start, status, code) => {
    const link = linkTo(await start());
    // Again and again, for a connection that is kept can break when it is used again.
    for (let count = 0; count < 3; count++) {
      const response = await link.send(requestWith());
      expect([response.status, response.errorCode, headerOf(response, "x-ms-error-code")]).toEqual([
        status,
        code,
        code,
      ]);
      expect(JSON.parse(await textOf(response)).message).toContain(link.url);
      expect(link.inFlight).toBe(0);
    }
  });

  test.each([
    ["a declared length", "Content-Length: 10\r\n\r\nhalf"],
    ["chunks", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"],
  ])("an answer of %s that breaks off fails where it breaks", async (_name, text) => {
    const link = linkTo(await onceAsked((socket) => socket.end(`HTTP/1.1 200 OK\r\n${text}`)));
    const response = await link.send(requestWith());
    const chunks = (response.body as BodyStream)[Symbol.asyncIterator]();
    expect(Buffer.from((await chunks.next()).value).toString()).toBe("half");
    await expect(chunks.next()).rejects.toMatchObject({ code: "ERR_UPSTREAM" });
    expect((await chunks.next()).done).toBe(true);
    expect(link.inFlight).toBe(0);
  });

  test("a status that is none is the host's to refuse", async () => {
    const link = linkTo(await onceAsked((socket) => socket.end("HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n")));
    const { status } = await link.send(requestWith());
    expect([99, 502]).toContain(status);
  });

  test.each([
    "",
    "blue",
    "http://",
    "https://localhost:1",
    "http://a:1/path",
    "http://a:1?x",
    "http://u:p@a:1",
    "ftp://a",
    "http://a:99999",
  ])("the address %j is none", (address) => {
    expect(() => createUpstreamLink(address)).toThrow("give http://host:port without a path");
  });

  test("an address of IPv6, and one without a port", () => {
    expect(createUpstreamLink("http://[::1]:8000")).toMatchObject({
      host: "::1",
      port: 8_000,
      url: "http://[::1]:8000",
    });
    expect(createUpstreamLink("http://localhost")).toMatchObject({ port: 80, url: "http://localhost:80" });
  });
});

describe("a request that is given up", () => {
  function aborting(): { signal: CancelSignal; abort: () => void; listeners: Set<() => void> } {
    const listeners = new Set<() => void>();
    const state = {
      aborted: false,
      addEventListener: (_type: "abort", listener: () => void) => void listeners.add(listener),
      removeEventListener: (_type: "abort", listener: () => void) => void listeners.delete(listener),
    };
    const abort = (): void => {
      state.aborted = true;
      for (const listener of [...listeners]) listener();
    };
    return { signal: state, abort, listeners };
  }

  /** A server that tells how far it is, and whether its client has left. */
  async function watchedServer(act: (response: ServerResponse) => void) {
    const state = { begun: 0, gone: 0 };
    const address = await serve((request, response) => {
      request.resume();
      response.on("close", () => state.gone++);
      act(response);
      state.begun++;
    });
    return { address, state };
  }

  test("before it is sent is not sent", async () => {
    const { address, state } = await watchedServer((response) => response.end());
    const { signal, abort, listeners } = aborting();
    abort();
    const link = linkTo(address);
    expect((await link.send(requestWith({ signal }))).errorCode).toBe("ERR_CLIENT_GONE");
    expect([state.begun, link.inFlight, listeners.size]).toEqual([0, 0, 0]);
  });

  test("while the connection is made", async () => {
    const { address } = await watchedServer((response) => response.end());
    const { signal, abort, listeners } = aborting();
    const link = linkTo(address);
    const answer = link.send(requestWith({ signal }));
    abort();
    expect((await answer).errorCode).toBe("ERR_CLIENT_GONE");
    expect([link.inFlight, listeners.size]).toEqual([0, 0]);
  });

  test("while it is answered: the upstream sees its client leave", async () => {
    const { address, state } = await watchedServer(() => {});
    const { signal, abort, listeners } = aborting();
    const link = linkTo(address);
    const answer = link.send(requestWith({ signal }));
    await until(() => state.begun === 1, "the upstream works");
    expect(link.inFlight).toBe(1);
    abort();
    expect((await answer).status).toBe(499);
    await until(() => state.gone === 1, "the upstream knows");
    expect([link.inFlight, listeners.size]).toEqual([0, 0]);
  });

  test.each(["signal", "return before the first chunk", "return while a chunk is waited for"])(
    "in the middle of a stream: %s",
    async (how) => {
      const { address, state } = await watchedServer((response) => response.write("first"));
      const { signal, abort, listeners } = aborting();
      const link = linkTo(address);
      const response = await link.send(requestWith({ signal }));
      const chunks = (response.body as BodyStream)[Symbol.asyncIterator]();
      if (how === "return before the first chunk") await chunks.return?.();
      else {
        await chunks.next();
        const next = chunks.next().catch(() => "failed");
        if (how === "signal") abort();
        else await chunks.return?.();
        await next;
      }
      await until(() => state.gone === 1, "the upstream knows");
      await until(() => link.inFlight === 0, "nothing is under way");
      expect(listeners.size).toBe(0);
      // The link goes on.
      const again = await link.send(requestWith());
      expect(again.status).toBe(200);
      await (again.body as BodyStream)[Symbol.asyncIterator]().return?.();
    },
  );

  test("closing waits for what is under way, and breaks it off when that takes too long", async () => {
    const { address, state } = await watchedServer((response) => response.write("first"));
    const link = createUpstreamLink(address);
    const response = await link.send(requestWith());
    const text = textOf(response).catch(({ code }: { code: string }) => code);
    await link.close(1);
    expect(await text).toBe("ERR_UPSTREAM");
    await until(() => state.gone === 1, "the upstream knows");
    expect(link.inFlight).toBe(0);
  });
});

test("closing a second time, with less patience, ends the first as well: also what runs on a connection that is not kept", async () => {
  const address = await serveRaw((socket) => {
    socket.on("data", (text) => {
      if (!String(text).includes("/hang")) socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  const link = createUpstreamLink(address);
  // Until it is known that this server keeps none.
  for (let count = 0; count < 20; count++) await textOf(await link.send(requestWith()));
  const hanging = link.send(requestWith({ path: "/hang" }));
  const patient = link.close(300_000);
  await link.close(0);
  expect((await hanging).status).toBe(502);
  await patient;
  expect(link.inFlight).toBe(0);
});

test("a server that ends its connections without a word costs one request, and no further one", async () => {
  let connections = 0;
  const address = await serveRaw((socket) => {
    connections++;
    socket.on("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  });
  const link = linkTo(address);
  const statuses: number[] = [];
  for (let count = 0; count < 20; count++) {
    const response = await link.send(requestWith());
    await textOf(response);
    statuses.push(response.status);
  }
  expect(statuses.filter((status) => status !== 200).length).toBeLessThan(2);
  expect(connections).toBe(statuses.filter((status) => status === 200).length);
});
