import { rmSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Demand, Scaling } from "../../../endpoint/deployment/scaling.ts";
import type { ScaleSettings } from "../../../endpoint/types.ts";
import { isAlive, temporaryFolder, until } from "../../setup/service.ts";
import { assetsOf, deploy, gates, PROBE, specOf } from "./deploy.ts";

type Settings = Extract<ScaleSettings, { readonly type: "target_utilization" }>;

function settings(more: Partial<Settings> = {}): Settings {
  return {
    type: "target_utilization",
    minInstances: 1,
    maxInstances: 5,
    targetUtilizationPercentage: 70,
    pollingInterval: 1,
    ...more,
  };
}

describe("how many instances there are to be", () => {
  const DOWN_MS = 60_000;
  const IDLE_MS = 300_000;

  /** @returns asks at the next second */
  function follow(scaling: Scaling, instances = 1) {
    let now = 0;
    let accepted = 0;
    let there = instances;
    return (inFlight: number, seconds = 1): number => {
      for (let second = 0; second < seconds; second++) {
        now += 1_000;
        accepted += inFlight;
        there = scaling.next({ now, inFlight, accepted, instances: there });
      }
      return there;
    };
  }

  test("is what brings the utilisation to the target, at once upwards", () => {
    const ask = follow(new Scaling(settings(), 2, DOWN_MS, IDLE_MS));
    expect([ask(1), ask(2), ask(3), ask(5), ask(100)]).toEqual([1, 2, 3, 4, 5]);
  });

  test("is the most that was wanted for a minute, downwards", () => {
    const ask = follow(new Scaling(settings(), 1, DOWN_MS, IDLE_MS));
    expect(ask(3)).toBe(5);
    expect(ask(0, 30)).toBe(5);
    expect(ask(1, 1)).toBe(5);
    expect(ask(0, 28)).toBe(5);
    // The last minute has seen one request, which wants two instances.
    expect(ask(0)).toBe(2);
    expect(ask(0, 29)).toBe(2);
    expect(ask(0, 2)).toBe(1);
    expect(ask(0, 1_000)).toBe(1);
  });

  test("is none with min_instances 0 when nobody has asked for five minutes, quick requests included", () => {
    const scaling = new Scaling(settings({ minInstances: 0 }), 1, DOWN_MS, IDLE_MS);
    const demand = (now: number, accepted: number): Demand => ({ now, inFlight: 0, accepted, instances: 1 });
    expect(scaling.next(demand(0, 0))).toBe(1);
    expect(scaling.next(demand(IDLE_MS - 1, 1))).toBe(1);
    expect(scaling.next(demand(2 * IDLE_MS - 2, 1))).toBe(1);
    expect(scaling.next(demand(2 * IDLE_MS - 1, 1))).toBe(0);
    expect(scaling.next({ ...demand(2 * IDLE_MS, 1), instances: 0 })).toBe(0);
  });

  test("keeps its bounds, and is enough for what is in flight, whatever comes", () => {
    const bounds = fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 8 }));
    const steps = fc.array(fc.record({ ms: fc.integer({ min: 1, max: 200_000 }), inFlight: fc.nat(50) }));
    fc.assert(
      fc.property(
        bounds,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 100 }),
        steps,
        ([least, more], perInstance, target, walk) => {
          const own = settings({
            minInstances: least,
            maxInstances: least + more,
            targetUtilizationPercentage: target,
          });
          const scaling = new Scaling(own, perInstance, DOWN_MS, IDLE_MS);
          let now = 0;
          let accepted = 0;
          let instances = Math.max(1, least);
          for (const { ms, inFlight } of walk) {
            now += ms;
            accepted += inFlight;
            const next = scaling.next({ now, inFlight, accepted, instances });
            expect(Number.isInteger(next)).toBe(true);
            expect(next).toBeGreaterThanOrEqual(least);
            expect(next).toBeLessThanOrEqual(least + more);
            const needed = Math.ceil((inFlight * 100) / (perInstance * target));
            expect(next).toBeGreaterThanOrEqual(Math.min(needed, least + more));
            if (inFlight > 0) expect(next).toBeGreaterThan(0);
            instances = next;
          }
        },
      ),
    );
  });
});

const QUICK = { pollingInterval: 0.02, minInstances: 1, maxInstances: 3 };

describe("target_utilization", () => {
  test("adds instances under load and retires them after it, and no request ends with them", async () => {
    const [first, ...more] = await gates(3);
    const spec = specOf("waits_for_file.ts", { scale: settings(QUICK) });
    const blue = await deploy(spec, assetsOf(), { scaleDownMs: 100 });
    expect(blue).toMatchObject({ instances: 1, capacity: 2 });
    const answers = [first!, ...more].map(({ path }) => blue.post(path));
    await until(() => blue.workers?.busy === 3, "each has an instance");
    expect(blue).toMatchObject({ instances: 3, capacity: 6, waiting: 0 });
    for (const gate of more) await gate.open();
    await Promise.all(answers.slice(1));
    await until(() => blue.instances < 3 && blue.workers!.busy + blue.workers!.idle < 3, "one has gone");
    await first!.open();
    expect((await answers[0]!).status).toBe(200);
    await until(() => blue.instances === 1, "the first is left");
    expect(blue.written()).toMatch(/Scaling from 1 to [23] instances: 3 requests in flight/);
    expect((await blue.post("")).status).toBe(200);
    // An update goes on with as many as there are.
    await blue.update(spec, assetsOf());
    expect(blue.instances).toBe(1);
  });

  test("with min_instances 0 ends all workers, and a request wakes it, whatever max_queue_wait_ms", async () => {
    const scale = settings({ ...QUICK, minInstances: 0 });
    const spec = specOf("waits_for_file.py", { scale, kind: "kubernetes", maxQueueWaitMs: 1 });
    const blue = await deploy(spec, assetsOf(), { idleMs: 100 });
    expect(blue.instances).toBe(1);
    const pid = Number((await blue.post("")).text);
    await until(() => !isAlive(pid), "nobody asks");
    expect(blue).toMatchObject({ instances: 0, isReady: true, capacity: 2, state: "Succeeded" });
    const answers = await Promise.all([blue.post(""), blue.get("/")]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(Number(answers[0]!.text)).not.toBe(pid);
    await until(() => blue.instances === 0, "it sleeps again");
    // A client that does not wait for it gets its answer at once.
    const abort = new AbortController();
    const left = blue.post("", { signal: abort.signal });
    abort.abort();
    expect((await left).errorCode).toBe("ERR_CLIENT_GONE");
  });

  test("is ready while it wakes, however long that takes", async () => {
    const [gate] = await gates(1);
    await gate!.open();
    const probe = { ...PROBE, period: 0.005, failureThreshold: 1 };
    const scale = settings({ ...QUICK, minInstances: 0 });
    const spec = specOf("init_waits_for_file.py", { scale, readinessProbe: probe });
    const blue = await deploy(spec, assetsOf({ TEST_GATE: gate!.path }), { idleMs: 100 });
    await until(() => blue.instances === 0, "it sleeps");
    rmSync(gate!.path);
    const answer = blue.post("1");
    await until(() => blue.instances === 1, "it wakes");
    // As often as the probe asks, and once more.
    let asked = 0;
    const alongside = setInterval(() => asked++, 5);
    onTestFinished(() => clearInterval(alongside));
    await until(() => asked > 3, "the probe has asked");
    expect(blue.whyNotReady).toBeNull();
    await gate!.open();
    expect((await answer).status).toBe(200);
  });

  test("that cannot wake tells why, and wakes when it can", async () => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const file = folder.file("what");
    const scale = settings({ ...QUICK, minInstances: 0 });
    const blue = await deploy(specOf("init_fails_while_file.py", { scale }), assetsOf({ TEST_FILE: file }), {
      idleMs: 100,
    });
    await until(() => blue.instances === 0, "it sleeps");
    writeFileSync(file, "raise");
    expect(await blue.post("")).toMatchObject({ status: 503, errorCode: "ERR_SCRIPT_INIT" });
    await folder.remove();
    await until(async () => (await blue.post("")).status === 200, "it has woken");
  });
});
