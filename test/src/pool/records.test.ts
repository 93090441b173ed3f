// What a script prints and logs is an event of the front where somebody listens, whatever process runs it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { resolveConfig } from "../../../src/config/config.ts";
import type { Events, ScriptRecord } from "../../../src/core/events.ts";
import type { RunCall, ScoreRuntime } from "../../../src/core/types.ts";
import { createLog } from "../../../src/log/create.ts";
import { openLog } from "../../../src/log/open.ts";
import { createRuntime } from "../../../src/runtime.ts";
import { type TemporaryFolder, temporaryFolder, until } from "../../setup/service.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";

interface Started {
  readonly runtime: ScoreRuntime;
  readonly folder: TemporaryFolder;
  readonly records: ScriptRecord[];
  dropped(): number;
  messages(): string[];
  run(body: string, more?: Partial<RunCall>): Promise<string>;
}

async function start(
  [file, source]: readonly [string, string],
  env: Readonly<Record<string, string>> = {},
  more: Events = {},
): Promise<Started> {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const entry = folder.file(file);
  writeFileSync(entry, source);
  // Workers would write to the stdout of the tests.
  const handlers = { quiet: { class: "logging.StreamHandler", level: "CRITICAL" } };
  const silent = { version: 1, handlers, loggers: { azmlinfsrv: { handlers: ["quiet"], propagate: false } } };
  writeFileSync(folder.file("logging.json"), JSON.stringify(silent));
  const records: ScriptRecord[] = [];
  let dropped = 0;
  const { config } = resolveConfig({
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      AML_APP_ROOT: join(entry, ".."),
      AZUREML_ENTRY_SCRIPT: file,
      WORKER_COUNT: "1",
      FOLDER: join(entry, ".."),
      ...env,
    },
  });
  const runtime = createRuntime(
    config,
    openLog(config, () => {}),
    {
      scriptRecord: (record) => records.push(record),
      scriptRecordsDropped: ({ count }) => {
        dropped += count;
      },
      ...more,
    },
  );
  onTestFinished(() => runtime.close(0));
  await runtime.start();
  let last = 0;
  return {
    runtime,
    folder,
    records,
    dropped: () => dropped,
    messages: () => records.map(({ message }) => message),
    async run(body, changes = {}) {
      const call = { method: "POST", path: "/score", query: "", headers: {}, requestId: `r-${++last}` };
      const outcome = await runtime.run({ ...call, body: Buffer.from(body), ...changes });
      return outcome.kind === "json" ? Buffer.from(outcome.body).toString() : outcome.kind;
    },
  };
}

const PYTHON = [
  "score.py",
  `
import logging, os, threading
print("import")
def init():
    print("init")
def run(data):
    print("run", data)
    logging.getLogger("azmlinfsrv.trace").warning("trace %s", data)
    return os.getpid()
`,
] as const;

const NODE = [
  "score.mjs",
  `
console.log("import");
export function init() { console.log("init"); }
export async function run(data, context) {
  console.log("run", data);
  await new Promise((resolve) => setImmediate(resolve));
  context.logger.warning("trace " + data);
  return process.pid;
}
`,
] as const;

const HOSTS = [
  { name: "Python", script: PYTHON, env: {} },
  { name: "Python with preload", script: PYTHON, env: { WORKER_PRELOAD: "true" } },
  { name: "JavaScript", script: NODE, env: {} },
  { name: "JavaScript in this process", script: NODE, env: { SCOREFN_SCRIPT_HOST: "in-process" } },
];

describe.each(HOSTS)("$name", ({ script, env }) => {
  test("records come with their process and the ids of their request, before its answer", async () => {
    const { run, records, messages } = await start(script, env);
    await until(() => messages().includes("init"), "what init() prints");
    const headers = { "x-ms-client-request-id": "c", traceparent: `00-${TRACE}-${PARENT}-01` };
    const pid = Number(await run("one", { headers }));
    const mine = records.filter(({ message }) => message.endsWith("one"));
    expect(mine.map(({ level, message }) => [level, message])).toEqual([
      ["INFO", "run one"],
      ["WARNING", "trace one"],
    ]);
    for (const record of mine) {
      expect(record).toMatchObject({
        pid,
        fields: { request_id: "r-1", client_request_id: "c", trace_id: TRACE, span_id: PARENT },
      });
      expect(record.fields).not.toHaveProperty("worker");
      expect(Math.abs(record.time - Date.now())).toBeLessThan(600_000);
    }
    expect(messages().slice(0, 2)).toEqual(["import", "init"]);
    expect(records.slice(0, 2).map(({ fields }) => fields)).toEqual([undefined, undefined]);
    await Promise.all(Array.from({ length: 20 }, (_, index) => run(`${index}`)));
    for (let index = 0; index < 20; index++) {
      const ids = records
        .filter(({ message }) => message.endsWith(` ${index}`))
        .map(({ fields }) => fields?.request_id);
      expect(ids).toEqual([`r-${index + 2}`, `r-${index + 2}`]);
    }
  });

  test("without a listener nothing is asked for", async () => {
    const { run, records } = await start(script, env, { scriptRecord: undefined });
    await run("one");
    expect(records).toEqual([]);
  });
});

describe("a script that prints without end", () => {
  test.for([
    ["score.py", "def init(): pass\ndef run(data):\n    for _ in range(100_000): print('x' * 1000)\n"],
    [
      "score.mjs",
      `export function init() {}
       export async function run() {
         for (let index = 0; index < 100_000; index++) {
           console.log("x".repeat(1000));
           if (index % 1000 === 0) await new Promise(setImmediate);
         }
       }`,
    ],
  ] as const)("loses records, all counted, and is answered: %s", async (script) => {
    const { run, records, dropped, runtime } = await start(script);
    await run("");
    await run("");
    await runtime.close(1_000);
    expect(records.length + dropped()).toBe(200_000);
    expect(dropped()).toBeGreaterThan(100_000);
    expect(records.length).toBeGreaterThan(100);
  });
});

describe("a JavaScript worker", () => {
  const script = (body: string) =>
    ["score.mjs", `export function init() {}\nexport function run(data) {${body}}`] as const;

  test.for([
    ["process.exit(0)", "console.log('last'); process.exit(0);"],
    ["an exception that nobody catches", "console.log('last'); setImmediate(() => { throw new Error('x'); });"],
  ])("hands over what was printed before %s", async ([, body]) => {
    const { run, messages } = await start(script(body!));
    await run("").catch(() => {});
    await until(() => messages().includes("last"), "the last record");
  });

  test("hands over what is printed at its end, and while it is idle", async () => {
    const { run, messages, runtime } = await start(
      script("process.on('exit', () => console.log('at exit')); setTimeout(() => console.log('late'), 1); return 1;"),
    );
    await run("");
    await until(() => messages().includes("late"), "what is printed after the answer");
    await runtime.close(1_000);
    expect(messages()).toEqual(["late", "at exit"]);
  });

  test("warnings and errors of the console are records, too, and below the threshold there are none", async () => {
    const body =
      "console.log('log'); console.info('info'); console.debug('debug'); console.warn('%d', 7); console.error('e');";
    const { run, records } = await start(script(body));
    await run("");
    const told = (all: readonly ScriptRecord[]) => all.map(({ level, message }) => `${level} ${message}`);
    expect(told(records)).toEqual(["INFO log", "INFO info", "INFO debug", "WARNING 7", "ERROR e"]);
    const quiet = await start(script(body), { AZUREML_LOG_LEVEL: "WARNING" });
    await quiet.run("");
    expect(told(quiet.records)).toEqual(["WARNING 7", "ERROR e"]);
  });

  test("a long message is cut, and not between the halves of a character", async () => {
    const { run, messages } = await start(script("console.log('x' + '\\u{1f600}'.repeat(50_000));"));
    await run("");
    const [message = ""] = messages();
    expect(message.length).toBeLessThanOrEqual(32_768);
    expect(message).toMatch(/😀… \[cut, of 100001 characters\]$/u);
    expect(Buffer.from(message).toString()).toBe(message);
  });

  test("pieces of a stream and what goes on after the answer have the ids", async () => {
    const { run, records } = await start([
      "score.mjs",
      `export function init() {}
       export async function* run(data) {
         setTimeout(() => console.log("later"), 1);
         for (const piece of "ab") { console.log(piece); yield piece; }
       }`,
    ]);
    await run("", { requestId: "s" });
    await until(() => records.length === 3, "all records");
    expect(records.map(({ fields }) => fields?.request_id)).toEqual(["s", "s", "s"]);
  });
});

test("in this process what is written to the log of one request is a record, too", async () => {
  const { run, records } = await start(
    ["score.mjs", "export function init() {}\nexport function run(data, context) { context.logger.error(data); }"],
    { SCOREFN_SCRIPT_HOST: "in-process" },
  );
  let written = "";
  const log = createLog((text) => {
    written += text;
  }, "INFO");
  await run("own", { log });
  expect(written).toContain("azmlinfsrv.print - own\n");
  expect(records).toMatchObject([{ level: "ERROR", logger: "azmlinfsrv.print", message: "own", pid: process.pid }]);
});

test("what a Python worker in preload inherits is handed over once, by the process that wrote it", async () => {
  const { run, records, messages, runtime } = await start(PYTHON, { WORKER_PRELOAD: "true", WORKER_COUNT: "3" });
  const pids = await Promise.all(Array.from({ length: 12 }, (_, index) => run(`${index}`)));
  await runtime.close(1_000);
  expect(messages().filter((message) => message === "init")).toHaveLength(1);
  const preload = records.find(({ message }) => message === "init")!.pid;
  expect(pids.map(Number)).not.toContain(preload);
  for (const { pid, message } of records.filter(({ message }) => message.startsWith("run "))) {
    expect(pids[Number(message.slice(4))]).toBe(`${pid}`);
  }
});
