// --log_format json, as whoever reads the output of the server sees it.
import { execFileSync, spawn } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { freePort, type RunningServer, startServer } from "../../setup/server.ts";
import { DEADLINE_MS, until } from "../../setup/service.ts";

const COMMAND = packageFile("dist/adapters/cli/scorefn.js");
const TEST_DEADLINE_MS = 90_000;
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const IN_TURNS = 4;

type Fields = Record<string, unknown>;

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "scorefn-json-log-")));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function start(script: string, text: string, env: NodeJS.ProcessEnv = {}, ...flags: string[]) {
  writeFileSync(join(folder, script), text);
  const port = await freePort();
  const server = startServer({
    command: process.execPath,
    args: [COMMAND, "serve", script, "--host", "127.0.0.1", "--port", String(port), "--log_format", "json", ...flags],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    cwd: folder,
    port,
  });
  await server.waitReady();
  return server;
}

function post({ url }: RunningServer, id: string, body = id, headers: Record<string, string> = {}): Promise<string> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  return fetch(`${url}/score`, { method: "POST", body, headers: { "x-request-id": id, ...headers }, signal }).then(
    (answer) => answer.text(),
  );
}

/** Ends the server. @returns all records; each line must be one */
async function records(server: RunningServer): Promise<Fields[]> {
  expect(await server.stop()).toBe(0);
  const lines = server.stdout().split("\n");
  expect(lines.pop()).toBe("");
  return lines.map((line) => JSON.parse(line) as Fields);
}

const of = (all: readonly Fields[], logger: string): Fields[] => all.filter((record) => record.logger === logger);
const ofRequest = (all: readonly Fields[], id: string): Fields[] => all.filter(({ request_id }) => request_id === id);

const SCRIPTS = {
  "score.py": `
def init():
    print("init")
def run(data):
    if data == "fails":
        raise KeyError("gone")
    print("run", data)
    return 1
`,
  "score.mjs": `
export const init = () => console.log("init");
export function run(data) {
  if (data === "fails") throw new RangeError("gone");
  console.log("run", data);
  return 1;
}
`,
};

describe.each([
  ["score.py", "KeyError", []],
  ["score.mjs", "RangeError", []],
  ["score.mjs", "RangeError", ["--script_host", "in-process"]],
] as const)("%s (%s, %j)", (script, errorType, flags) => {
  test("each line is an object; what concerns a request has its ids", { timeout: TEST_DEADLINE_MS }, async () => {
    const server = await start(script, SCRIPTS[script], {}, ...flags);
    const ids = { "x-ms-client-request-id": "client-1", traceparent: `00-${TRACE}-${SPAN}-01` };
    expect(await post(server, "works", "works", ids)).toBe("1");
    await post(server, "fails", "fails", { traceparent: `00-${"0".repeat(32)}-${SPAN}-01` });
    await until(() => /"request_id":"fails".*"bytes"/.test(server.stdout()), "the last access record");
    const all = await records(server);

    for (const record of all) {
      expect(record).toMatchObject({
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        level: expect.stringMatching(/^(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)$/),
        logger: expect.any(String),
        message: expect.any(String),
        pid: expect.any(Number),
      });
    }
    const known = { request_id: "works", client_request_id: "client-1", trace_id: TRACE, span_id: SPAN };
    const [init, print] = of(all, "azmlinfsrv.print");
    expect(init).toMatchObject({ message: "init" });
    expect(init).not.toHaveProperty("request_id");
    expect(print).toMatchObject({ message: "run works", ...known });
    const worker = flags.length > 0 ? {} : { worker: print!.pid };
    expect(print).toMatchObject(worker);
    const access = { method: "POST", status: 200, bytes: 1 };
    expect(ofRequest(of(all, "gunicorn.access"), "works")).toEqual([expect.objectContaining({ ...access, ...known })]);
    const [answered] = ofRequest(of(all, "azmlinfsrv"), "works");
    expect(answered).toMatchObject({ ...access, ...known, ...worker, route: "/score", run_ms: expect.any(Number) });
    expect(answered!.total_ms).toBeGreaterThanOrEqual(answered!.run_ms as number);
    if (flags.length === 0) expect(answered!.queue_ms).toBeGreaterThanOrEqual(0);

    const failed = ofRequest(of(all, "azmlinfsrv"), "fails");
    const error = { code: "ERR_SCRIPT_RUN", type: errorType, location: { file: script, line: expect.any(Number) } };
    expect(failed).toHaveLength(3);
    expect(failed[0]).toMatchObject({ level: "ERROR", message: expect.stringContaining("gone"), error });
    expect(failed[1]).toMatchObject({ message: "Request fails failed: ERR_SCRIPT_RUN", error });
    expect(failed[2]).toMatchObject({ status: 500, run_ms: expect.any(Number), ...worker });
    if (flags.length === 0) expect(failed[2]!.queue_ms).toBeGreaterThanOrEqual(0);
    for (const record of failed) expect(record).not.toHaveProperty("trace_id");
  });
});

const IN_TURN = {
  "score.py": `
import asyncio, logging, threading
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(1)
here = 0
all_here = None

def init():
    global all_here
    all_here = asyncio.Event()

async def meet():
    global here
    here += 1
    if here % ${IN_TURNS} == 0:
        all_here.set()
    await all_here.wait()

async def later(data):
    await asyncio.sleep(0)
    print("task", data)

async def items(data):
    for number in range(3):
        await asyncio.sleep(0)
        print("item", data)
        yield data

async def run(data):
    print("before", data)
    await meet()
    print("after", data)
    logging.getLogger("own").warning("logged %s", data)
    logging.warning("basic %s", data)
    await asyncio.create_task(later(data))
    thread = threading.Thread(target=print, args=("thread", data))
    thread.start()
    thread.join()
    await asyncio.get_running_loop().run_in_executor(pool, print, "pool", data)
    return items(data)
`,
  "score.mjs": `
let here = 0;
let open;
const allHere = new Promise((resolve) => { open = resolve; });
export function init() {}
async function later(data) {
  await null;
  console.log("task", data);
}
async function* items(data) {
  for (let number = 0; number < 3; number++) {
    await null;
    console.log("item", data);
    yield data;
  }
}
export async function run(data, context) {
  console.log("before", data);
  here++;
  if (here % ${IN_TURNS} === 0) open();
  await allHere;
  console.log("after", data);
  console.warn("logged", data);
  context.logger.warning("basic " + data);
  await later(data);
  await new Promise((resolve) => setImmediate(() => { console.log("thread", data); resolve(); }));
  await new Promise((resolve) => setTimeout(() => { console.error("pool", data); resolve(); }));
  return items(data);
}
`,
};

test.each([
  ["score.py", []],
  ["score.mjs", []],
  ["score.mjs", ["--script_host", "in-process"]],
] as const)(
  "%s (%j): each of several requests at a time keeps its ids, in tasks, threads and streams",
  { timeout: TEST_DEADLINE_MS },
  async (script, flags) => {
    const server = await start(script, IN_TURN[script], {}, "--worker_concurrency", String(IN_TURNS), ...flags);
    const ids = Array.from({ length: IN_TURNS }, (_, index) => `r${index}`);
    expect(await Promise.all(ids.map((id) => post(server, id)))).toEqual(ids.map((id) => id.repeat(3)));
    const all = await records(server);
    for (const id of ids) {
      const messages = ofRequest(all, id)
        .filter(({ logger }) => logger !== "azmlinfsrv" && logger !== "gunicorn.access")
        .map(({ message }) => message);
      const kinds = ["before", "after", "logged", "basic", "task", "thread", "pool", "item", "item", "item"];
      expect(messages).toEqual(kinds.map((kind) => `${kind} ${id}`));
    }
  },
);

test("a synchronous generator, and a thread that outlives its request", { timeout: TEST_DEADLINE_MS }, async () => {
  const server = await start(
    "score.py",
    `
import threading
go_on = threading.Event()
def init(): pass
def background():
    go_on.wait()
    print("late")
def run(data):
    if data == "first":
        threading.Thread(target=background).start()
        return 1
    go_on.set()
    def items():
        for number in range(2):
            print("item", number)
            yield data
    return items()
`,
  );
  await post(server, "first");
  expect(await post(server, "second")).toBe("secondsecond");
  await until(() => server.stdout().includes('"late"'), "the record of the thread");
  const printed = of(await records(server), "azmlinfsrv.print").map(({ message, request_id }) => [message, request_id]);
  expect(printed.filter(([message]) => message === "late")).toEqual([["late", "first"]]);
  expect(printed.filter(([message]) => message !== "late")).toEqual([
    ["item 0", "second"],
    ["item 1", "second"],
  ]);
});

test("scripts that take headers or the request get them as ever", { timeout: TEST_DEADLINE_MS }, async () => {
  const server = await start(
    "score.py",
    `
def init(): pass
def run(data, request_headers):
    print("run")
    return [data, request_headers["X-Request-Id"], sorted(request_headers)]
`,
  );
  const [data, id, names] = JSON.parse(await post(server, "r1", "body"));
  expect([data, id]).toEqual(["body", "r1"]);
  expect(names).not.toContain("Logfields");
  expect(ofRequest(of(await records(server), "azmlinfsrv.print"), "r1")).toHaveLength(1);
});

test("a start that fails says where, with the code", { timeout: TEST_DEADLINE_MS }, async () => {
  writeFileSync(join(folder, "score.py"), "def init():\n    raise OSError('no model')\ndef run(data): pass\n");
  const port = await freePort();
  const args = [COMMAND, "serve", "score.py", "--port", String(port), "--log_format=json"];
  const server = startServer({ command: process.execPath, args, cwd: folder, port });
  expect(await server.waitExit()).toBe(3);
  const all = server
    .stdout()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Fields);
  const error = { code: "ERR_SCRIPT_INIT", type: "OSError", location: { file: "score.py", line: 2 } };
  expect(all).toContainEqual(expect.objectContaining({ level: "ERROR", message: "User's init function failed" }));
  expect(all.filter(({ level }) => level === "ERROR")[0]).toMatchObject({ error });
});

test("what is wrong with the settings is a record, too", { timeout: TEST_DEADLINE_MS }, async () => {
  const port = await freePort();
  const args = [COMMAND, "serve", "score.py", "--port", String(port)];
  const env = { ...process.env, SCOREFN_LOG_FORMAT: "json", SCORING_TIMEOUT_MS: "soon" };
  const server = startServer({ command: process.execPath, args, cwd: folder, port, env });
  expect(await server.waitExit()).toBeGreaterThan(0);
  const all = server
    .stdout()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Fields);
  expect(all.at(-1)).toMatchObject({ level: "CRITICAL", message: expect.stringContaining("SCORING_TIMEOUT_MS") });
});

test("a logging.json keeps its own format, and a warning says so", { timeout: TEST_DEADLINE_MS }, async () => {
  const config = {
    version: 1,
    formatters: { short: { format: "%(levelname)s %(name)s: %(message)s" } },
    handlers: { own: { class: "logging.StreamHandler", stream: "ext://sys.stdout", formatter: "short" } },
    loggers: { azmlinfsrv: { level: "INFO", handlers: ["own"], propagate: false } },
  };
  writeFileSync(join(folder, "logging.json"), JSON.stringify(config));
  const server = await start("score.py", SCRIPTS["score.py"]);
  expect(await post(server, "works")).toBe("1");
  await server.waitOutput(/POST \/score 200/);
  expect(await server.stop()).toBe(0);
  const path = join(folder, "logging.json");
  expect(server.stdout()).toContain(
    `WARNING azmlinfsrv: ${path}: --log_format json has no effect on the handlers that it sets up\n`,
  );
  expect(server.stdout()).toContain("INFO azmlinfsrv.print: run works\n");
});

test("the health port's records have the ids of their requests", { timeout: TEST_DEADLINE_MS }, async () => {
  const health = await freePort();
  const server = await start(
    "score.py",
    SCRIPTS["score.py"],
    { SEPERATE_HEALTH_ENDPOINT: "true" },
    "--health_port",
    String(health),
  );
  await (await fetch(`http://127.0.0.1:${health}/ready`, { headers: { "x-request-id": "probe" } })).text();
  await server.waitOutput(/"request_id":"probe"/);
  expect(ofRequest(await records(server), "probe")).toEqual([expect.objectContaining({ status: 200 })]);
});

describe("one pipe for the server and its workers", () => {
  const WORKERS = 3;
  const REQUESTS = 12;
  const LETTERS = 30_000;

  test.each([
    ["score.py", `def init(): pass\ndef run(data):\n    print(data * ${LETTERS})\n    return 1\n`],
    [
      "score.mjs",
      `export function init() {}\nexport function run(data) { console.log(data.repeat(${LETTERS})); return 1; }`,
    ],
  ])(
    "%s: a record longer than what the pipe keeps together is not torn",
    { timeout: TEST_DEADLINE_MS },
    async (script, text) => {
      writeFileSync(join(folder, script), text);
      const path = join(folder, "pipe");
      execFileSync("mkfifo", [path]);
      const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const writing = openSync(path, constants.O_WRONLY);
      const port = await freePort();
      const flags = [
        "--port",
        String(port),
        "--host",
        "127.0.0.1",
        "--log_format",
        "json",
        "--worker_count",
        String(WORKERS),
      ];
      const child = spawn(process.execPath, [COMMAND, "serve", script, ...flags], {
        cwd: folder,
        stdio: ["ignore", writing, "ignore"],
      });
      onTestFinished(() => void child.kill("SIGKILL"));
      closeSync(writing);
      const reader = new Socket({ fd: reading, readable: true, writable: false }).setEncoding("utf8");
      let output = "";
      reader.on("data", (piece: string) => {
        output += piece;
        // Slower than the writers, so that the pipe is full nearly always.
        reader.pause();
        setTimeout(() => reader.resume(), 1);
      });
      const ended = new Promise((resolve) => reader.once("end", resolve));
      await until(() => output.split("ready for serving traffic").length > WORKERS, "all workers");
      const url = `http://127.0.0.1:${port}/score`;
      const answers = Array.from({ length: REQUESTS }, (_, index) =>
        fetch(url, { method: "POST", body: "é", headers: { "x-request-id": `r${index}` } }).then((answer) =>
          answer.text(),
        ),
      );
      expect(await Promise.all(answers)).toEqual(answers.map(() => "1"));
      child.kill("SIGTERM");
      await ended;

      const all = output
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Fields);
      for (let index = 0; index < REQUESTS; index++) {
        const parts = ofRequest(of(all, "azmlinfsrv.print"), `r${index}`);
        expect(parts.map(({ part }) => part)).toEqual(parts.map((_, number) => number + 1));
        expect(parts.map(({ message }) => message).join("")).toBe("é".repeat(LETTERS));
        expect(ofRequest(of(all, "azmlinfsrv"), `r${index}`)).toHaveLength(1);
      }
    },
  );
});

test("a script that prints many megabytes loses none of them and stops nothing", {
  timeout: TEST_DEADLINE_MS,
}, async () => {
  const LINE = 1_000;
  const LINES = process.env.CI === "true" ? 100_000 : 20_000;
  writeFileSync(
    join(folder, "score.py"),
    `def init(): pass\ndef run(data):\n    for number in range(${LINES}):\n        print(f"{number:08}" + "x" * ${LINE})\n    return 1\n`,
  );
  const port = await freePort();
  const flags = ["--port", String(port), "--host", "127.0.0.1", "--log_format", "json"];
  const child = spawn(process.execPath, [COMMAND, "serve", "score.py", ...flags], {
    cwd: folder,
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let rest = "";
  let next = 0;
  let isReady = false;
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    const lines = (rest + piece).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const { logger, message, request_id } = JSON.parse(line) as Fields;
      isReady ||= String(message).includes("ready for serving");
      if (logger !== "azmlinfsrv.print") continue;
      const is = [Number(String(message).slice(0, 8)), String(message).length, request_id].join();
      // A hundred thousand expectations take longer than the lines do.
      if (is !== [next, LINE + 8, "big"].join()) throw new Error(`line ${next} is ${is}`);
      next++;
    }
  });
  await until(() => isReady, "the worker");
  const url = `http://127.0.0.1:${port}`;
  const score = fetch(`${url}/score`, { method: "POST", body: "", headers: { "x-request-id": "big" } });
  expect((await fetch(url)).status).toBe(200);
  expect(await (await score).text()).toBe("1");
  await until(() => next === LINES, "all lines");
});
