import { describe, expect, test } from "vitest";
import { monotonicMs } from "../../../src/protocol/clock.ts";
import { isInTime, LEASE_MS, TICK_MS, toBeginBy } from "../../../src/protocol/messages.ts";

describe("the shared clock", () => {
  test("is that of process.hrtime()", () => {
    const hrtimeMs = (): number => Number(process.hrtime.bigint()) / 1e6;
    const before = hrtimeMs();
    const ours = monotonicMs();
    expect(ours).toBeGreaterThanOrEqual(before - 1e-3);
    expect(ours).toBeLessThanOrEqual(hrtimeMs() + 1e-3);
  });

  const WRAP_MS = 2 ** 24 * TICK_MS;

  test.each([0, 1, 4_711, 1e9, WRAP_MS - 500, WRAP_MS - 1, 3 * WRAP_MS + 17])(
    "%d: a lease is in time until it ends",
    (now) => {
      const beginBy = toBeginBy(now + LEASE_MS);
      expect(beginBy).toBeGreaterThan(0);
      expect(isInTime(beginBy, now)).toBe(true);
      expect(isInTime(beginBy, now + LEASE_MS - 3 * TICK_MS)).toBe(true);
      expect(isInTime(beginBy, now + LEASE_MS)).toBe(false);
      expect(isInTime(beginBy, now + 100 * LEASE_MS)).toBe(false);
      expect(isInTime(beginBy, now - 2 * TICK_MS)).toBe(false);
    },
  );
});
