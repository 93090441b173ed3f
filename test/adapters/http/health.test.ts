// The separate health port: what it is for. That it serves every route is the conformance suite's and serve.test.ts's.
import type { Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { maxScoreConnections } from "../../../adapters/http/health/descriptors.ts";
import { createForward } from "../../../adapters/http/health/forward.ts";
import type { RequestHead } from "../../../src/core/events.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { exchange, openConnection } from "../../setup/raw-client.ts";
import { freePort, type RunningServer, startServer } from "../../setup/server.ts";
import { createGate, DEADLINE_MS, SCRIPTS, temporaryFolder, until } from "../../setup/service.ts";

const COMMAND = packageFile("dist/adapters/cli/scorefn.js");

interface Started {
  readonly server: RunningServer;
  readonly health: string;
}

/** @param shell what a shell is to do first */
async function start(
  script: string,
  { env = {}, shell = "true", healthPort }: { env?: NodeJS.ProcessEnv; shell?: string; healthPort?: number } = {},
): Promise<Started> {
  const port = await freePort();
  const health = healthPort ?? (await freePort());
  const flags = ["--entry_script", join(SCRIPTS, script), "--host", "127.0.0.1"];
  const ports = ["--port", String(port), "--health_port", String(health)];
  const server = startServer({
    command: "/bin/sh",
    args: ["-c", `${shell} && exec "$0" "$@"`, process.execPath, COMMAND, "serve", ...flags, ...ports],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, SEPERATE_HEALTH_ENDPOINT: "true", ...env },
    port,
  });
  return { server, health: `http://127.0.0.1:${health}` };
}

function get(url: string): Promise<Response> {
  return fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS) });
}

function post(url: string, body: string): Promise<Response> {
  return fetch(`${url}/score`, { method: "POST", body, signal: AbortSignal.timeout(DEADLINE_MS) });
}

async function gate() {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  return createGate(folder, "gate");
}

async function openGate() {
  const opened = await gate();
  await opened.open();
  return opened;
}

test("RT-9, RT-10: it answers liveness and readiness while a script blocks the server's event loop", async () => {
  const { server, health } = await start("blocks_until_file.ts", { env: { SCOREFN_SCRIPT_HOST: "in-process" } });
  await server.waitReady();
  const running = await gate();
  const answer = post(server.url, running.path);
  await running.begun();

  const alive = await get(`${health}/`);
  expect(alive.status).toBe(200);
  expect(await alive.text()).toBe("Healthy");
  const ready = await get(`${health}/ready`);
  expect(ready.status).toBe(200);
  expect(await ready.json()).toEqual({ state: "ready" });
  // What needs the script waits for it.
  const second = await gate();
  const scored = post(health, second.path);

  await running.open();
  expect((await answer).status).toBe(200);
  await second.open();
  expect((await scored).status).toBe(200);
  expect(await server.stop()).toBe(0);
});

describe("the score port out of descriptors", () => {
  test.runIf(process.platform === "linux")("RT-9: it still has some to accept a probe", async () => {
    const { server, health } = await start("echo.ts", { shell: "ulimit -n 300" });
    await server.waitReady();
    const { port } = new URL(server.url);
    const sockets: Socket[] = [];
    for (let count = 0; count < 400; count++) sockets.push(await openConnection(Number(port)));
    expect(await (await get(`${health}/`)).text()).toBe("Healthy");
    // What needs the script needs the score port.
    expect((await post(health, "x")).status).toBe(503);
    for (const socket of sockets) socket.destroy();
    await until(async () => (await post(health, "x")).status === 200, "the score port takes connections");
    expect(await server.stop()).toBe(0);
  });

  test("the score port leaves 128 of them, or half where there are few", () => {
    const limits = (soft: string) => `Max cpu time  unlimited\nMax open files            ${soft}      4096     files\n`;
    expect(maxScoreConnections(limits("1024"))).toBe(896);
    expect(maxScoreConnections(limits("100"))).toBe(50);
    expect(maxScoreConnections(limits("unlimited"))).toBeUndefined();
    expect(maxScoreConnections("")).toBeUndefined();
  });
});

test("RT-9: a client that leaves it is seen to leave", async () => {
  const { server, health } = await start("waits_for_file.ts");
  await server.waitReady();
  const running = await gate();
  const client = new AbortController();
  const answer = fetch(`${health}/score`, { method: "POST", body: running.path, signal: client.signal });
  await running.begun();
  client.abort();
  await expect(answer).rejects.toThrow();
  await until(() => server.stdout().includes("The client of POST /score left"), "the record");
  await running.open();
  expect(await (await post(health, (await openGate()).path)).status).toBe(200);
  expect(await server.stop()).toBe(0);
  expect(server.stdout()).not.toContain("takes no connections");
});

test.for([
  ["a whole body", "Content-Length: 1\r\n\r\nx"],
  ["a body in chunks, with the trailer", "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nMore: y\r\n\r\n"],
])("RT-9: a head that announces a trailer, and %s, is answered like any other", async ([, rest]) => {
  const { server, health } = await start("echo.ts");
  await server.waitReady();
  const head = "POST /score HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTrailer: More\r\n";
  const answer = await exchange(Number(new URL(health).port), head + rest);
  expect([answer.status, answer.body.toString()]).toEqual([200, '"x"']);
  expect(await (await get(`${health}/`)).text()).toBe("Healthy");
  expect(await server.stop()).toBe(0);
});

test("RT-9: a request that cannot be handed on gets a 500, and the next one its answer", async () => {
  const address = { host: "127.0.0.1", port: 1 };
  const refused: string[] = [];
  const local = {
    refuse: () => ({ status: 503, headers: [], body: "" }),
    failed: (_request: RequestHead, error: unknown) => {
      refused.push(String(error));
      return { status: 500, headers: [], body: "" };
    },
  };
  const forward = createForward(address, local);
  const request = { method: "GET", path: "/score", query: "", headers: {}, body: Buffer.alloc(0) };
  expect(await forward({ ...request, path: "/sco re" })).toMatchObject({ status: 500 });
  expect(refused).toEqual([expect.stringContaining("unescaped characters")]);
  expect(await forward(request)).toMatchObject({ status: 503 });
});

test("PROC-7: a request that came in on it is finished before the server ends", async () => {
  const { server, health } = await start("waits_for_file.py");
  await server.waitReady();
  const running = await gate();
  const answer = post(health, running.path);
  await running.begun();
  process.kill(server.pid, "SIGTERM");
  await until(() => server.stderr().includes("Handling signal: SIGTERM"), "the signal has arrived");
  await running.open();
  expect((await answer).status).toBe(200);
  expect(await server.waitExit()).toBe(0);
});

test("ENV-9, PROC-4: a health port that is taken is named, and the exit code is 1", async () => {
  const first = await start("echo.ts");
  await first.server.waitReady();
  const taken = Number(new URL(first.server.url).port);
  const second = await start("echo.ts", { healthPort: taken });
  expect(await second.server.waitExit()).toBe(1);
  expect(second.server.stderr()).toContain(`port ${taken} is in use`);
  expect(second.server.stderr()).toContain("or choose another with --health_port\n");
  expect(await (await post(first.server.url, "x")).text()).toBe('"x"');
  expect(await first.server.stop()).toBe(0);
});

test("an address that is not this machine's is named as it was given", async () => {
  const flags = ["--entry_script", join(SCRIPTS, "echo.ts"), "--host", "192.0.2.1"];
  const port = await freePort();
  const server = startServer({
    command: process.execPath,
    args: [COMMAND, "serve", ...flags, "--port", String(port)],
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
    port,
  });
  expect(await server.waitExit()).toBe(1);
  expect(server.stderr()).toContain(`scorefn: error: cannot listen on 192.0.2.1:${port}: `);
  expect(server.stderr()).toContain("; name an address of this machine with --host\n");
});

test("ENV-9: the same number for both ports fails like a busy port", async () => {
  const port = await freePort();
  const flags = ["--entry_script", join(SCRIPTS, "echo.ts"), "--host", "127.0.0.1"];
  const server = startServer({
    command: process.execPath,
    args: [COMMAND, "serve", ...flags, "--port", String(port), "--health_port", String(port)],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, SEPERATE_HEALTH_ENDPOINT: "true" },
    port,
  });
  expect(await server.waitExit()).toBe(1);
  expect(server.stderr()).toContain(`port ${port} is in use`);
});

test("PROC-8: a script that cannot be served ends the server with exit code 3", async () => {
  const { server } = await start("broken/init_throws.py");
  expect(await server.waitExit()).toBe(3);
});
