import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { Worker } from "../../../src/pool/worker.ts";
import {
  type Answer,
  createGate,
  createService,
  DEADLINE_MS,
  type Gate,
  headerOf,
  isAlive,
  type Language,
  placeOf,
  type Service,
  scriptFile,
  startService,
  temporaryFolder,
  until,
} from "../../setup/service.ts";

const LANGUAGES: readonly Language[] = ["python", "typescript"];

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(LANGUAGES)("a pool of %s workers", (language) => {
  const python = language === "python";

  /** Serves a script for the length of one test. */
  async function serve(script: string, env: Readonly<Record<string, string>> = {}): Promise<Service> {
    const service = createService(scriptFile(script, language), { WORKER_COUNT: "1", ...env });
    onTestFinished(service.close);
    await service.runtime.start();
    return service;
  }

  async function gates(count: number): Promise<Gate[]> {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    return Array.from({ length: count }, (_, index) => createGate(folder, `gate-${index}`));
  }

  describe("a worker that dies", () => {
    test.for([
      ["exit", "exited with code 7"],
      ["signal", "was killed by SIGKILL"],
      ...(python ? [["segfault", "was killed by SIGSEGV"]] : [["throw later", "exited with code 1"]]),
    ])("of %s answers its one request with the way it died; the queue goes on elsewhere", async ([body, end]) => {
      vi.spyOn(process.stderr, "write").mockReturnValue(true);
      const { post, logged, workerPids } = await serve("dies", { SCOREFN_ERROR_DETAIL: "location" });
      const [dead, ...next] = await Promise.all([post(body!), post(""), post("")]);
      const [firstPid] = workerPids();

      expect(dead.status).toBe(500);
      expect(headerOf(dead.headers, "x-ms-run-function-failed")).toBe("True");
      const { message, error } = JSON.parse(dead.text);
      expect(message).toBe("An unexpected error occurred in scoring script. Check the logs for more info.");
      expect(error).toMatchObject({ type: "WorkerExitError", message: `worker process ${firstPid} ${end}` });
      if (body === "segfault") {
        const { file, line } = placeOf("dies.py", "ctypes.string_at(0)");
        expect(error.location).toMatchObject({ file, line, function: "run" });
        expect(logged()).toContain("Segmentation fault");
      }
      expect(logged()).toContain(`Worker process ${firstPid} ${end}; starting another`);

      expect(next.map(({ status }) => status)).toEqual([200, 200]);
      expect(workerPids()).toHaveLength(2);
      expect(next.map(({ text }) => Number(text))).toEqual([workerPids()[1], workerPids()[1]]);
    });

    test("without an answer is replaced more slowly each time", async () => {
      const { post, logged } = await serve("dies");
      await post("exit");
      await post("exit");
      expect(await post("")).toMatchObject({ status: 200 });
      await post("exit");
      expect(await post("")).toMatchObject({ status: 200 });
      expect([...logged().matchAll(/starting another(?: in \d+ ms)?\./g)].map(([text]) => text)).toEqual([
        "starting another in 100 ms.",
        "starting another in 200 ms.",
        "starting another.",
      ]);
    });

    test("at any moment leaves every request answered once, and executed once at most", async () => {
      const requests = 200;
      const clients = 32;
      const oneRun = async (killsAfter: ReadonlySet<number>): Promise<void> => {
        const folder = await temporaryFolder();
        const notes = folder.file("notes");
        const service = await startService(scriptFile("notes_each_run", language), {
          WORKER_COUNT: "2",
          TEST_NOTES: notes,
          SCOREFN_ERROR_DETAIL: "location",
        });
        const killed = new Set<number>();
        const answers = new Map<string, Answer>();
        let next = 0;
        const client = async (): Promise<void> => {
          while (next < requests) {
            const id = `request-${next++}`;
            answers.set(id, await service.post(id));
            if (killsAfter.has(answers.size)) killOne(service.workerPids(), killed);
          }
        };
        try {
          await Promise.all(Array.from({ length: clients }, client));
        } finally {
          await service.close();
        }
        const runs = readFileSync(notes, "utf8").trimEnd().split("\n");
        await folder.remove();

        expect(killed.size).toBeGreaterThan(0);
        expect(answers.size).toBe(requests);
        expect(new Set(runs).size).toBe(runs.length);
        for (const [id, { status, text }] of answers) {
          if (status === 200) {
            expect(text).toBe(JSON.stringify(id));
            expect(runs).toContain(id);
          } else {
            expect(status).toBe(500);
            expect(text).toMatch(/worker process \d+ was killed by SIGKILL"/);
          }
        }
        const failures = [...answers.values()].filter(({ status }) => status === 500);
        expect(failures.length).toBeLessThanOrEqual(killed.size);
      };
      const moments = fc.uniqueArray(fc.integer({ min: 1, max: requests - clients }), { minLength: 1, maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(moments, (kills) => oneRun(new Set(kills))),
        { numRuns: process.env.CI === "true" ? 4 : 2, endOnFailure: true },
      );
    });
  });

  describe("init() that fails after it has served", () => {
    async function serveOn() {
      const folder = await temporaryFolder();
      onTestFinished(folder.remove);
      const file = folder.file("what");
      const service = await serve("init_fails_while_file", { TEST_FILE: file, SCOREFN_ERROR_DETAIL: "location" });
      return { ...service, file };
    }

    test.for([
      ["raise", "the model store is down"],
      ["die", "exited with code 9"],
    ])("(%s) is told to clients, tried again ever more slowly, and recovers", async ([what, reason]) => {
      const { post, get, logged, workerPids, file } = await serveOn();
      writeFileSync(file, what!);
      process.kill(workerPids()[0]!, "SIGKILL");
      await until(() => logged().includes("starting another in 400 ms"), "it has failed three times");
      const answer = await post("");
      expect(answer.status).toBe(503);
      expect(Number(headerOf(answer.headers, "Retry-After"))).toBeGreaterThanOrEqual(1);
      expect(JSON.parse(answer.text).error.message).toContain(reason);
      expect(await get("/ready")).toMatchObject({ status: 503, text: expect.stringContaining('"state": "failed"') });
      const pauses = [...logged().matchAll(/starting another in (\d+) ms/g)].map(([, ms]) => Number(ms));
      expect(pauses.slice(0, 3)).toEqual([100, 200, 400]);
      rmSync(file);
      await until(async () => (await get("/ready")).status === 200, "it has recovered");
      expect(await post("")).toMatchObject({ status: 200 });
    });

    test("(hang) does not hold up the end", async () => {
      const { post, workerPids, file, runtime } = await serveOn();
      writeFileSync(file, "hang");
      process.kill(workerPids()[0]!, "SIGKILL");
      await until(() => runtime.state === "loading", "another worker loads the script");
      const waiting = post("");
      await runtime.close(60_000);
      expect(await waiting).toMatchObject({ status: 503 });
    });
  });

  describe("the scoring deadline", () => {
    test("TMO-2, TMO-3: interrupts run() in time, and the worker lives on", async () => {
      const { post, workerPids } = await serve("sleeps", { SCORING_TIMEOUT_MS: "300" });
      const startedAt = performance.now();
      const answer = await post("3600");
      expect(performance.now() - startedAt).toBeLessThan(DEADLINE_MS);
      expect(answer).toMatchObject({ status: 500, text: expect.stringContaining("Scoring timeout after 300 ms") });
      expect(Number((await post("0")).text)).toBe(workerPids()[0]);
      expect(workerPids()).toHaveLength(1);
    });

    test.for(["native", "swallow"])(
      "TMO-3: ends a worker whose run() (%s) does not come back, and nobody else's request",
      async (how) => {
        const { post, logged, workerPids } = await serve("never_returns", { SCORING_TIMEOUT_MS: "300" });
        const late = post(how);
        const others = await Promise.all([post(""), post(""), post("")]);
        expect(await late).toMatchObject({
          status: 500,
          text: expect.stringContaining("Scoring timeout after 300 ms"),
        });
        const [first, second] = workerPids();
        expect(others.map(({ status, text }) => [status, Number(text)])).toEqual(Array(3).fill([200, second]));
        expect(logged()).toContain(
          `Worker process ${first} was killed by SIGKILL because its run() did not come back after its deadline`,
        );
      },
    );
  });

  describe("a client that leaves", () => {
    test("while its request waits: run() is not called", async () => {
      const { post } = await serve("waits_for_file");
      const [running, waiting] = (await gates(2)) as [Gate, Gate];
      const first = post(running.path);
      await running.begun();
      const client = new AbortController();
      const left = post(waiting.path, { signal: client.signal });
      const last = post("");
      client.abort();
      await left;
      await running.open();
      expect(await first).toMatchObject({ status: 200 });
      expect(await last).toMatchObject({ status: 200 });
      expect(existsSync(`${waiting.path}.begun`)).toBe(false);
    });

    test("while run() works: it is interrupted, and the worker lives on", async () => {
      const { post, workerPids } = await serve("sleeps");
      const client = new AbortController();
      const left = post("60", { signal: client.signal });
      const next = post("0");
      client.abort();
      await left;
      expect(Number((await next).text)).toBe(workerPids()[0]);
    });
  });

  describe("a queue", () => {
    test("that is full turns requests away, and loses none of the others", async () => {
      const { post } = await serve("waits_for_file", { SCOREFN_MAX_QUEUE: "1" });
      const [gate] = (await gates(1)) as [Gate];
      const running = post(gate.path);
      await gate.begun();
      const waiting = post("");
      expectTurnedAway(await post(""), "1 requests are waiting already; try again later.");
      await gate.open();
      expect(await running).toMatchObject({ status: 200 });
      expect(await waiting).toMatchObject({ status: 200 });
    });

    test("that does not move turns away who has waited for too long", async () => {
      const { post } = await serve("waits_for_file", { SCOREFN_QUEUE_TIMEOUT_MS: "100" });
      const [gate] = (await gates(1)) as [Gate];
      const running = post(gate.path);
      await gate.begun();
      expectTurnedAway(await post(""), "No worker was free within 100 ms; try again later.");
      await gate.open();
      expect(await running).toMatchObject({ status: 200 });
    });
  });

  describe("probes", () => {
    test("RT-10: are answered while every worker scores", async () => {
      const { post, get } = await serve("waits_for_file", { WORKER_COUNT: "2" });
      const [one, two] = (await gates(2)) as [Gate, Gate];
      const running = [post(one.path), post(two.path)];
      await Promise.all([one.begun(), two.begun()]);
      expect(await get("/")).toMatchObject({ status: 200, text: "Healthy" });
      expect(await get("/ready")).toMatchObject({ status: 200, text: '{"state": "busy"}' });
      await one.open();
      await running[0];
      expect(await get("/ready")).toMatchObject({ status: 200, text: '{"state": "ready"}' });
      await two.open();
      await running[1];
    });

    test("while the script loads, requests of every method wait with the same bounds", async () => {
      const [gate] = (await gates(1)) as [Gate];
      const env = { TEST_GATE: gate.path, SCOREFN_MAX_QUEUE: "3", SCOREFN_QUEUE_TIMEOUT_MS: "60000" };
      const service = createService(scriptFile("init_waits_for_file", language), env);
      onTestFinished(service.close);
      const { scorer, runtime, post, get } = service;
      const started = runtime.start();
      const client = new AbortController();
      const left = get("/score", { signal: client.signal });
      const waiting = [post("one"), get("/swagger.json")];
      const head = { method: "HEAD", path: "/score", query: "", headers: {}, body: Buffer.alloc(0) };
      expectTurnedAway(await get("/score"), "3 requests are waiting already; try again later.");
      expect(await scorer.handle(head)).toMatchObject({ status: 503 });
      // Who leaves makes room.
      client.abort();
      await left;
      const later = get("/score");
      await gate.open();
      await started;
      expect((await Promise.all([...waiting, later])).map(({ status }) => status)).toEqual([200, 200, 200]);
    });

    test("while the script loads, nobody waits longer than the queue lets them", async () => {
      const [gate] = (await gates(1)) as [Gate];
      const env = { TEST_GATE: gate.path, SCOREFN_QUEUE_TIMEOUT_MS: "100" };
      const service = createService(scriptFile("init_waits_for_file", language), env);
      onTestFinished(service.close);
      const started = service.runtime.start();
      for (const answer of await Promise.all([service.get("/score"), service.post(""), service.get("/swagger.json")])) {
        expectTurnedAway(answer, "No worker was free within 100 ms; try again later.");
      }
      await gate.open();
      await started;
      expect(await service.post("late")).toMatchObject({ status: 200 });
    });

    test("RT-10: are answered while init() runs; a request waits for it", async () => {
      const [gate] = (await gates(1)) as [Gate];
      const service = createService(scriptFile("init_waits_for_file", language), { TEST_GATE: gate.path });
      onTestFinished(service.close);
      const { runtime, post, get } = service;
      const started = runtime.start();
      expect(await get("/")).toMatchObject({ status: 200, text: "Healthy" });
      expect(await get("/ready")).toMatchObject({ status: 503, text: '{"state": "loading"}' });
      const early = post("early");
      await gate.open();
      expect(await early).toMatchObject({ status: 200, text: '"early"' });
      await started;
      expect(await get("/ready")).toMatchObject({ status: 200, text: '{"state": "ready"}' });
    });
  });

  test("requests behind a slow one go to another worker as soon as that is idle", async () => {
    const recall = vi.spyOn(Worker.prototype, "recall");
    const { post } = await serve("waits_for_file", { WORKER_COUNT: "2" });
    // Quick answers of both open their windows.
    for (let round = 0; round < 20; round++) await Promise.all([post(""), post("")]);
    const [slow, short] = (await gates(2)) as [Gate, Gate];
    const slowAnswer = post(slow.path);
    await slow.begun();
    const shortAnswer = post(short.path);
    await short.begun();
    const behind = Array.from({ length: 8 }, () => post(""));
    await short.open();

    const helper = (await shortAnswer).text;
    expect((await Promise.all(behind)).map(({ text }) => text)).toEqual(Array(8).fill(helper));
    expect(recall).toHaveBeenCalled();
    await slow.open();
    expect((await slowAnswer).text).not.toBe(helper);
  });

  test("requests behind a call that nothing can get through to go to another worker", async () => {
    const { post, workerPids } = await serve("holds_lock", { WORKER_COUNT: "2" });
    for (let round = 0; round < 20; round++) await Promise.all([post(""), post("")]);
    let held = true;
    const client = new AbortController();
    const holding = post("hold", { signal: client.signal }).finally(() => {
      held = false;
    });
    const quick = await Promise.all(Array.from({ length: 24 }, () => post("")));
    expect(held).toBe(true);
    expect(new Set(quick.map(({ status }) => status))).toEqual(new Set([200]));
    // And what comes later does not get stuck either.
    const later = await Promise.all(Array.from({ length: 24 }, () => post("")));
    expect(new Set(later.map(({ text }) => text)).size).toBe(1);
    expect(workerPids()).toHaveLength(2);
    client.abort();
    await holding;
  });

  test("that was closed before it was started starts nothing any more", async () => {
    const { runtime, logged } = createService("echo.ts");
    await runtime.close(0);
    await expect(runtime.start()).rejects.toMatchObject({ code: "ERR_STOPPING" });
    await expect(runtime.whenLoaded!(0)).rejects.toMatchObject({ code: "ERR_STOPPING" });
    expect(runtime.load?.pids).toEqual([]);
    expect(logged()).not.toContain("Initializing logger");
  });

  test("finishes what runs and what waits when it is closed, and takes nothing new", async () => {
    const service = await serve("waits_for_file");
    const [gate] = (await gates(1)) as [Gate];
    const running = service.post(gate.path);
    await gate.begun();
    const waiting = service.post("");
    const closed = service.runtime.close(10_000);
    expectTurnedAway(await service.post(""), "The server is stopping.");
    expect(await service.get("/ready")).toMatchObject({ status: 503, text: '{"state": "stopping"}' });
    await gate.open();
    expect(await running).toMatchObject({ status: 200 });
    expect(await waiting).toMatchObject({ status: 200 });
    await closed;
    const [pid] = service.workerPids();
    await until(() => !isAlive(pid!), "the worker has ended");
  });
});

function expectTurnedAway(answer: Answer, message: string): void {
  expect(answer).toMatchObject({ status: 503, text: JSON.stringify({ message }).replace(":", ": ") });
  expect(headerOf(answer.headers, "Retry-After")).toBe("1");
  expect(headerOf(answer.headers, "x-ms-run-function-failed")).toBe("False");
}

/** Kills one of the workers that have not been killed yet. */
function killOne(pids: readonly number[], killed: Set<number>): void {
  const pid = pids.filter((candidate) => !killed.has(candidate)).at(killed.size % 2);
  if (pid === undefined) return;
  killed.add(pid);
  process.kill(pid, "SIGKILL");
}
