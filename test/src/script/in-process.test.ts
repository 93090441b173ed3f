import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { ScoreError } from "../../../src/core/errors.ts";
import type { BodyStream, RunCall } from "../../../src/core/types.ts";
import { InProcessRuntime } from "../../../src/script/in-process.ts";
import { silentLog } from "../node-worker/loop-harness.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** What the scripts below tell the tests. */
interface Told {
  signal?: AbortSignal;
  askLater?: () => AbortSignal;
  go?: () => void;
  closed?: () => void;
  onBegun?: () => void;
}

async function runtime(source: string, scoringTimeoutMs = 0): Promise<{ runtime: InProcessRuntime; told: Told }> {
  const folder = mkdtempSync(join(tmpdir(), "scorefn-in-process-"));
  folders.push(folder);
  const entryScript = join(folder, "score.mjs");
  writeFileSync(entryScript, `const told = globalThis.toldInProcess;\nexport function init() {}\n${source}`);
  const told: Told = {};
  Object.assign(globalThis, { toldInProcess: told });
  const options = { entryScript, appRoot: folder, modelDir: null, scoringTimeoutMs, maxQueue: 10 };
  const made = new InProcessRuntime(options, silentLog, {});
  await made.start();
  return { runtime: made, told };
}

function call(signal?: AbortSignal): RunCall {
  const body = Buffer.from("x");
  return { body, method: "POST", path: "/score", query: "", headers: {}, requestId: "r", signal };
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "answered",
    (error: unknown) => (error instanceof ScoreError ? error.code : String(error)),
  );

const WAITS = `export async function run(data, context) {
  told.signal = context.signal;
  await new Promise((resolve) => { told.go = resolve; told.onBegun?.(); });
  return data;
}`;

const ASKS_LATER = `export async function run(data, context) {
  told.askLater = () => context.signal;
  await new Promise((resolve) => { told.go = resolve; told.onBegun?.(); });
  return data;
}`;

const STREAMS = `export async function* run(data, context) {
  told.signal = context.signal;
  try {
    yield "a";
    yield "b";
  } finally {
    told.closed?.();
  }
}`;

describe("context.signal in process", () => {
  test.each([
    ["asked for before", WAITS],
    ["asked for only afterwards", ASKS_LATER],
  ])("aborts when the client leaves, %s", async (_when, source) => {
    const { runtime: host, told } = await runtime(source);
    const client = new AbortController();
    const begun = new Promise<void>((resolve) => {
      told.onBegun = resolve;
    });
    const answer = codeOf(host.run(call(client.signal)));
    await begun;
    client.abort();
    expect(await answer).toBe("ERR_CLIENT_GONE");
    const signal = told.signal ?? told.askLater!();
    expect(signal.aborted).toBe(true);
    expect((signal.reason as DOMException).name).toBe("AbortError");
  });

  test.each([
    ["asked for before", WAITS],
    ["asked for only afterwards", ASKS_LATER],
  ])("aborts at the deadline, %s", async (_when, source) => {
    const { runtime: host, told } = await runtime(source, 20);
    expect(await codeOf(host.run(call()))).toBe("ERR_SCORE_TIMEOUT");
    const signal = told.signal ?? told.askLater!();
    expect(signal.aborted).toBe(true);
    expect((signal.reason as DOMException).name).toBe("TimeoutError");
  });

  test("aborts when the client leaves while the answer is streamed", async () => {
    const { runtime: host, told } = await runtime(STREAMS);
    const client = new AbortController();
    await host.run(call(client.signal));
    expect(told.signal!.aborted).toBe(false);
    client.abort();
    expect(told.signal!.aborted).toBe(true);
  });

  test("has aborted when the client had left before run() was called", async () => {
    const { runtime: host, told } = await runtime(WAITS);
    expect(await codeOf(host.run(call(AbortSignal.abort())))).toBe("ERR_CLIENT_GONE");
    expect(told.signal!.aborted).toBe(true);
  });
});

describe("a generator that nobody reads", () => {
  test("runs its finally when the host closes the answer before it has begun to read", async () => {
    const { runtime: host, told } = await runtime(STREAMS);
    const closed = new Promise<void>((resolve) => {
      told.closed = resolve;
    });
    const outcome = await host.run(call());
    await (outcome.body as BodyStream)[Symbol.asyncIterator]().return?.();
    await closed;
  });

  test("runs its finally when the client has left before run() returned it", async () => {
    const { runtime: host, told } = await runtime(`export async function run() {
      await new Promise((resolve) => { told.go = resolve; told.onBegun?.(); });
      return (function* () {
        try {
          yield "a";
        } finally {
          told.closed?.();
        }
      })();
    }`);
    const client = new AbortController();
    const begun = new Promise<void>((resolve) => {
      told.onBegun = resolve;
    });
    const closed = new Promise<void>((resolve) => {
      told.closed = resolve;
    });
    const answer = codeOf(host.run(call(client.signal)));
    await begun;
    client.abort();
    expect(await answer).toBe("ERR_CLIENT_GONE");
    told.go!();
    await closed;
  });
});
