// What clients can make the server keep: each of these ended it, or took gigabytes, before there was a limit.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { MAX_UNDER_WAY } from "../../../adapters/http/connection.ts";
import { createHttpServer, type HttpServer } from "../../../adapters/http/index.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import type { ScoreResponse } from "../../../src/host.ts";
import { exchange, openConnection } from "../../setup/raw-client.ts";
import { freePort, type RunningServer, startServer } from "../../setup/server.ts";
import { createService, SCRIPTS, type Service, until } from "../../setup/service.ts";

const MEGABYTE = 1_048_576;
const TEST_DEADLINE_MS = 60_000;

let service: Service;

beforeAll(() => {
  service = createService("echo.ts");
});
afterAll(() => service.close());

/** A server that answers everything with so many bytes. */
async function serveBytes(bytes: number, stallMs: number, onRequest: () => void = () => {}) {
  const body = Buffer.alloc(bytes, "a");
  const handle = async (): Promise<ScoreResponse> => {
    onRequest();
    return { status: 200, headers: [], body };
  };
  const server = createHttpServer({ ...service.scorer, handle }, { maxBodyBytes: 0, stallMs }, service.log);
  const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => server.close(0));
  return { server, port };
}

function connectionsOf({ server }: HttpServer): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
}

async function silentClient(port: number, text: string): Promise<Socket> {
  const socket = await openConnection(port);
  onTestFinished(() => void socket.destroy());
  socket.pause();
  socket.write(text);
  return socket;
}

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

describe("an answer", () => {
  test("that a client does not take is given up, and the log says so", async () => {
    const { server, port } = await serveBytes(20 * MEGABYTE, 200);
    const from = service.logged().length;
    for (let count = 0; count < 5; count++) await silentClient(port, GET);
    await until(async () => (await connectionsOf(server)) === 5, "they are connected");
    await until(async () => (await connectionsOf(server)) === 0, "they are cut off");
    expect(service.logged().slice(from)).toContain("The client of GET / took nothing of its answer for too long");
  });

  test("that a client takes slowly arrives whole", { timeout: TEST_DEADLINE_MS }, async () => {
    const { port } = await serveBytes(20 * MEGABYTE, 1_000);
    const socket = await silentClient(port, GET.replace("Host", "Connection: close\r\nHost"));
    let length = 0;
    socket.on("data", (bytes: Buffer) => {
      length += bytes.length;
      socket.pause();
      setTimeout(() => socket.resume(), 10);
    });
    socket.resume();
    await once(socket, "close");
    expect(length).toBeGreaterThan(20 * MEGABYTE);
  });

  test("is not made ahead for more than a few of the requests that one client sends", async () => {
    let begun = 0;
    const { port } = await serveBytes(MEGABYTE, 30_000, () => begun++);
    const socket = await silentClient(port, GET.repeat(400));
    await until(() => begun > 0, "the first has begun");
    // Whatever else was to begin has: this one came in later.
    await exchange(port, GET.replace("Host", "Connection: close\r\nHost"));
    expect(begun).toBeLessThanOrEqual(2 * MAX_UNDER_WAY + 1);
    let length = 0;
    socket.on("data", (bytes: Buffer) => {
      length += bytes.length;
    });
    socket.resume();
    await until(() => length > 400 * MEGABYTE, "all 400 answers are there");
    expect(begun).toBe(401);
  });
});

describe("a body", () => {
  let server: RunningServer;
  let port: number;

  beforeAll(async () => {
    port = await freePort();
    const flags = ["--host", "127.0.0.1", "--port", String(port), "--max_body_mb", "0"];
    server = startServer({
      command: process.execPath,
      args: [
        packageFile("dist/adapters/cli/scorefn.js"),
        "serve",
        "--entry_script",
        join(SCRIPTS, "length.ts"),
        ...flags,
      ],
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      port,
    });
    await server.waitReady();
  });
  afterAll(async () => expect(await server.stop()).toBe(0));

  /** Most memory that the front has had so far, in bytes. */
  function peak(): number {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))![1]) * 1024;
  }

  const CHUNKED = "POST /score HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";

  test("in chunks of one byte costs a small multiple of its size", { timeout: TEST_DEADLINE_MS }, async () => {
    const before = peak();
    const { body } = await exchange(port, CHUNKED, "1\r\na\r\n".repeat(MEGABYTE), "0\r\n\r\n");
    expect(Number(body.toString())).toBe(MEGABYTE);
    // Parsing leaves garbage behind, which is collected in its own time.
    expect((peak() - before) / MEGABYTE).toBeLessThan(128);
  });

  test("of a petabyte is refused by its length alone", async () => {
    const before = peak();
    const head = "POST /score HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000000000000000\r\n\r\n";
    const { status, body } = await exchange(port, head);
    expect([status, body.toString()]).toEqual([
      413,
      '{"message": "The request body is larger than 2146435072 bytes."}',
    ]);
    expect(peak() - before).toBeLessThan(16 * MEGABYTE);
  });

  test("that is declared and does not come costs nothing", async () => {
    const before = peak();
    const head = "POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nab";
    const sockets = await Promise.all(Array.from({ length: 50 }, () => silentClient(port, head)));
    expect((await exchange(port, CHUNKED, "2\r\nok\r\n0\r\n\r\n")).body.toString()).toBe("2");
    expect(peak() - before).toBeLessThan(64 * MEGABYTE);
    for (const socket of sockets) socket.destroy();
  });

  test("of many megabytes arrives as it was sent, whole and in pieces", { timeout: TEST_DEADLINE_MS }, async () => {
    const bytes = Buffer.alloc(40 * MEGABYTE, "abcdefg");
    const head = `POST /score HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${bytes.length}\r\n\r\n`;
    expect((await exchange(port, head, bytes)).body.toString()).toBe(String(bytes.length));
    const chunk = Buffer.concat([Buffer.from("100000\r\n"), bytes.subarray(0, MEGABYTE), Buffer.from("\r\n")]);
    const chunks = Array.from({ length: 40 }, () => chunk);
    expect((await exchange(port, CHUNKED, ...chunks, "0\r\n\r\n")).body.toString()).toBe(String(bytes.length));
  });
});
