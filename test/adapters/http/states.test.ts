// Generated: every state that an exchange can be in times everything that a client can do then, on both ports of a running
// server. Whatever happens, the server lives and serves, and keeps nothing of it.
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { openConnection } from "../../setup/raw-client.ts";
import { scrape } from "../../setup/scrape.ts";
import { freePort, type RunningServer, startServer } from "../../setup/server.ts";
import { DEADLINE_MS, SCRIPTS, type TemporaryFolder, temporaryFolder, until } from "../../setup/service.ts";

const COMMAND = packageFile("dist/adapters/cli/scorefn.js");
const TEST_DEADLINE_MS = 60_000;

/** A connection, and what has come over it. */
interface Client {
  readonly socket: Socket;
  seen(): string;
  readonly closed: Promise<unknown>;
}

/** What a state of waiting waits for. */
interface Gate {
  readonly path: string;
  open(): void;
}

interface State {
  /** Brings a fresh connection into the state. */
  readonly enter: (client: Client, gate: Gate) => Promise<void>;
  /** True: the whole request is there, and its answer is still owed. */
  readonly isOwed?: boolean;
}

function post(body: string, ...headers: string[]): string {
  return ["POST /score HTTP/1.1", "Host: x", `Content-Length: ${body.length}`, ...headers, "", body].join("\r\n");
}

async function send(client: Client, text: string): Promise<void> {
  await new Promise<void>((resolve) => client.socket.write(text, () => resolve()));
}

const seen = (client: Client, pattern: RegExp) => until(() => pattern.test(client.seen()), `${pattern} has come`);
const begun = (gate: Gate) => until(() => existsSync(`${gate.path}.begun`), "run() has begun");

const SCRAPE = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

const STATES: Readonly<Record<string, State>> = {
  connected: { enter: async () => {} },
  "part of the request line": { enter: (client) => send(client, "POST /sc") },
  "part of the head": { enter: (client) => send(client, "POST /score HTTP/1.1\r\nHost: x\r\nContent-") },
  "part of the body": { enter: (client) => send(client, post("whole").slice(0, -2)) },
  "part of a chunk": {
    enter: (client) => send(client, "POST /score HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwh"),
  },
  "run() under way": {
    isOwed: true,
    async enter(client, gate) {
      await send(client, post(`value ${gate.path}`));
      await begun(gate);
    },
  },
  "a streamed answer begun": {
    isOwed: true,
    async enter(client, gate) {
      await send(client, post(`stream ${gate.path}`));
      await seen(client, /first/);
    },
  },
  "answered, connection kept": {
    async enter(client) {
      await send(client, post("value"));
      await seen(client, /"done"/);
    },
  },
  "a second request sent ahead": {
    isOwed: true,
    async enter(client, gate) {
      await send(client, post(`value ${gate.path}`) + post("value"));
      await begun(gate);
    },
  },
  "part of a scrape's head": { enter: (client) => send(client, "GET /metrics HTTP/1.1\r\nHo") },
  "a scrape answered, connection kept": {
    async enter(client) {
      await send(client, SCRAPE);
      await seen(client, /\nscorefn_ready.* 1\n/);
    },
  },
  "scrapes sent ahead, of which nothing is read": {
    async enter(client) {
      client.socket.pause();
      await send(client, SCRAPE.repeat(500));
    },
  },
  "a scrape behind a request": {
    isOwed: true,
    async enter(client, gate) {
      await send(client, post(`value ${gate.path}`) + SCRAPE);
      await begun(gate);
    },
  },
  "a scrape with a body begun": {
    enter: (client) => send(client, "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nsome of it"),
  },
  "a trailer announced": { enter: (client) => send(client, post("whole", "Trailer: More").slice(0, -2)) },
  "CONNECT answered": {
    async enter(client) {
      await send(client, "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n");
      await seen(client, /405/);
    },
  },
  "CONNECT just sent": { enter: (client) => send(client, "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n") },
  "CONNECT behind a request": {
    async enter(client, gate) {
      await send(client, `${post(`value ${gate.path}`)}CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n`);
      await begun(gate);
    },
  },
  "an upgrade wanted": {
    isOwed: true,
    async enter(client, gate) {
      await send(client, post(`value ${gate.path}`, "Connection: Upgrade", "Upgrade: websocket"));
      await begun(gate);
    },
  },
  "told to go on with the body": {
    async enter(client) {
      await send(client, post("value", "Expect: 100-continue").slice(0, -5));
      await seen(client, /100 Continue/);
    },
  },
  "refused, body unread": {
    async enter(client) {
      await send(client, `POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\nsome of it`);
      await seen(client, /413/);
    },
  },
};

const EVENTS: Readonly<Record<string, (client: Client) => void>> = {
  reset: ({ socket }) => socket.resetAndDestroy(),
  leaving: ({ socket }) => socket.destroy(),
  "half-close": ({ socket }) => socket.end(),
  garbage: ({ socket }) => socket.write("\u0000garbage\r\n\r\n"),
  "one more request": ({ socket }) => socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
  "half-close, then reset": ({ socket }) => socket.end(() => socket.resetAndDestroy()),
  "garbage, then reset": ({ socket }) => socket.write("\u0000garbage\r\n\r\n", () => socket.resetAndDestroy()),
};

const CASES = Object.keys(STATES).flatMap((state) => Object.keys(EVENTS).map((event) => [state, event] as const));

/** A client whose own half stays open when the server ends its. */
async function connectTo(port: number): Promise<Client> {
  const socket = await openConnection(port);
  let text = "";
  socket.on("data", (bytes: Buffer) => {
    text += bytes.toString("latin1");
  });
  return { socket, seen: () => text, closed: once(socket, "close") };
}

/** What a server of this size takes more once it has been busy: code that was compiled, garbage not yet collected. */
const MEMORY_BYTES = 67_108_864;

function memoryOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1024;
}

/** Sockets that a process holds. */
function socketsOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  let count = 0;
  for (const name of readdirSync(folder)) {
    try {
      if (readlinkSync(join(folder, name)).startsWith("socket:")) count++;
    } catch {
      // It has been closed meanwhile.
    }
  }
  return count;
}

// One worker process each, which is what a client can block; what is under test is the front. Metrics are on the port under
// test: on the score port where there is no other.
describe.each(["score", "health"] as const)("on the %s port", (which) => {
  let server: RunningServer;
  let port: number;
  let folder: TemporaryFolder;
  let gates = 0;
  let atRest = 0;
  let memoryAtRest = 0;

  beforeAll(async () => {
    folder = await temporaryFolder();
    const ports = { score: await freePort(), health: await freePort() };
    port = ports[which];
    server = startServer({
      command: process.execPath,
      args: [
        ...[COMMAND, "serve", "--entry_script", join(SCRIPTS, "gated.ts"), "--host", "127.0.0.1"],
        ...["--port", String(ports.score), "--health_port", String(ports.health), "--max_body_mb", "1"],
      ],
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        SCOREFN_METRICS: "/metrics",
        ...(which === "health" && { SEPERATE_HEALTH_ENDPOINT: "true" }),
      },
      port: ports.score,
    });
    await server.waitReady();
    await expectServed();
    await expectServed();
    atRest = socketsOf(server.pid);
    memoryAtRest = memoryOf(server.pid);
  });
  afterAll(async () => {
    expect(await server.stop()).toBe(0);
    // Promises that nobody waited for, and faults that ended nothing, would be here.
    expect(server.stdout()).not.toMatch(/ C \[/);
    await folder.remove();
  });

  function newGate(): Gate {
    const path = folder.file(`gate${gates++}`);
    return { path, open: () => writeFileSync(path, "") };
  }

  async function expectServed(): Promise<void> {
    const client = await connectTo(port);
    await send(client, post("value", "Connection: close"));
    const timer = setTimeout(() => client.socket.destroy(), DEADLINE_MS);
    await client.closed;
    clearTimeout(timer);
    expect(client.seen()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*"done"$/);
  }

  test.for(CASES)("%s, then %s", { timeout: TEST_DEADLINE_MS }, async ([stateName, eventName]) => {
    const state = STATES[stateName]!;
    const gate = newGate();
    const client = await connectTo(port);
    await state.enter(client, gate);
    EVENTS[eventName]!(client);
    // While a script that waits for its gate blocks the worker, liveness has to answer all the same.
    const probe = await connectTo(port);
    await send(probe, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    await probe.closed;
    expect(probe.seen()).toMatch(/Healthy$/);
    gate.open();
    // One that takes nothing of its answers takes them from here on.
    client.socket.resume();
    const isHere = eventName === "half-close" || eventName === "garbage" || eventName === "one more request";
    if (state.isOwed && isHere) {
      await seen(
        client,
        stateName === "a streamed answer begun" ? /\r\n0+\r\n\r\n/ : /HTTP\/1\.1 200 OK\r\n[\s\S]*"done"/,
      );
    }
    if (eventName === "half-close") {
      await client.closed;
      // Not a byte of what tells whether a client is still there may be out of place.
      expect(client.seen()).toMatch(/^(HTTP\/1\.1 (200|400|405|413|100) [\s\S]*)?$/);
    }
    client.socket.destroy();
    await client.closed;
    await expectServed();
    // On the health port the figures may be some of before.
    const isReady = async () => (await scrape(`http://127.0.0.1:${port}`)).value("scorefn_ready") === 1;
    await until(isReady, "a scrape says that it is ready");
  });

  test("afterwards a scrape shows a server at rest", async () => {
    const url = `http://127.0.0.1:${port}`;
    await until(
      async () => (await scrape(url)).value("scorefn_workers", { state: "idle" }) === 1,
      "the worker is idle",
    );
    const found = await scrape(url);
    expect(found.value("scorefn_workers")).toBe(1);
    expect(["scorefn_queue_length", "scorefn_queue_bytes", "scorefn_ready"].map((name) => found.value(name))).toEqual([
      0, 0, 1,
    ]);
    expect(found.value("scorefn_worker_restarts_total") ?? 0).toBe(0);
  });

  test("afterwards it holds no more sockets than before, and hardly more memory", async () => {
    await until(() => socketsOf(server.pid) <= atRest, "the sockets are closed");
    expect(memoryOf(server.pid) - memoryAtRest).toBeLessThan(MEMORY_BYTES);
  });
});
