import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compilePythonPattern } from "../../../src/routes/cors-pattern.ts";

test.each([
  ["https://.*\\.x\\.com", "HTTPS://a.X.com", true],
  ["https://.*\\.x\\.com", "https://a.x.com.evil", true],
  ["https://.*\\.x\\.com$", "https://a.x.com.evil", false],
  ["x\\.com", "https://x.com", false],
  ["(a|b)", "b", true],
  ["a|b", "cb", false],
  ["[^]]+z", "abz", true],
  ["(?P<name>h)t", "ht", true],
  ["(?i)A(?i:b)(?:c)", "abc", true],
  ["\\Aa\\Z", "ab", false],
  ["xy{,2}$", "xyy", true],
])("%s is found at the start of %s: %s (CORS-3)", (expression, origin, matches) => {
  expect(compilePythonPattern(expression)?.test(origin)).toBe(matches);
});

test.each([
  ["*.x.com", "repeats nothing"],
  ["(a", "is not closed"],
  ["a)(b", "is not closed, but would be in a group"],
  ["[a", "is not closed"],
  ["[]", "is not closed either: the bracket stands for itself"],
  ["\\y", "is no escape of Python's"],
  ["(?<name>a)", "is JavaScript's way to name a group"],
  ["a\\", "ends too early"],
])("%s matches nothing: it %s (CORS-3)", (expression) => {
  expect(compilePythonPattern(expression)).toBeUndefined();
});

test("nothing is let in that Python would not let in (CORS-3)", () => {
  const pieces = [
    "a",
    "b",
    "://",
    ".",
    "*",
    "+",
    "?",
    "[",
    "]",
    "[^",
    "(",
    ")",
    "(?:",
    "(?P<n>",
    "(?P=n)",
    "(?i)",
  ].concat(
    ["(?i:", "|", "\\.", "\\d", "\\w", "\\b", "\\A", "\\Z", "\\y", "\\1", "{2}", "{,2}", "{1,}", "^", "$", "-", "(?="],
    ["(?!", "(?#c)", "\\", "(?<n>", "(?<=", "(?>", "{", "}", "a-z", "\\]", "\\S", "0"],
  );
  const expression = fc.array(fc.constantFrom(...pieces), { maxLength: 6 }).map((parts) => parts.join(""));
  const origin = fc.constantFrom("http://a.com", "a", "b", "ab", "aab", "", "]", "A-b", "{2}", "a0b");
  const cases = fc.sample(fc.tuple(expression, origin), 5000);
  const oracle = spawnSync("python3", ["-W", "ignore", "-c", ORACLE], {
    input: JSON.stringify(cases),
    encoding: "utf8",
  });
  expect(oracle.stderr).toBe("");
  const expected = JSON.parse(oracle.stdout) as boolean[];
  const ours = cases.map(([text, start]) => compilePythonPattern(text)?.test(start) === true);
  expect(cases.filter((_case, index) => ours[index] && !expected[index])).toEqual([]);
  // And next to nothing is kept out: what remains are possessive and atomic groups.
  const keptOut = cases.filter((_case, index) => expected[index] && !ours[index]);
  expect(keptOut.length).toBeLessThan(expected.filter(Boolean).length / 20);
});

const ORACLE = `
import json, re, sys
def match(expression, origin):
    try:
        return re.match(expression, origin, re.IGNORECASE) is not None
    except (re.error, OverflowError):
        return False
print(json.dumps([match(*case) for case in json.load(sys.stdin)]))
`;
