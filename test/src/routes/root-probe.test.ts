// What GET / tells (contract RT-2, RT-20).
import { rm } from "node:fs/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  createGate,
  createService,
  type Language,
  type Service,
  scriptFile,
  temporaryFolder,
  until,
} from "../../setup/service.ts";

const HEALTHY = { status: 200, text: "Healthy" };
const LOADING = { status: 503, text: '{"state": "loading"}' };

/** A service whose init() waits for a gate. */
async function waiting(language: Language, rootProbe: string | undefined) {
  const folder = await temporaryFolder();
  onTestFinished(folder.remove);
  const gate = createGate(folder, "gate");
  const probe = rootProbe === undefined ? {} : { SCOREFN_ROOT_PROBE: rootProbe };
  const service = createService(scriptFile("init_waits_for_file", language), { TEST_GATE: gate.path, ...probe });
  onTestFinished(service.close);
  return { gate, service, started: service.runtime.start() };
}

function send({ scorer }: Service, method: string) {
  return scorer.handle({ method, path: "/", query: "", headers: {}, body: Buffer.alloc(0) });
}

describe.each<Language>(["python", "typescript"])("%s", (language) => {
  test("`ready` is 503 with the state until init() is done, then 200 for good", async () => {
    const { gate, service, started } = await waiting(language, "ready");
    const { get, runtime } = service;
    expect(await get("/")).toMatchObject(LOADING);
    expect(await get("/")).toMatchObject({
      headers: (await get("/ready")).headers.map(([name]) => [name, expect.any(String)]),
    });
    expect((await send(service, "HEAD")).status).toBe(503);
    expect((await send(service, "OPTIONS")).status).toBe(200);
    await gate.open();
    await started;
    expect(await get("/")).toMatchObject(HEALTHY);

    // Its replacement has to wait again.
    await rm(gate.path);
    process.kill(service.workerPids()[0]!, "SIGKILL");
    await until(() => runtime.state !== "ready", "the worker is gone");
    expect((await get("/ready")).status).toBe(503);
    expect(await get("/")).toMatchObject(HEALTHY);
    await gate.open();
    await until(() => runtime.state === "ready", "the next worker is ready");
    expect(await get("/")).toMatchObject(HEALTHY);
  });

  test("`ready` stays 200 though nobody asked before the worker died", async () => {
    const { gate, service, started } = await waiting(language, "ready");
    await gate.open();
    await started;
    await rm(gate.path);
    process.kill(service.workerPids()[0]!, "SIGKILL");
    await until(() => service.runtime.state !== "ready", "the worker is gone");
    expect(await service.get("/")).toMatchObject(HEALTHY);
    await gate.open();
  });

  test.each([undefined, "live"])("%s is 200 from the start", async (rootProbe) => {
    const { gate, service, started } = await waiting(language, rootProbe);
    expect(await service.get("/")).toMatchObject(HEALTHY);
    expect(await service.get("/ready")).toMatchObject(LOADING);
    await gate.open();
    await started;
    expect(await service.get("/")).toMatchObject(HEALTHY);
  });
});

test("`ready` names the reason when init() failed", async () => {
  const service = createService("broken/init_throws.py", {
    SCOREFN_ROOT_PROBE: "ready",
    SCOREFN_ERROR_DETAIL: "location",
  });
  onTestFinished(service.close);
  await expect(service.runtime.start()).rejects.toThrow();
  const root = await service.get("/");
  expect(root.status).toBe(503);
  expect(root.text).toBe((await service.get("/ready")).text);
  expect(JSON.parse(root.text)).toMatchObject({ state: "failed", error: { type: expect.any(String) } });
});
