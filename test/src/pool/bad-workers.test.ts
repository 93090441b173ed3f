// Real processes that break the worker protocol in every way: each time the client gets an answer, and the next one too.
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { resolveConfig } from "../../../src/config/config.ts";
import type { ScoreError } from "../../../src/core/errors.ts";
import { combineEvents, type Events, type ScriptRecord } from "../../../src/core/events.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import type { RunCall, RunOutcome } from "../../../src/core/types.ts";
import { createEventLog } from "../../../src/event-log.ts";
import { createLog } from "../../../src/log/create.ts";
import { WorkerPool } from "../../../src/pool/pool.ts";
import type { PoolOptions } from "../../../src/pool/pool-options.ts";
import { temporaryFolder, until } from "../../setup/service.ts";

const CALL: RunCall = {
  body: Buffer.from("{}"),
  method: "POST",
  path: "/score",
  query: "",
  headers: {},
  requestId: "r",
};

const FAILED = (cause: Error): ScoreError => cause as ScoreError;

async function start(how: readonly string[], more: Partial<PoolOptions> = {}, subscriber: Events = {}) {
  const folder = await temporaryFolder();
  let logged = "";
  const log = createLog((text) => {
    logged += text;
  }, "INFO");
  const pids: number[] = [];
  const pool = new WorkerPool(
    {
      command: {
        file: "python3",
        args: [packageFile("test/fixtures/workers/bad_worker.py"), folder.file("mark"), ...how],
        env: { PATH: process.env.PATH ?? "" },
        nudgeSignal: null,
        onMissing: FAILED,
      },
      start: {
        server: "test",
        appRoot: "/",
        entryScript: null,
        sourceDirectory: null,
        modelDir: null,
        concurrency: 1,
        logLevel: "INFO",
        logging: null,
        strict: false,
      },
      workerCount: 1,
      scoringTimeoutMs: 500,
      workerTimeoutMs: 60_000,
      maxQueue: 100,
      maxQueueBytes: 0,
      queueTimeoutMs: 0,
      ...more,
    },
    log,
    combineEvents([
      createEventLog(resolveConfig({ env: {} }).config, log),
      { scriptReady: ({ pid }) => pids.push(pid) },
      subscriber,
    ]),
  );
  onTestFinished(async () => {
    await pool.close(0);
    await folder.remove();
  });
  await pool.start();
  const run = (): Promise<RunOutcome | ScoreError> => pool.run(CALL).catch((error: ScoreError) => error);
  return { pool, run, pids, logged: () => logged };
}

function text(outcome: RunOutcome | ScoreError): string {
  if (!("kind" in outcome)) return outcome.code;
  return outcome.kind === "json" ? Buffer.from(outcome.body).toString() : outcome.kind;
}

describe("a worker that breaks the protocol", () => {
  test.for([
    ["half a frame, then death", "ERR_WORKER_EXIT", "exited with code 1"],
    ["the answer, then death", '"ok"', "was killed by SIGKILL"],
    ["half a frame, then nothing", "ERR_SCORE_TIMEOUT", "did not come back after its deadline"],
    ["a huge frame announced", "ERR_SCORE_TIMEOUT", "did not come back after its deadline"],
    ["a time in the head", "ERR_WORKER_EXIT", "a time in its head"],
    ["another request's answer", "ERR_WORKER_EXIT", "which has not begun"],
    ["no answer", "ERR_SCORE_TIMEOUT", "did not come back after its deadline"],
    ["exit", "ERR_WORKER_EXIT", "exited with code 0"],
  ] as const)("by %s: the client gets %s, and the next one its answer", async ([how, answer, reason]) => {
    const { run, pids, logged } = await start([how]);
    expect(text(await run())).toBe(answer);
    // A request that is sent to a process that has died unnoticed counts as begun.
    await until(() => pids.length === 2, "another worker is ready");
    expect(text(await run())).toBe('"ok"');
    expect(logged()).toContain(reason);
  });

  test.for(["closed descriptor 3", "closed descriptor 4", "closed descriptors", "exec"])(
    "by %s while it lives on is replaced long before its deadline",
    async (how) => {
      const { run, pids, logged } = await start([how], { scoringTimeoutMs: 0 });
      expect(text(await run())).toBe("ERR_WORKER_EXIT");
      expect(text(await run())).toBe('"ok"');
      expect(pids).toHaveLength(2);
      expect(logged()).toContain("because it had closed its pipe and lived on");
    },
  );

  test.runIf(process.platform === "linux")("by being stopped, busy or idle, is replaced", async () => {
    const { run, pids, logged } = await start(["stopped"], { scoringTimeoutMs: 0 });
    expect(text(await run())).toBe("ERR_WORKER_EXIT");
    expect(text(await run())).toBe('"ok"');
    expect(logged()).toContain("because it had been stopped for more than 4 s");
    process.kill(pids[1]!, "SIGSTOP");
    await until(() => pids.length === 3, "the idle one has been replaced");
    expect(text(await run())).toBe('"ok"');
  });

  const record = { time: 1, level: "INFO", logger: "l", message: "m" };

  test.for([
    ["of no form that it knows", { scriptRecord: () => {} }, "{}"],
    ["that nobody asked for", {}, JSON.stringify({ records: [record], dropped: 0 })],
  ] as const)("by RECORDS %s is replaced", async ([, subscriber, payload]) => {
    const { run, pids } = await start(["records", payload], { scoringTimeoutMs: 0 }, subscriber);
    expect(text(await run())).toBe("ERR_WORKER_EXIT");
    await until(() => pids.length === 2, "another worker is ready");
    expect(text(await run())).toBe('"ok"');
  });

  test("by death: its last whole RECORDS count", async () => {
    const records: ScriptRecord[] = [];
    let dropped = 0;
    const { run, pids } = await start(
      ["records, then death"],
      { scoringTimeoutMs: 0 },
      {
        scriptRecord: (each) => records.push(each),
        scriptRecordsDropped: ({ count }) => {
          dropped += count;
        },
      },
    );
    const [first] = pids;
    expect(text(await run())).toBe("ERR_WORKER_EXIT");
    expect(records).toHaveLength(2_000);
    expect(records[1_999]).toEqual({
      pid: first,
      ...record,
      message: "last words",
      fields: undefined,
      place: undefined,
    });
    expect(dropped).toBe(4);
  });

  test("by random bytes: every client gets an answer", { timeout: 300_000 }, async () => {
    const bytes = fc.uint8Array({ minLength: 12, maxLength: 200 });
    // Heads that make sense, so that more than the first check is tried.
    const frame = fc
      .tuple(fc.integer({ min: 30, max: 50 }), fc.integer({ min: 0, max: 2 }), fc.uint8Array({ maxLength: 40 }))
      .map(([type, id, payload]) => {
        const head = Buffer.alloc(12);
        head.writeUInt32LE(payload.length, 0);
        head.writeUInt8(type, 4);
        head.writeUInt32LE(id, 8);
        return new Uint8Array(Buffer.concat([head, payload]));
      });
    await fc.assert(
      fc.asyncProperty(fc.oneof(bytes, frame), fc.boolean(), async (garbage, listens) => {
        const subscriber: Events = listens ? { scriptRecord: () => {} } : {};
        const { pool, run } = await start(["garbage", Buffer.from(garbage).toString("hex")], {}, subscriber);
        // A RESULT for this request may be among them: any answer will do, as long as there is one.
        await run();
        // Then nobody knows yet that the worker is deaf: the next request tells.
        const next = text(await run());
        if (next !== '"ok"') expect([next, text(await run())]).toEqual(["ERR_SCORE_TIMEOUT", '"ok"']);
        await pool.close(0);
      }),
      { numRuns: process.env.CI === "true" ? 60 : 5 },
    );
  });
});

describe("a worker that does not start", () => {
  /** A pool whose first process fails to start. */
  async function startBadly(how: "FAILED" | "killed", workerCount: number) {
    const folder = await temporaryFolder();
    onTestFinished(() => folder.remove());
    return start([], {
      workerCount,
      command: {
        file: "python3",
        args: [packageFile("test/fixtures/workers/bad_start.py"), folder.file("mark"), how],
        env: { PATH: process.env.PATH ?? "" },
        nudgeSignal: null,
        onMissing: FAILED,
      },
    });
  }

  test("because init() failed there and nowhere else: it is tried again, and the others serve", async () => {
    const { run, pids, logged } = await startBadly("FAILED", 3);
    expect(text(await run())).toBe('"ok"');
    await until(() => pids.length === 3, "all workers are ready");
    expect(logged()).toMatch(/Worker process \d+ exited with code 3; starting another in 100 ms\./);
  });

  test("because it was killed from outside: it is tried again", async () => {
    const { run, pids } = await startBadly("killed", 1);
    expect(pids).toHaveLength(1);
    expect(text(await run())).toBe('"ok"');
  });

  test("because init() failed in all: the start fails with the reason", async () => {
    await expect(startBadly("FAILED", 1)).rejects.toMatchObject({
      code: "ERR_SCRIPT_INIT",
      message: "OSError: in use",
    });
  });
});
