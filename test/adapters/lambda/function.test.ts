// Functions as they are deployed: built, then run by a runtime client in a process of their own.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildLambda } from "../../../packaging/aws-lambda/build.ts";
import {
  invokeLambda,
  type LocalFunction,
  readAnswer,
  scoreEvent,
  startFunction,
} from "../../../packaging/aws-lambda/invoke.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { DEADLINE_MS, watchForStarvation } from "../../setup/deadline.ts";
import { environment } from "../../setup/environments.mjs";
import { preparedNode, preparedRuntimeClient } from "../../setup/runtimes.ts";
import { SCRIPTS, until } from "../../setup/service.ts";
import { startTelemetrySink } from "../../setup/telemetry-sink.ts";
import { spansOf } from "./spans.ts";

const SETUP_MS = 15 * 60_000;
const folder = mkdtempSync(join(tmpdir(), "scorefn-lambda-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const builds = { behaves: join(folder, "behaves"), streams: join(folder, "streams"), broken: join(folder, "broken") };

beforeAll(async () => {
  const script = packageFile("test/adapters/lambda/scripts/behaves.ts");
  await buildLambda({ entryScript: script, out: builds.behaves });
  await buildLambda({ entryScript: script, out: builds.streams, streams: true });
  await buildLambda({ entryScript: join(SCRIPTS, "broken/init_throws.ts"), out: builds.broken });
});

interface Machine {
  readonly node: string;
  readonly client?: string | undefined;
}

type TestFunction = LocalFunction & {
  post(body: string, timeoutMs?: number): Promise<{ status: number; text: string }>;
  log(): string;
};

async function start(directory: string, machine: Machine, env: Record<string, string> = {}): Promise<TestFunction> {
  let log = "";
  const local = await startFunction({
    directory,
    ...machine,
    env,
    onOutput: (text) => {
      log += text;
    },
  });
  onTestFinished(async () => void (await local.stop()));
  return Object.assign(local, {
    post: async (body: string, timeoutMs = DEADLINE_MS) =>
      readAnswer(await local.invoke(scoreEvent(Buffer.from(body)), timeoutMs)),
    log: () => log,
  });
}

/** Holds the process and all it has started, as Lambda does between requests. */
async function freeze(local: LocalFunction, ms: number): Promise<void> {
  const pids = [local.process.pid!, ...childrenOf(local.process.pid!)];
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  await delay(ms);
  for (const pid of pids) process.kill(pid, "SIGCONT");
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

const MACHINES: readonly [string, () => Promise<Machine | undefined>][] = [
  ["this Node", async () => ({ node: process.execPath })],
  ["Node 22", async () => ({ node: await preparedNode(22) })],
  ["Node 24", async () => ({ node: await preparedNode(24) })],
  ["Node 22 under aws-lambda-ric", () => underRuntimeClient(22)],
  ["Node 24 under aws-lambda-ric", () => underRuntimeClient(24)],
];

async function underRuntimeClient(major: 22 | 24): Promise<Machine | undefined> {
  const client = await preparedRuntimeClient();
  return client === undefined ? undefined : { node: await preparedNode(major), client };
}

describe.each(MACHINES)("a TypeScript function on %s", (name, prepare) => {
  let machine: Machine | undefined;
  beforeAll(async () => {
    machine = await prepare();
  }, SETUP_MS);
  const on = (skip: (condition: boolean) => void): Machine => {
    skip(machine === undefined);
    return machine!;
  };

  test("starts, answers 500 requests, and survives being frozen", async ({ skip }) => {
    const local = await start(builds.behaves, on(skip));
    for (let round = 0; round < 500; round++) {
      const body = `round ${round}`;
      expect(await local.post(body)).toEqual({ status: 200, text: JSON.stringify(body) });
      if (round === 250) await freeze(local, 300);
    }
    expect(await local.post("count")).toEqual({ status: 200, text: "501" });
  });

  test("answers 504 before its time is up, and the next request", async ({ skip }) => {
    const local = await start(builds.behaves, on(skip));
    const { status, text } = await local.post("hang", 2_000);
    expect(status).toBe(504);
    expect(text).toContain("not answered within");
    expect((await local.post("count")).status).toBe(200);
  });

  test("streams piece by piece, and says when a stream is not complete", async ({ skip }) => {
    const local = await start(builds.streams, on(skip));
    const ticks = await local.invoke(scoreEvent(Buffer.from("ticks")));
    expect(readAnswer(ticks)).toEqual({ status: 200, text: "firstsecond" });
    expect(ticks.streamed).toBe(true);
    const at = (text: string) => ticks.chunks.find(({ bytes }) => bytes.includes(text))!.atMs;
    expect(at("second") - at("first")).toBeGreaterThan(100);
    expect((await local.post("fail")).status).toBe(500);
    expect((await local.post("count")).status).toBe(200);
  });

  test("whose init() fails says so for each request, in one process", async ({ skip }) => {
    const local = await start(builds.broken, on(skip), { SCOREFN_ERROR_DETAIL: "location" });
    for (let round = 0; round < 3; round++) {
      const { status, text } = await local.post("{}");
      expect(status).toBe(503);
      expect(JSON.parse(text).error).toMatchObject({
        type: "RangeError",
        message: "no model",
        location: { file: "init_throws.ts", function: "init" },
      });
    }
    expect(local.process.exitCode).toBeNull();
  });

  test("outlives a promise that the script has forgotten, and that rejects", async ({ skip }) => {
    const local = await start(builds.behaves, on(skip));
    expect(await local.post("forget")).toEqual({ status: 200, text: '"forget"' });
    expect(await local.post("count")).toEqual({ status: 200, text: "2" });
    expect(local.log()).toMatch(
      / E \[\d+\] azmlinfsrv - Nobody handled the rejection of a promise: RangeError: forgotten/,
    );
  });

  test("takes a direct invocation, and fails for what is none", async ({ skip }) => {
    const machine = on(skip);
    for (const directory of [builds.behaves, builds.streams]) {
      const local = await start(directory, machine);
      const { kind, body } = await local.invoke({ data: 1 });
      expect([kind, JSON.parse(body.toString())]).toEqual(["answer", '{"data":1}']);
      const failure = await local.invoke({ Records: [] });
      // Lambda's own client begins a stream before it asks the function, and says in a trailer that it failed.
      if (failure.streamed) expect(failure).toMatchObject({ complete: false, body: Buffer.alloc(0) });
      else expect(JSON.parse(failure.body.toString())).toMatchObject({ errorType: "ERR_EVENT" });
      expect(failure.kind === "error" || failure.streamed).toBe(true);
    }
  });

  test("tells where run() failed, by its source", async ({ skip }) => {
    const local = await start(builds.behaves, on(skip), { SCOREFN_ERROR_DETAIL: "location" });
    const { text } = await local.post("fail");
    const source = 'if (data === "fail") throw new RangeError("on request");';
    expect(JSON.parse(text).error.location).toMatchObject({ file: "behaves.ts", line: 14, function: "run", source });
  });

  test("has sent what it traced when Lambda would freeze it, and has answered before", async ({ skip }) => {
    const sink = await startTelemetrySink();
    onTestFinished(() => sink.close());
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" };
    for (const directory of [builds.behaves, builds.streams]) {
      const local = await start(directory, on(skip), { ...env, OTEL_BSP_SCHEDULE_DELAY: "600000" });
      const before = sink.requests.length;
      const xray = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
      for (const round of [1, 2]) {
        const answer = await local.invoke(scoreEvent(Buffer.from("x")), DEADLINE_MS, xray);
        expect(readAnswer(answer).status).toBe(200);
        await local.api.idle();
        expect(sink.requests).toHaveLength(before + round);
      }
    }
    const requests = spansOf(sink.requests).filter(({ name }) => name === "POST /score");
    expect(requests.map(({ traceId }) => traceId)).toEqual(Array(4).fill("5759e988bd862e3fe1be46a994272793"));
  });

  test("is told when it ends", async ({ skip }) => {
    const local = await start(builds.behaves, on(skip));
    await local.post("x");
    expect(local.api.extensions).toEqual(["scorefn"]);
    const how = await local.stop();
    expect(local.log()).toContain("Received SIGTERM");
    // The native client waits for its next event until it is killed.
    if (!name.includes("ric")) expect(how).toBe(0);
  });
});

describe("a Python function", () => {
  const python = environment("sklearn");
  const skipped = "unavailable" in python;
  const env: Record<string, string> = skipped ? {} : { SCOREFN_PYTHON: python.python };
  const here = { node: process.execPath };

  const build = async (entryScript: string, modelDir?: string): Promise<string> => {
    const out = mkdtempSync(join(folder, "python-"));
    await buildLambda({ entryScript, out, modelDir });
    return out;
  };

  test.skipIf(skipped)("scores with scikit-learn, also after being frozen", async () => {
    const example = packageFile("examples/sklearn");
    const out = await build(join(example, "onlinescoring/score.py"), example);
    expect(readFileSync(join(out, "function/requirements.txt"), "utf8")).toContain("scikit-learn");
    const local = await start(out, here, env);
    const body = readFileSync(join(example, "sample-request.json"), "utf8");
    const first = await local.post(body);
    expect(first.status).toBe(200);
    expect(JSON.parse(first.text)).toEqual([expect.closeTo(206.110092, 4), expect.closeTo(68.022232, 4)]);
    await freeze(local, 1_000);
    expect(await local.post(body)).toEqual(first);
  });

  test.skipIf(skipped)("scores with scikit-learn under aws-lambda-ric", async ({ skip }) => {
    const machine = await underRuntimeClient(24);
    skip(machine === undefined);
    const example = packageFile("examples/sklearn");
    const local = await start(await build(join(example, "onlinescoring/score.py"), example), machine!, env);
    expect((await local.post(readFileSync(join(example, "sample-request.json"), "utf8"))).status).toBe(200);
  });

  test("goes on when its worker dies", async () => {
    const local = await start(await buildScript("dies.py"), here);
    const { status, text } = await local.post("exit");
    expect(status).toBe(500);
    expect(JSON.parse(text).message).toContain("An unexpected error occurred in scoring script");
    expect((await local.post("")).status).toBe(200);
  });

  test("has a hanging worker replaced although it is frozen right after the answer", async ({ skip }) => {
    const local = await start(await buildScript("never_returns.py"), here);
    expect((await local.post("")).status).toBe(200);
    const wasStarved = watchForStarvation();
    const { status } = await local.post("swallow", 3_000);
    skip(wasStarved() && status === 502, "this machine is too busy to answer 300 ms before the end");
    expect(status).toBe(504);
    await freeze(local, 500);
    expect((await local.post("")).status).toBe(200);
  });

  test("ends with its worker", async () => {
    const local = await start(await buildScript("echo.py"), here);
    await local.post("x");
    const [worker] = childrenOf(local.process.pid!);
    expect(worker).toBeDefined();
    expect(await local.stop()).toBe(0);
    await until(() => !existsSync(`/proc/${worker}`), "the worker has ended");
  });

  /** The script alone, not its neighbours. */
  async function buildScript(script: string): Promise<string> {
    const source = mkdtempSync(join(folder, "source-"));
    cpSync(join(SCRIPTS, script), join(source, script));
    return build(join(source, script));
  }
});

describe("scorefn invoke", () => {
  test("prints the answer, and what it took", async () => {
    let out = "";
    let errors = "";
    const code = await invokeLambda({
      directory: builds.behaves,
      data: "hello",
      write: (text) => {
        out += text;
      },
      writeError: (text) => {
        errors += text;
      },
    });
    expect(out).toBe('"hello"\n');
    expect(errors).toMatch(/status +200\ncold start +[\d.]+ ms\nduration +[\d.]+ ms\nmemory +[\d.]+ MB of 1769 MB\n/);
    expect(code).toBe(0);
  });

  test("says what is missing", async () => {
    const ignore = () => {};
    const options = { write: ignore, writeError: ignore };
    await expect(invokeLambda({ directory: folder, data: "x", ...options })).rejects.toThrow("is not a scorefn build");
    await expect(invokeLambda({ directory: builds.behaves, data: "@nowhere", ...options })).rejects.toThrow(
      "--data names nowhere, which cannot be read",
    );
  });
});
