// What counts as a leak, by figures that were made up.
import fc from "fast-check";
import { expect, test } from "vitest";
import { confirmed, growthOf, PARTS } from "../../check/growth.ts";
import type { Usage } from "../../check/types.ts";

const MB = 1024 * 1024;
const usage = (memory: number, files: number, pid = 1): Usage => ({ pids: [pid], residentBytes: memory, files });
const steps = (memory: number, files: number, from = 50 * MB): Usage[] =>
  Array.from({ length: PARTS + 1 }, (_, index) => usage(from + index * memory, 5 + index * files));

test("growth in every part of two rounds is a leak", () => {
  const [one, other] = [growthOf(steps(10 * MB, 20), 120)!, growthOf(steps(8 * MB, 15), 120)!];
  expect(confirmed(one, other)).toEqual({ hasMemoryLeak: true, hasFileLeak: true });
});

test("what stops in the second round is a cache", () => {
  const [one, other] = [growthOf(steps(10 * MB, 20), 120)!, growthOf(steps(0, 0), 120)!];
  expect(one).toMatchObject({ hasMemoryLeak: true, hasFileLeak: true });
  expect(confirmed(one, other)).toEqual({ hasMemoryLeak: false, hasFileLeak: false });
});

test("what goes up and down is none, however high it ends", () => {
  const figures = [0, 100, 90, 200, 190, 300, 290].map((memory) => usage(memory * MB, memory));
  expect(growthOf(figures, 120)).toMatchObject({ hasMemoryLeak: false, hasFileLeak: false });
});

test("a little is none, and a share of much is little", () => {
  expect(growthOf(steps(MB, 1), 120)).toMatchObject({ hasMemoryLeak: false, hasFileLeak: false });
  expect(growthOf(steps(10 * MB, 0, 5_000 * MB), 120)).toMatchObject({ hasMemoryLeak: false });
});

test("figures of other processes are not compared", () => {
  const figures = steps(10 * MB, 20).map((figure, index) => ({ ...figure, pids: [index < 3 ? 1 : 2] }));
  expect(growthOf(figures, 120)).toBeUndefined();
  expect(growthOf(steps(10 * MB, 20).slice(1), 120)).toBeUndefined();
});

test("whatever the figures, noise around one level is no leak", () => {
  const noise = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: PARTS + 1, maxLength: PARTS + 1 });
  fc.assert(
    fc.property(noise, (levels) => {
      const growth = growthOf(
        levels.map((level) => usage((100 + level) * MB, 10 + (level % 5))),
        120,
      )!;
      expect(growth).toMatchObject({ hasMemoryLeak: false, hasFileLeak: false });
    }),
  );
});
