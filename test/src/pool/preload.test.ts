// Contract PROC-2: the script is loaded and initialised once, and the workers are forked off the process that did it.
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type Answer, createService, isAlive, type Service, temporaryFolder, until } from "../../setup/service.ts";

interface Preloaded extends Service {
  /** Processes that have run init(), in order. */
  initialised(): number[];
  /** What run() says of its process. */
  ask(): Promise<{ loaded: number; initialised: number; run: number; same_loop?: boolean }>;
}

async function prepare(script: string, env: Readonly<Record<string, string>> = {}): Promise<Preloaded> {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const notes = folder.file("notes");
  const service = createService(script, { WORKER_PRELOAD: "True", NOTES: notes, ...env });
  onTestFinished(service.close);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  onTestFinished(() => void vi.restoreAllMocks());
  return {
    ...service,
    initialised: () => readFileSync(notes, "utf8").trim().split("\n").map(Number),
    ask: async () => JSON.parse((await service.post("")).text),
  };
}

async function start(script = "preloaded.py", env: Readonly<Record<string, string>> = {}): Promise<Preloaded> {
  const service = await prepare(script, env);
  await service.runtime.start();
  return service;
}

/** How the worker died, as its client is told. */
function endOf(answer: Answer): string {
  return JSON.parse(answer.text).error.message;
}

describe.skipIf(process.platform === "win32")("PROC-2: with WORKER_PRELOAD=true", () => {
  test("init() runs once, in the process the log calls ready, and that is not one of the workers", async () => {
    const { ask, initialised, workerPids, logged } = await start("preloaded.py", {
      WORKER_COUNT: "3",
      AZUREML_LOG_LEVEL: "INFO",
    });
    const [preload] = initialised();
    expect(initialised()).toHaveLength(1);
    // BAN-8: the whole sequence once.
    expect(workerPids()).toEqual([preload]);
    expect(logged().match(/Initializing logger/g)).toHaveLength(1);
    const answers = await Promise.all(Array.from({ length: 30 }, ask));
    const workers = new Set(answers.map(({ run }) => run));
    expect(workers).not.toContain(preload);
    for (const { loaded, initialised: by } of answers) expect([loaded, by]).toEqual([preload, preload]);
  });

  test.for([
    ["kill", "was killed by SIGKILL"],
    ["segfault", "was killed by SIGSEGV"],
  ] as const)("a worker that dies by %s is replaced by another fork", async ([how, end]) => {
    const { ask, post, initialised } = await start("preloaded.py", { SCOREFN_ERROR_DETAIL: "full" });
    const { run } = await ask();
    const died = await post(how);
    expect(died.status).toBe(500);
    expect(endOf(died)).toBe(`worker process ${run} ${end}`);
    if (how === "segfault") expect(died.text).toContain("Fatal Python error: Segmentation fault");
    const next = await ask();
    expect(next.run).not.toBe(run);
    expect(next.loaded).toBe(initialised()[0]);
    expect(initialised()).toHaveLength(1);
  });

  test("when the preload process dies its workers go on, and the next worker starts another", async () => {
    const { ask, post, initialised, logged } = await start();
    const before = await ask();
    process.kill(before.loaded, "SIGKILL");
    await until(() => logged().includes("The preload process is gone"), "its end has been noticed");
    expect(await ask()).toEqual(before);
    const died = await post("kill");
    expect(died.status).toBe(500);
    const after = await ask();
    expect(after.loaded).not.toBe(before.loaded);
    expect(initialised()).toEqual([before.loaded, after.loaded]);
  });

  test("a worker serves only once it is known which process it is, so it goes on whenever the preload process dies", async () => {
    const { ask, workerPids, logged, initialised } = await start("preloaded_slow_parent.py");
    const before = await ask();
    process.kill(before.loaded, "SIGKILL");
    await until(() => logged().includes("The preload process is gone"), "its end has been noticed");
    expect(await ask()).toEqual(before);
    expect(initialised()).toEqual([before.loaded]);
    expect(workerPids()).toEqual([before.loaded]);
  });

  test("a worker's end is noticed while the preload process is stopped", async () => {
    const { ask, post, close, logged } = await start();
    const { loaded, run } = await ask();
    process.kill(loaded, "SIGSTOP");
    expect((await post("kill")).status).toBe(500);
    expect((await ask()).loaded).not.toBe(loaded);
    expect(logged()).toContain("had been stopped for more than 4 s");
    await close();
    await until(() => !isAlive(loaded) && !isAlive(run), "nothing is left");
  });

  test("a server stops while the preload process is stopped", async () => {
    const { ask, close } = await start("preloaded.py", { WORKER_COUNT: "2" });
    const { loaded, run } = await ask();
    process.kill(loaded, "SIGSTOP");
    await close();
    await until(() => !isAlive(loaded) && !isAlive(run), "nothing is left");
  });

  test("ERR-10: a forked worker is interrupted at the scoring deadline like any other", async () => {
    const { ask, post } = await start("preloaded.py", { SCORING_TIMEOUT_MS: "200" });
    const { run } = await ask();
    expect((await post("sleep")).status).toBe(500);
    expect((await ask()).run).toBe(run);
  });

  test("what the script itself forks is no worker", async () => {
    const { ask, post } = await start();
    const { run } = await ask();
    expect((await post("fork")).text).toBe("5");
    expect((await ask()).run).toBe(run);
  });

  test("an async init() runs in each worker, on the event loop of its run()", async () => {
    const { ask } = await start("preloaded_async.py");
    const { loaded, initialised, run, same_loop } = await ask();
    expect(initialised).toBe(run);
    expect(loaded).not.toBe(run);
    expect(same_loop).toBe(true);
  });

  test.for([
    ["broken/init_throws.py", "ScriptInitError"],
    ["broken/import_error.py", "ScriptLoadError"],
    ["broken/no_run.py", "ScriptShapeError"],
  ])("%s fails every worker at once, and is logged once", async ([script, name]) => {
    const { runtime, logged } = await prepare(script!, { WORKER_COUNT: "3", AZUREML_LOG_LEVEL: "INFO" });
    await expect(runtime.start()).rejects.toMatchObject({ name });
    expect(runtime.state).toBe("failed");
    expect(logged().match(/Initializing logger/g)).toHaveLength(1);
  });

  test("at the end nothing is left: no process, no socket", async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const { ask, close, runtime } = await prepare("preloaded.py");
    const sockets = folder.file("sockets");
    mkdirSync(sockets);
    vi.stubEnv("TMPDIR", sockets);
    onTestFinished(() => void vi.unstubAllEnvs());
    await runtime.start();
    // On Linux the socket is no file, so that a killed front leaves none either.
    expect(readdirSync(sockets)).toHaveLength(process.platform === "linux" ? 0 : 1);
    const { loaded, run } = await ask();
    await close();
    expect([isAlive(loaded), isAlive(run)]).toEqual([false, false]);
    expect(readdirSync(sockets)).toEqual([]);
  });

  test("for TypeScript it has no effect, which the log says", async () => {
    const { post, logged } = await start("echo.ts");
    expect((await post("x")).text).toBe('"x"');
    expect(logged()).toContain("WORKER_PRELOAD has no effect: Node cannot fork a process that runs.");
  });
});
