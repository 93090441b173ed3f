import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Slot } from "../../../src/pool/slot.ts";
import { StoppedWatch } from "../../../src/pool/stopped-watch.ts";
import type { Worker } from "../../../src/pool/worker.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const noteChildren = (): void => {};

function die(slot: Slot, answered?: number): number {
  if (answered !== undefined) slot.ready({ answered } as Worker);
  slot.clear();
  return slot.pauseMs;
}

describe("the pause before the next start", () => {
  test("grows while processes die before they are ready, up to half a minute", () => {
    const slot = new Slot();
    expect(die(slot, 1)).toBe(0);
    expect(Array.from({ length: 11 }, () => die(slot))).toEqual([
      100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000,
    ]);
  });

  test("grows while they die without having answered anything", () => {
    const slot = new Slot();
    expect([die(slot, 0), die(slot, 0), die(slot, 0)]).toEqual([100, 200, 400]);
  });

  test("begins anew after one that has answered, or has lived for a while", () => {
    const slot = new Slot();
    expect([die(slot, 0), die(slot, 0), die(slot, 3), die(slot, 0)]).toEqual([100, 200, 0, 100]);
    slot.ready({ answered: 0 } as Worker);
    vi.advanceTimersByTime(10_000);
    slot.clear();
    expect(slot.pauseMs).toBe(0);
  });
});

describe("a stopped process", () => {
  test("is ended when it was found stopped three times in a row", () => {
    const kill = vi.fn();
    const states = new Map([[7, "S"]]);
    const watch = new StoppedWatch(
      () => [
        { pid: 7, kill, noteChildren },
        { pid: undefined, kill, noteChildren },
      ],
      (pid) => states.get(pid),
    );
    watch.start();
    states.set(7, "T");
    vi.advanceTimersByTime(4_000);
    states.set(7, "S");
    vi.advanceTimersByTime(2_000);
    states.set(7, "T");
    vi.advanceTimersByTime(4_000);
    expect(kill).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2_000);
    expect(kill).toHaveBeenCalledOnce();
    watch.stop();
    vi.advanceTimersByTime(60_000);
    expect(kill).toHaveBeenCalledOnce();
  });

  test("at a debugger's breakpoint (state t) is left alone, and so is one of unknown state", () => {
    const kill = vi.fn();
    const watch = new StoppedWatch(
      () => [
        { pid: 7, kill, noteChildren },
        { pid: 8, kill, noteChildren },
      ],
      (pid) => (pid === 7 ? "t" : undefined),
    );
    for (let look = 0; look < 10; look++) watch.look();
    expect(kill).not.toHaveBeenCalled();
  });
});
