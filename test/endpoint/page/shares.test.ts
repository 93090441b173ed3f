import fc from "fast-check";
import { expect, test } from "vitest";
// @ts-expect-error: a file of the page, whose types are checked with a browser's
import * as page from "../../../endpoint/page/static/shares.js";

type Shares = Readonly<Record<string, number>>;
const withShare: (shares: Shares, name: string, wanted: number, shadow?: string) => Shares = page.withShare;

test.each<[before: Shares, name: string, wanted: number, after: Shares, shadow?: string]>([
  [{ blue: 100, green: 0 }, "green", 10, { blue: 90, green: 10 }],
  [{ blue: 100, green: 0 }, "blue", 90, { blue: 90, green: 10 }],
  [{ blue: 60, green: 30, red: 10 }, "blue", 20, { blue: 20, green: 60, red: 20 }],
  [{ blue: 50, green: 50, red: 0 }, "blue", 100, { blue: 100, green: 0, red: 0 }],
  [{ blue: 0, green: 0, red: 0 }, "blue", 40, { blue: 40, green: 60, red: 0 }],
  [{ blue: 100, green: 0, red: 0 }, "blue", 40, { blue: 40, green: 0, red: 60 }, "green"],
  [{ blue: 100, green: 0 }, "blue", 40, { blue: 40, green: 60 }, "green"],
  [{ blue: 100 }, "blue", 30, { blue: 0 }],
  [{ blue: 0 }, "blue", 70, { blue: 100 }],
  [{ blue: 100, green: 0 }, "green", Number.NaN, { blue: 100, green: 0 }],
  [{ blue: 34, green: 33, red: 33 }, "blue", 33, { blue: 33, green: 34, red: 33 }],
])("%j, %s to %j: %j", (before, name, wanted, after, shadow) => {
  expect(withShare(before, name, wanted, shadow)).toEqual(after);
});

test("whatever is moved, whole shares add up to 100, and what was moved is where it was moved to", () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 6 });
  const moves = fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 0, max: 100 })), { maxLength: 30 });
  fc.assert(
    fc.property(names, moves, (deployments, list) => {
      let shares: Shares = Object.fromEntries(deployments.map((name, index) => [name, index === 0 ? 100 : 0]));
      for (const [place, wanted] of list) {
        const name = deployments[place % deployments.length]!;
        shares = withShare(shares, name, wanted);
        expect(shares[name]).toBe(wanted);
        expect(Object.keys(shares).sort()).toEqual([...deployments].sort());
        const parts = Object.values(shares);
        expect(parts.every((part) => Number.isInteger(part) && part >= 0)).toBe(true);
        expect(parts.reduce((total, part) => total + part, 0)).toBe(100);
      }
    }),
  );
});
