// The server as a process: its ports, its log, its faults, its end.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { freePort, type RunningServer, startServer } from "../../setup/server.ts";
import { createGate, DEADLINE_MS, type Gate, isAlive, SCRIPTS, temporaryFolder, until } from "../../setup/service.ts";

const COMMAND = packageFile("dist/adapters/cli/scorefn.js");
const TEST_DEADLINE_MS = 60_000;
const ENV = { PATH: process.env.PATH, HOME: process.env.HOME };

interface Started extends RunningServer {
  readonly port: number;
}

async function start(script: string, env: NodeJS.ProcessEnv = {}, ...flags: string[]): Promise<Started> {
  const port = await freePort();
  const args = [COMMAND, "serve", "--entry_script", join(SCRIPTS, script), "--host", "127.0.0.1", ...flags];
  const server = startServer({
    command: process.execPath,
    args: [...args, "--port", String(port)],
    env: { ...ENV, ...env },
    port,
  });
  return { ...server, port };
}

async function gate(): Promise<Gate> {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  return createGate(folder, "gate");
}

function post(url: string, body: string): Promise<Response> {
  return fetch(`${url}/score`, { method: "POST", body, signal: AbortSignal.timeout(DEADLINE_MS) });
}

/** What is imported before the server's own modules. */
const withImport = (code: string): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(code)}`,
});

describe("--port 0", () => {
  test("serves at a free port, which banner, log and script know", async () => {
    const args = [COMMAND, "serve", "--entry_script", join(SCRIPTS, "environment.ts"), "--host", "127.0.0.1"];
    const server = startServer({ command: process.execPath, args: [...args, "--port", "0"], env: ENV, port: 0 });
    await server.waitOutput(/ready for serving traffic/);
    const port = /Listening on port (\d+), the free one/.exec(server.stdout())![1]!;
    expect(server.stdout()).toContain(`\nListening On: 127.0.0.1:${port}\n`);
    expect(server.stdout()).toContain(`POST http://127.0.0.1:${port}/score\n`);
    const answer = await post(`http://127.0.0.1:${port}`, "SERVER_PORT");
    expect(await answer.json()).toBe(port);
    expect(await server.stop()).toBe(0);
  });
});

test("ENV-9: the health port is open whenever the score port is", async () => {
  const health = await freePort();
  const server = await start("echo.py", { SEPERATE_HEALTH_ENDPOINT: "true" }, "--health_port", String(health));
  await until(() => isOpen(server.port), "the score port is open");
  expect(await isOpen(health)).toBe(true);
  await server.waitReady();
  expect(await server.stop()).toBe(0);
});

test("a program that starts the server and does not read its output does not stop it either", async () => {
  const port = await freePort();
  const flags = ["--entry_script", join(SCRIPTS, "echo.py"), "--host", "127.0.0.1", "--port", String(port)];
  // To Node a "pipe" is a socket; it reads a first portion of it.
  const child = spawn(process.execPath, [COMMAND, "serve", ...flags], {
    env: ENV,
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const url = `http://127.0.0.1:${port}/score?${"q".repeat(4_000)}`;
  const ask = () => fetch(url, { method: "POST", body: "x", signal: AbortSignal.timeout(DEADLINE_MS) });
  await until(
    () =>
      ask().then(
        ({ status }) => status === 200,
        () => false,
      ),
    "it serves",
  );
  for (let count = 0; count < 200; count++) expect((await ask()).status).toBe(200);
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
});

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

describe("a fault that nothing catches", () => {
  test.for([
    ["an exception", "throw Object.assign(new Error('bad luck'))", /bad luck/],
    ["a rejection", "Promise.reject(new Error('bad luck'))", /bad luck/],
    ["a rejection without a text", "Promise.reject(Object.create(null))", /\[Object: null prototype\] \{\}/],
  ] as const)(
    "(%s) is logged; what runs is answered, then the server ends with a code of its own",
    async ([, code, log]) => {
      const server = await start("waits_for_file.py", withImport(`process.on("SIGUSR2", () => { ${code} })`));
      await server.waitReady();
      const running = await gate();
      const answer = post(server.url, running.path);
      await running.begun();
      process.kill(server.pid, "SIGUSR2");
      await server.waitOutput(/ C \[\d+\] azmlinfsrv - A fault of the server's own, which stops: /);
      expect(server.stdout()).toMatch(log);
      // A second one changes nothing.
      process.kill(server.pid, "SIGUSR2");
      await running.open();
      expect((await answer).status).toBe(200);
      expect(await server.waitExit()).toBe(70);
    },
  );

  test("of a script in this process is the script's", async () => {
    const code = `process.on("SIGUSR2", () => { Promise.reject(new Error("bad luck")) })`;
    const server = await start("echo.ts", { SCOREFN_SCRIPT_HOST: "in-process", ...withImport(code) });
    await server.waitReady();
    process.kill(server.pid, "SIGUSR2");
    await server.waitOutput(/ E \[\d+\] azmlinfsrv - Unhandled rejection in the score script: Error: bad luck/);
    expect(await (await post(server.url, "x")).text()).toBe('"x"');
    expect(await server.stop()).toBe(0);
  });
});

describe("at the end", () => {
  test("a second signal does not wait for what runs, and leaves nothing", async () => {
    const server = await start("waits_for_file.py");
    await server.waitReady();
    const worker = Number(/Worker with pid (\d+) ready/.exec(server.stdout())![1]);
    const running = await gate();
    const answer = post(server.url, running.path).then(
      ({ status }) => status,
      () => "cut off",
    );
    await running.begun();
    process.kill(server.pid, "SIGTERM");
    await until(() => server.stderr().includes("Handling signal: SIGTERM"), "the first has arrived");
    process.kill(server.pid, "SIGINT");
    expect(await server.waitExit()).toBe(0);
    expect(server.stderr()).toContain("Handling signal: SIGINT");
    expect(await answer).not.toBe(200);
    await until(() => !isAlive(worker), "the worker has ended");
  });

  test("connections that are kept are told to close, not reset, even while the next request is on its way", async () => {
    const server = await start("waits_for_file.py");
    await server.waitReady();
    const clients = await Promise.all(Array.from({ length: 5 }, () => keptConnection(server.port)));
    const running = await gate();
    const answer = post(server.url, running.path);
    await running.begun();
    process.kill(server.pid, "SIGTERM");
    for (const { socket, ended, errors } of clients) {
      await ended;
      // A request that crosses the end is not answered, and does no harm.
      socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      socket.end();
      await once(socket, "close");
      expect(errors).toEqual([]);
    }
    await running.open();
    expect((await answer).headers.get("connection")).toBe("close");
    expect(await server.waitExit()).toBe(0);
  });
});

/** A connection that has been answered once. */
async function keptConnection(port: number): Promise<{ socket: Socket; ended: Promise<unknown>; errors: string[] }> {
  const errors: string[] = [];
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", (error: NodeJS.ErrnoException) => errors.push(error.code ?? error.message));
  const ended = once(socket, "end");
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await once(socket, "data");
  return { socket, ended, errors };
}

test("a log that nobody reads stops neither answers nor the end, and tells how much is missing", {
  timeout: TEST_DEADLINE_MS,
}, async () => {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const pipe = folder.file("pipe");
  await promisify(execFile)("mkfifo", [pipe]);
  // Holds the pipe open and reads nothing, until asked to.
  const reader = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  const writer = openSync(pipe, "w");
  const port = await freePort();
  const flags = ["--entry_script", join(SCRIPTS, "echo.py"), "--host", "127.0.0.1", "--port", String(port)];
  const child = spawn(process.execPath, [COMMAND, "serve", ...flags], {
    env: ENV,
    stdio: ["ignore", writer, "ignore"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  closeSync(writer);
  const url = `http://127.0.0.1:${port}`;
  const ask = async (path: string): Promise<number> => {
    const answer = await fetch(url + path, { method: "POST", body: "x", signal: AbortSignal.timeout(DEADLINE_MS) });
    await answer.arrayBuffer();
    return answer.status;
  };
  await until(
    () =>
      ask("/score").then(
        (status) => status === 200,
        () => false,
      ),
    "it serves",
  );

  // Each request is logged twice, with its query; the log keeps four million characters.
  const long = `/score?${"q".repeat(4_000)}`;
  for (let count = 0; count < 600; count++) expect(await ask(long)).toBe(200);
  const memory = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]);
  for (let count = 0; count < 300; count++) expect(await ask(long)).toBe(200);
  const later = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]);
  expect(later - memory).toBeLessThan(16_384);

  let text = "";
  const bytes = Buffer.alloc(65_536);
  const readSome = (): boolean => {
    try {
      for (;;) text = (text + bytes.toString("latin1", 0, readSync(reader, bytes))).slice(-200_000);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
    return /W \[\d+\] azmlinfsrv - [1-9]\d* lines of the log were dropped, because nobody read them\n/.test(text);
  };
  await until(readSome, "the log says how much is missing");

  // Once more, and nobody reads at the end.
  for (let count = 0; count < 20; count++) expect(await ask(long)).toBe(200);
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
  closeSync(reader);
});
