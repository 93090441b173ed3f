// The worker process itself: its descriptors, its end, and what a script may do to it.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { FrameReader } from "../../../src/protocol/frame.ts";
import {
  Frame,
  jsonPayload,
  metaPrefix,
  PROTOCOL_VERSION,
  parseJson,
  type Records,
  type RunError,
  toBeginBy,
} from "../../../src/protocol/messages.ts";
import { frame } from "./loop-harness.ts";

interface Got {
  readonly type: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** A worker process and the front's ends of its pipes. */
class Worker {
  readonly process: ChildProcess;
  readonly exit: Promise<number | null>;
  output = "";
  readonly #frames: Got[] = [];
  #wake = (): void => {};

  constructor(script: string, cwd: string, appRoot: string, concurrency = 1, records = false) {
    this.process = spawn(process.execPath, [packageFile("dist/src/node-worker/main.js")], {
      cwd,
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe"],
    });
    this.exit = new Promise((resolve) => this.process.on("exit", resolve));
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      stream.on("data", (chunk: Buffer) => {
        this.output += chunk;
        this.#wake();
      });
    }
    const reader = new FrameReader((type, id, payload) =>
      this.#frames.push({ type, id, payload: Buffer.from(payload) }),
    );
    this.pipe(4).on("data", (chunk: Buffer) => {
      reader.feed(chunk);
      this.#wake();
    });
    for (const number of [3, 5]) this.pipe(number).on("error", () => {});
    this.send(
      Frame.HELLO,
      0,
      jsonPayload({
        ...{ protocol: PROTOCOL_VERSION, server: "scorefn/test", appRoot, entryScript: script, sourceDirectory: null },
        ...{ modelDir: null, concurrency, logLevel: "INFO", logging: null, strict: false, records },
      }),
    );
  }

  pipe(number: number): Socket {
    return this.process.stdio[number as 3] as unknown as Socket;
  }

  send(type: number, id = 0, payload: Buffer = Buffer.alloc(0), beginBy = 0): void {
    this.pipe(3).write(frame(type, id, payload, beginBy));
  }

  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async next(): Promise<Got> {
    await this.until(() => this.#frames.length > 0);
    return this.#frames.shift()!;
  }

  async ready(): Promise<this> {
    for (const type of [Frame.WORKER_HELLO, Frame.LOADED, Frame.READY]) expect((await this.next()).type).toBe(type);
    return this;
  }

  async run(body: string, id = 1): Promise<Got> {
    this.send(Frame.RUN, id, Buffer.from(body));
    const got = await this.next();
    expect(got.id).toBe(id);
    return got;
  }
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

function start(source: string, { cwd, records }: { cwd?: string; records?: boolean } = {}): Worker {
  const folder = mkdtempSync(join(tmpdir(), "scorefn-node-worker-"));
  const script = join(folder, "score.mjs");
  writeFileSync(script, source);
  const worker = new Worker(script, cwd ?? folder, folder, 1, records);
  cleanups.push(() => {
    worker.process.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  return worker;
}

const ODD_VALUES = [
  "Object.create(null)",
  "Symbol('odd')",
  "undefined",
  "null",
  "0",
  "() => {}",
  "Proxy.revocable({}, {}).proxy",
  "(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy; })()",
  "new Proxy({}, { get() { throw new Error('get'); }, getPrototypeOf() { throw new Error('prototype'); } })",
  "{ toString() { throw new Error('toString'); }, [Symbol.toPrimitive]() { throw new Error('primitive'); } }",
  "{ [Symbol.for('nodejs.util.inspect.custom')]() { throw new Error('inspect'); } }",
  "{ get message() { throw new Error('message'); }, get stack() { throw new Error('stack'); } }",
  "Object.assign(new Error('x'), { name: Symbol('n'), stack: 5, message: {} })",
  "(() => { const error = new Error('x'); error.cause = error; return error; })()",
];

describe("whatever a script throws", () => {
  const script = `
    const VALUES = [${ODD_VALUES.map((value) => `() => (${value})`).join(", ")}];
    export function init() {}
    export function run(data) {
      const [how, index] = data.split(" ");
      const value = VALUES[index]();
      if (how === "throws") throw value;
      if (how === "rejects") return Promise.reject(value);
      if (how === "later") { void Promise.reject(value); return "answered"; }
      if (how === "rejects-json") return { toJSON() { throw value; } };
      if (how === "streams") return (function* () { yield "x"; throw value; })();
      return value;
    }`;

  test("each request has its answer, and the next one, too", async () => {
    const worker = await start(script).ready();
    let id = 0;
    for (const index of ODD_VALUES.keys()) {
      for (const how of ["throws", "rejects", "rejects-json"]) {
        const { type, payload } = await worker.run(`${how} ${index}`, ++id);
        expect(type, `${how} ${ODD_VALUES[index]}`).toBe(Frame.ERROR);
        expect(parseJson<RunError>(payload).error).toMatchObject({
          type: expect.any(String),
          message: expect.any(String),
        });
      }
      expect([Frame.RESULT, Frame.ERROR]).toContain((await worker.run(`returns ${index}`, ++id)).type);
      expect((await worker.run(`streams ${index}`, ++id)).type).toBe(Frame.RESPONSE);
      expect((await worker.next()).type).toBe(Frame.CHUNK);
      expect((await worker.next()).type).toBe(Frame.ERROR);
    }
  });

  test("a rejection that belongs to no request is logged and is nobody's error", async () => {
    const worker = await start(script).ready();
    for (const index of ODD_VALUES.keys()) {
      expect((await worker.run(`later ${index}`, index + 1)).type).toBe(Frame.RESULT);
      const logged = (): number => worker.output.split("Unhandled rejection in the score script").length - 1;
      await worker.until(() => logged() > index);
    }
    expect(worker.process.exitCode).toBeNull();
  });
});

describe("the process", () => {
  test("says that a request has begun before a run() that blocks", async () => {
    const worker = await start(`
      export function init() {}
      export function run() { for (;;); }`).ready();
    const [seconds, nanoseconds] = process.hrtime();
    worker.send(Frame.RUN, 1, Buffer.from("x"), toBeginBy(seconds * 1_000 + nanoseconds / 1_000_000 + 900));
    expect(await worker.next()).toMatchObject({ type: Frame.BEGUN, id: 1 });
  });

  test("starts and answers where its folder has vanished", async () => {
    const cwd = mkdtempSync(join(tmpdir(), "scorefn-vanishing-"));
    const worker = await start(
      `
      import { rmSync } from "node:fs";
      export function init() { rmSync(${JSON.stringify(cwd)}, { recursive: true }); }
      export function run(data) { if (data === "fail") throw new TypeError("failed"); return data; }`,
      { cwd },
    ).ready();
    expect((await worker.run("x", 1)).type).toBe(Frame.RESULT);
    const { payload } = await worker.run("fail", 2);
    expect(parseJson<RunError>(payload).error).toMatchObject({ type: "TypeError", location: { file: "score.mjs" } });
  });

  test("hides its pipes from what the script starts", async () => {
    const worker = await start(`
      import { spawnSync } from "node:child_process";
      const PROGRAM = "const fs = require('fs'); console.log([3, 4, 5].map((number) => { try { return fs.readlinkSync('/proc/self/fd/' + number); } catch { return ''; } }).join());";
      export function init() {}
      export function run() { return spawnSync(process.execPath, ["-e", PROGRAM]).stdout.toString(); }`).ready();
    const { payload } = await worker.run("");
    const shown = payload.subarray(8).toString();
    const own = spawnSync("ls", ["-l", `/proc/${worker.process.pid}/fd`]).stdout.toString();
    const pipes = [3, 4, 5].map((number) => new RegExp(` ${number} -> (\\S+)`).exec(own)?.[1]);
    for (const pipe of pipes) expect(shown).not.toContain(pipe);
  });

  test("says what is missing when it is started by hand", () => {
    const { status, stderr } = spawnSync(process.execPath, [packageFile("dist/src/node-worker/main.js")]);
    expect(stderr.toString()).toMatch(/started by scorefn/);
    expect(status).toBe(2);
  });

  test("finishes on STOP with code 0, and ends when the front closes its pipe", async () => {
    const stopped = await start("export function init() {}\nexport function run(data) { return data; }").ready();
    stopped.send(Frame.STOP);
    expect(await stopped.exit).toBe(0);
    const left = await start("export function init() {}\nexport function run(data) { return data; }").ready();
    left.pipe(3).destroy();
    expect(await left.exit).toBe(0);
  });

  test("ends when nobody reads its answers any more", async () => {
    const worker = await start("export function init() {}\nexport function run(data) { return data; }").ready();
    worker.pipe(4).destroy();
    worker.send(Frame.RUN, 1, Buffer.from("x"));
    expect(await worker.exit).toBe(0);
  });

  test("sends answers that are larger than the pipe holds", async () => {
    const worker = await start(
      "export function init() {}\nexport function run() { return 'x'.repeat(5_000_000); }",
    ).ready();
    for (const id of [1, 2, 3]) expect((await worker.run("", id)).payload.length).toBe(5_000_010);
  });

  test("sends a stream of very many small pieces", async () => {
    const worker = await start(`
      export function init() {}
      export function run() { return (function* () { for (let n = 0; n < 5000; n++) yield "x"; })(); }`).ready();
    expect((await worker.run("")).type).toBe(Frame.RESPONSE);
    for (let count = 0; count < 5_000; count++) expect((await worker.next()).type).toBe(Frame.CHUNK);
    expect((await worker.next()).type).toBe(Frame.END);
  });

  test.each([
    ["throw new Error('at load')", "load"],
    ["export function init() {}", "shape"],
    ["export function init() { throw Object.create(null); }\nexport function run() {}", "init"],
  ])("says why it cannot serve: %s", async (source, stage) => {
    const worker = start(source);
    let got = await worker.next();
    while (got.type !== Frame.FAILED) got = await worker.next();
    expect(parseJson(got.payload)).toMatchObject({ stage, error: { type: expect.any(String) } });
    expect(await worker.exit).toBe(3);
  });
});

describe("a front that does not read the pipe", () => {
  const CHATTY = `
    import { writeSync } from "node:fs";
    export function init() {}
    let printed = 0;
    console.log = () => {};
    export function run(data, { logger }) {
      if (data === "how many?") return printed;
      const timer = setInterval(() => {
        for (let index = 0; index < 100; index++) logger.info("x".repeat(2000) + printed++);
        if (printed === 3000) {
          clearInterval(timer);
          writeSync(2, "printed\\n");
        }
      }, 10);
      return "begun";
    }`;

  test("gets no records meanwhile, and holds nothing up; later it gets what was kept, and answers whole", async () => {
    const worker = await start(CHATTY, { records: true }).ready();
    const told = { records: 0, dropped: 0 };
    const answer = async (): Promise<string> => {
      for (;;) {
        const { type, payload } = await worker.next();
        if (type === Frame.RESULT) return payload.subarray(8).toString();
        if (type !== Frame.RECORDS) continue;
        const { records, dropped } = parseJson<Records>(payload);
        told.records += records.length;
        told.dropped += dropped;
      }
    };
    worker.send(Frame.RUN_META, 1, metaAndBody({}, "go"));
    expect(await answer()).toBe('"begun"');
    worker.pipe(4).pause();
    // It is the worker's event loop that writes this: nothing blocks it.
    await worker.until(() => worker.output.includes("printed"));
    worker.pipe(4).resume();
    worker.send(Frame.RUN_META, 2, metaAndBody({}, "how many?"));
    expect(await answer()).toBe("3000");
    expect(told.records + told.dropped).toBe(3000);
    expect(told.dropped).toBeGreaterThan(1000);
    expect(told.records).toBeGreaterThan(100);
  });

  test("a long answer behind records arrives whole", async () => {
    const worker = await start(
      `export function init() {}
       export async function run(data, { logger }) {
         logger.info("first");
         await new Promise((resolve) => setTimeout(resolve, 150));
         logger.info("second");
         return "x".repeat(20_000_000);
       }`,
      { records: true },
    ).ready();
    worker.send(Frame.RUN_META, 1, metaAndBody({}, ""));
    const types: number[] = [];
    for (let size = 0; size === 0; ) {
      const { type, payload } = await worker.next();
      types.push(type);
      if (type === Frame.RESULT) size = payload.length;
    }
    expect(types.slice(-3)).toEqual([Frame.RECORDS, Frame.RECORDS, Frame.RESULT]);
  });
});

function metaAndBody(meta: object, body: string): Buffer {
  return Buffer.concat([metaPrefix(meta), Buffer.from(body)]);
}
