import fc from "fast-check";
import { expect, test } from "vitest";
import { readIgnorePaths } from "../../../endpoint/mirror/ignore-paths.ts";

function ignores(paths: readonly string[], way: readonly (string | number)[]): boolean {
  const ignore = readIgnorePaths(paths);
  let states = ignore.start;
  for (const step of way) states = states && ignore.next(states, step);
  return states === undefined;
}

test.each<[path: string, way: (string | number)[], isIgnored: boolean]>([
  ["$", [], true],
  ["$.a", ["a"], true],
  ["$.a", ["a", "below", 3], true],
  ["$.a", ["b"], false],
  ["$.a", ["b", "a"], false],
  ["$.a", [], false],
  ["$.a[*].b", ["a", 7, "b"], true],
  ["$.a[*].b", ["a", 7, "c"], false],
  ["$.a[2]", ["a", 2], true],
  ["$.a[2]", ["a", "2"], false],
  ["$.*.id", ["x", "id"], true],
  ["$['a b'].c", ["a b", "c"], true],
  [`$["it's"]`, ["it's"], true],
  [`$['it\\'s']`, ["it's"], true],
  ["$.größe", ["größe"], true],
  ["$.x-y", ["x-y"], true],
  ["$..id", ["id"], true],
  ["$..id", ["a", 0, "b", "id"], true],
  ["$..id", ["a", 0, "b", "it"], false],
  ["$..a.b", ["a", "a", "b"], true],
  ["$..['a b']", [1, "a b"], true],
  ["$..[*].id", ["r", 4, "id"], true],
  ["$.__proto__", ["__proto__"], true],
])("%s and %j: %j", (path, way, isIgnored) => {
  expect(ignores([path], way)).toBe(isIgnored);
  expect(ignores(["$.nothing.like.it", path, path], way)).toBe(isIgnored);
});

test.each(["", "a", ".a", "$a", "$.", "$.a.", "$[", "$[a]", "$['a]", "$[-1]", "$[?(@.a)]", "$.a[1:2]", "$ .a", "$.1a"])(
  "%j is no path",
  (path) => {
    expect(() => readIgnorePaths([path])).toThrow(/is no path to ignore/);
  },
);

test("a way in brackets is found by its own path, and by no shorter way", () => {
  const way = fc.array(fc.oneof(fc.string(), fc.nat(1_000)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(way, (steps) => {
      const path = `$${steps.map((step) => (typeof step === "number" ? `[${step}]` : `['${step.replace(/['\\]/g, "\\$&")}']`)).join("")}`;
      // A line end stands in no path.
      fc.pre(!/[\n\r\u2028\u2029]/.test(path));
      expect(ignores([path], steps)).toBe(true);
      expect(ignores([path], steps.slice(0, -1))).toBe(false);
      expect(ignores(["$..*"], steps)).toBe(true);
    }),
  );
});
