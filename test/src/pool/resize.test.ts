// A pool that gets more and fewer workers while it serves; the random walks of `model/` do so in any order of events.
import { readFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { DeadlineError } from "../../../src/host.ts";
import {
  createGate,
  createService,
  type Gate,
  isAlive,
  type Language,
  type Service,
  scriptFile,
  temporaryFolder,
  until,
} from "../../setup/service.ts";

async function gates(count: number): Promise<Gate[]> {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  return Array.from({ length: count }, (_, index) => createGate(folder, `gate-${index}`));
}

/** Not started. */
function create(script: string, workers: number, env: Readonly<Record<string, string>> = {}): Service {
  const service = createService(script, { WORKER_COUNT: String(workers), ...env });
  onTestFinished(service.close);
  return service;
}

async function serve(script: string, workers: number, env?: Readonly<Record<string, string>>): Promise<Service> {
  const service = create(script, workers, env);
  await service.runtime.start();
  return service;
}

const pidsOf = ({ runtime }: Service): readonly number[] => runtime.load!.pids;

describe.each<Language>(["python", "typescript"])("resize() of %s workers", (language) => {
  test("gives what waits to a new worker, and lets one that goes finish what it runs", async () => {
    const [one, two] = await gates(2);
    const service = await serve(scriptFile("waits_for_file", language), 1);
    const first = service.post(one!.path);
    await one!.begun();
    const second = service.post(two!.path);
    service.runtime.resize!(2);
    await two!.begun();

    service.runtime.resize!(1);
    await two!.open();
    const { text } = await second;
    await until(() => pidsOf(service).length === 1, "one worker has gone");
    // Either was busy; the one that went has answered first.
    await one!.open();
    const answers = [Number(text), Number((await first).text)];
    expect(new Set(answers).size).toBe(2);
    expect(answers).toContain(pidsOf(service)[0]);
    expect(answers.filter(isAlive)).toEqual(pidsOf(service));
    expect(Number((await service.post("")).text)).toBe(pidsOf(service)[0]);
    expect(service.logged()).not.toContain("starting another");
  });

  test("to none lets requests wait until there is a worker again", async () => {
    const service = await serve(scriptFile("waits_for_file", language), 2);
    service.runtime.resize!(0);
    await until(() => pidsOf(service).length === 0, "all workers have gone");
    const answer = service.post("");
    expect(service.runtime.load).toMatchObject({ waiting: 1 });
    expect((await service.get("/")).status).toBe(200);
    service.runtime.resize!(1);
    expect((await answer).status).toBe(200);
    expect(service.workerPids()).toHaveLength(3);
  });
});

test("resize() before and during a start decides for how many workers it waits", async () => {
  const [gate] = await gates(1);
  const service = create("init_waits_for_file.py", 1, { TEST_GATE: gate!.path });
  service.runtime.resize!(3);
  const started = service.runtime.start();
  expect(service.runtime.load!.workers.starting).toBe(3);
  service.runtime.resize!(0);
  await until(() => pidsOf(service).length === 0, "those that were starting have gone");
  service.runtime.resize!(2);
  await gate!.open();
  await started;
  expect(service.runtime.load!.workers).toMatchObject({ idle: 2, starting: 0, dead: 0 });
  expect(service.workerPids()).toHaveLength(2);
});

describe.skipIf(process.platform === "win32")("resize() with a preload process", () => {
  test("forks more workers; with none it ends, too, and comes again", async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const notes = folder.file("notes");
    const service = await serve("preloaded.py", 1, { WORKER_PRELOAD: "true", NOTES: notes });
    const initialised = (): number[] => readFileSync(notes, "utf8").trim().split("\n").map(Number);
    const ask = async () => JSON.parse((await service.post("")).text) as { loaded: number; run: number };
    service.runtime.resize!(3);
    await until(() => service.runtime.load!.workers.idle === 3, "three workers are there");
    expect(initialised()).toHaveLength(1);

    const { loaded } = await ask();
    service.runtime.resize!(0);
    await until(() => !isAlive(loaded), "the preload process has gone");
    // Asked for while the last one may still be ending.
    service.runtime.resize!(2);
    service.runtime.resize!(0);
    service.runtime.resize!(1);
    const after = await ask();
    expect(after.loaded).not.toBe(loaded);
    expect(pidsOf(service)).toEqual([after.run]);
    expect(service.logged()).not.toContain("The preload process is gone");
  });
});

test("a request whose host has set it a limit costs no place, though its run() does not heed the interrupt", async () => {
  const [gate] = await gates(1);
  const service = await serve("swallows_interrupts.py", 1);
  const [pid] = pidsOf(service);
  const abort = new AbortController();
  const answer = service.post(gate!.path, { signal: abort.signal });
  await gate!.begun();
  abort.abort(new DeadlineError(100));
  expect((await answer).status).toBe(504);
  const next = await service.post("");
  expect(next.status).toBe(200);
  expect(Number(next.text)).not.toBe(pid);
  expect(service.logged()).toMatch(/killed by SIGKILL because its run\(\) did not come back after its deadline/);
});

describe("silentWorkers()", () => {
  test("finds those that have nothing to do and do not react, and no busy ones", async () => {
    const [gate] = await gates(1);
    const service = await serve("waits_for_file.py", 2);
    expect(await service.runtime.silentWorkers!(10_000, 60_000)).toEqual([]);
    const busy = service.post(gate!.path);
    await gate!.begun();
    const idle = pidsOf(service).find((pid) => service.runtime.load!.pids.includes(pid) && !isBusy(service, pid));
    process.kill(idle!, "SIGSTOP");
    const silent = await service.runtime.silentWorkers!(200, 60_000);
    expect(silent.map(({ pid }) => pid)).toEqual([idle]);
    silent[0]!.kill("it did not answer");
    await until(
      () => service.logged().includes(`Worker process ${idle} was killed by SIGKILL because it did not answer`),
      "it is replaced",
    );
    await gate!.open();
    expect((await busy).status).toBe(200);
  });
});

/** The first place takes what comes first. */
function isBusy(service: Service, pid: number): boolean {
  return pidsOf(service)[0] === pid;
}

test("a worker that dies at the last it had to do is told of, though no other takes its place", async () => {
  const [gate] = await gates(1);
  const service = await serve("waits_for_file.py", 2);
  const runs = service.post(gate!.path);
  await gate!.begun();
  service.runtime.resize!(0);
  await until(() => pidsOf(service).length === 1, "the idle one has gone");
  const [pid] = pidsOf(service);
  process.kill(pid!, "SIGKILL");
  expect((await runs).status).toBe(500);
  await until(() => pidsOf(service).length === 0, "it has gone");
  expect(service.logged()).toMatch(/was killed by SIGKILL\.\n/);
  expect(service.logged()).not.toContain("starting another");
});
