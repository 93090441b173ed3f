import fc from "fast-check";
import { expect, test } from "vitest";
import { FailureCounts, ProbeCount, patienceOf } from "../../../endpoint/deployment/probes.ts";
import { PROBE } from "./deploy.ts";

test("a probe changes its mind after as many results in a row as it says (contract DP-21)", () => {
  const thresholds = fc.record({
    successThreshold: fc.integer({ min: 1, max: 4 }),
    failureThreshold: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(thresholds, fc.array(fc.boolean(), { maxLength: 40 }), fc.boolean(), (own, results, isUp) => {
      const count = new ProbeCount({ ...PROBE, ...own }, isUp);
      let expected = isUp;
      results.forEach((result, index) => {
        const needed = result ? own.successThreshold : own.failureThreshold;
        const last = results.slice(Math.max(0, index + 1 - needed), index + 1);
        const turns = result !== expected && last.length === needed && last.every((each) => each === result);
        expect(count.add(result)).toBe(turns);
        if (turns) expected = result;
        expect(count.isUp).toBe(expected);
      });
    }),
  );
});

test("failures count by who has failed, in a row", () => {
  const counts = new FailureCounts<number>({ ...PROBE, failureThreshold: 3 });
  expect(counts.add([1, 2])).toEqual([]);
  expect(counts.add([1])).toEqual([]);
  expect(counts.add([1, 2])).toEqual([1]);
  expect(counts.add([1, 2])).toEqual([]);
  expect(counts.add([1, 2])).toEqual([2]);
});

test("the defaults give a start five minutes", () => {
  expect(patienceOf(PROBE)).toBe(302);
});
