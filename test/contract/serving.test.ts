// Statements about a running server that are not a matter of one request and its answer: who waits for what, which limit
// counts when, what reaches which stream.

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../src/core/package-root.ts";
import { exchange, openConnection } from "../setup/raw-client.ts";
import { freePort, type RunningServer, startServer } from "../setup/server.ts";
import { createGate, DEADLINE_MS, SCRIPTS, temporaryFolder, until } from "../setup/service.ts";

const COMMAND = packageFile("dist/adapters/cli/azmlinfsrv.js");

interface Started extends RunningServer {
  readonly port: number;
  post(body: string): Promise<Response>;
}

async function start(
  script: string,
  env: Readonly<Record<string, string>> = {},
  args: string[] = [],
): Promise<Started> {
  const port = await freePort();
  const server = startServer({
    command: process.execPath,
    args: [COMMAND, "--entry_script", script, "--port", String(port), ...args],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    cwd: SCRIPTS,
    port,
  });
  onTestFinished(async () => {
    await server.stop();
  });
  const post = (body: string) =>
    fetch(`${server.url}/score`, { method: "POST", body, signal: AbortSignal.timeout(DEADLINE_MS) });
  return Object.assign(server, { port, post });
}

async function ready(...args: Parameters<typeof start>): Promise<Started> {
  const server = await start(...args);
  await server.waitReady();
  return server;
}

async function gates(...names: string[]) {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  return names.map((name) => createGate(folder, name));
}

function textOf(answer: Response): Promise<string> {
  return answer.text();
}

test("PROC-1: as many requests run at a time as there are workers, each worker after an init() of its own", async () => {
  const server = await ready("waits_for_file.py", {}, ["--worker_count", "2"]);
  const [first, second, third] = await gates("first", "second", "third");
  const answers = [first!, second!, third!].map((gate) => server.post(gate.path));
  await Promise.all([first!.begun(), second!.begun()]);
  const begun = await Promise.race([third!.begun().then(() => true), delay(300, false)]);
  expect(begun, "the third began while both workers were busy").toBe(false);
  await first!.open();
  await third!.begun();
  await Promise.all([second!.open(), third!.open()]);
  const pids = await Promise.all(answers.map(async (answer) => Number(await textOf(await answer))));
  expect(new Set(pids).size).toBe(2);
  expect(pids).not.toContain(server.pid);
  expect(server.stdout().match(/Invoking user's init function/g)).toHaveLength(2);
});

test("PROC-3: who connects while init() runs is answered when it is done", async () => {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const gate = createGate(folder, "gate");
  const server = await start("init_waits_for_file.py", { TEST_GATE: gate.path });
  await server.waitOutput(/Invoking user's init function/);
  const answer = server.post("early");
  expect(await Promise.race([answer, delay(200, "waits")])).toBe("waits");
  await gate.open();
  expect(await textOf(await answer)).toBe('"early"');
});

test.runIf(process.platform === "linux")("ENV-8: it listens on every address of the machine", async () => {
  const { port } = await ready("echo.py");
  for (const address of ["127.0.0.1", "127.0.0.2", "127.1.2.3"]) {
    const answer = await fetch(`http://${address}:${port}/`, { signal: AbortSignal.timeout(DEADLINE_MS) });
    expect(await textOf(answer), address).toBe("Healthy");
  }
});

test("TMO-1: waiting for a worker is not part of the time that run() has", async () => {
  const server = await ready("sleeps.py", { SCORING_TIMEOUT_MS: "2000" });
  const answers = await Promise.all([0, 1, 2].map(() => server.post("0.8")));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await server.post("3600")).status).toBe(500);
});

test("TMO-1: neither is the time that the body takes to arrive", async () => {
  const { port } = await ready("echo.py", { SCORING_TIMEOUT_MS: "1000" });
  const socket = await openConnection(port);
  const answered = new Promise<string>((resolve) => socket.once("data", (bytes: Buffer) => resolve(bytes.toString())));
  socket.write("POST /score HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nsl");
  await delay(1_500);
  socket.write("ow");
  expect(await answered).toMatch(/^HTTP\/1\.1 200 [\s\S]*"slow"$/);
});

test("TMO-5, PROC-6: WORKER_TIMEOUT does not cut off a score that is within its own limit", async () => {
  const server = await ready("sleeps.py", { WORKER_TIMEOUT: "5" });
  const [answer, other] = await Promise.all([server.post("6"), server.post("0.01")]);
  expect([answer.status, other.status]).toEqual([200, 200]);
  expect(await textOf(answer)).toBe(await textOf(other));
  expect(server.stdout().match(/ready for serving traffic/g)).toHaveLength(1);
});

test("INIT-5: init() may take longer than run() may", async () => {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const gate = createGate(folder, "gate");
  const server = await start("init_waits_for_file.py", { TEST_GATE: gate.path, SCORING_TIMEOUT_MS: "100" });
  await server.waitOutput(/Invoking user's init function/);
  await delay(400);
  await gate.open();
  await server.waitReady();
  expect((await server.post("x")).status).toBe(200);
});

test("ERR-13, LOG-9: a client's error leaves an access record and no error record", async () => {
  const server = await ready("echo.py");
  const { port } = server;
  const head = "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  const notUtf8 = Buffer.concat([Buffer.from(`POST /score ${head}Content-Length: 1\r\n\r\n`), Buffer.of(0xff)]);
  expect((await exchange(port, notUtf8)).status).toBe(400);
  expect((await exchange(port, `GET /swagger.json?version=9 ${head}\r\n`)).status).toBe(404);
  expect((await exchange(port, `HEAD /score ${head}\r\n`)).status).toBe(405);
  await server.waitOutput(/azmlinfsrv - HEAD \/score 405 /);
  expect(server.stdout()).toMatch(/azmlinfsrv - POST \/score 400 \d+\.\d{3}ms \d+\n/);
  expect(server.stdout()).toMatch(/azmlinfsrv - GET \/swagger\.json\?version=9 404 /);
  expect(`${server.stdout()}${server.stderr()}`).not.toMatch(/ [EC] \[\d+\] |Traceback|Encountered Exception/);
});

test("LOG-3: the script's own logging is Python's: nothing below WARNING, on stderr, in its own form", async () => {
  const server = await ready("logs.py");
  await server.post("one");
  await until(() => server.stderr().includes("WARNING:root:warning one\n"), "the record of the root logger");
  expect(server.stderr()).toContain("ERROR:own:error one\n");
  expect(`${server.stdout()}${server.stderr()}`).not.toContain("info one");
  expect(server.stdout()).not.toMatch(/warning one|error one/);
});

test("LOG-14, LOG-15, LOG-18: records come at once, without request ids, the script's before the server's", async () => {
  const server = await ready("logs.py");
  const id = randomUUID();
  await fetch(`${server.url}/score`, { method: "POST", body: "two", headers: { "x-request-id": id } });
  // The server goes on running: what stands there has been flushed.
  await server.waitOutput(/gunicorn\.access - .*POST \/score/);
  expect(server.stdout()).not.toContain(id);
  const places = ["azmlinfsrv.print - print two", "azmlinfsrv - POST /score 200", "gunicorn.access - "].map((record) =>
    server.stdout().lastIndexOf(record),
  );
  expect(places).toEqual([...places].sort((one, other) => one - other));
  expect(places[0]).toBeGreaterThan(0);
});

test("LOG-11: liveness writes no record", async () => {
  const server = await ready("echo.py");
  await fetch(server.url);
  await server.post("after");
  await server.waitOutput(/gunicorn\.access - .*POST \/score/);
  expect(server.stdout()).not.toMatch(/azmlinfsrv - GET \/ |"GET \/ HTTP/);
});

test("PROC-9, PROC-8: a script that cannot be served ends the server with code 3 and its reason on stderr", async () => {
  const server = await start("broken/import_error.py");
  expect(await server.waitExit()).toBe(3);
  expect(server.stderr()).toMatch(/^scorefn: error: the score script cannot be served: .*a_module_that_is_not_there/m);
});

test("TEL-14, BAN-5: the telemetry key is never printed", async () => {
  const key = randomUUID();
  // Nobody listens there, and the service itself is left alone.
  const env = { APPLICATIONINSIGHTS_CONNECTION_STRING: "IngestionEndpoint=http://127.0.0.1:9" };
  const server = await ready("logs.py", env, ["--appinsights_instrumentation_key", key]);
  await server.post("x");
  expect(server.stdout()).toContain("Application Insights Key: AppInsights key provided\n");
  expect(`${server.stdout()}${server.stderr()}`).not.toContain(key);
});

test("PROC-10: a request of HTTP/1.0 gets an answer without chunks, and the connection ends", async () => {
  const { port } = await ready("streams.py");
  const { status, headers, body } = await exchange(port, "POST /score HTTP/1.0\r\nContent-Length: 4\r\n\r\ntext");
  expect(status).toBe(200);
  expect(headers.map(([name]) => name.toLowerCase())).not.toContain("transfer-encoding");
  expect(body.toString()).toBe("onetwo");
});
