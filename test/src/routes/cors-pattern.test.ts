import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compileOriginPattern } from "../../../src/routes/cors-pattern.ts";

test.each([
  ["https://.*\\.x\\.com", "HTTPS://a.X.com", true],
  ["https://.*\\.x\\.com", "https://a.x.com.evil", true],
  ["https://.*\\.x\\.com$", "https://a.x.com.evil", false],
  ["x\\.com", "https://x.com", false],
  ["(a|b)", "b", true],
  ["a|b", "cb", false],
  ["(?i)A(?:b)", "ab", true],
  ["https://my\\-site\\.com(:\\d+)?$", "https://my-site.com:81", true],
  ["https:\\/\\/[a\\-z]+\\.com$", "https://a-z.com", true],
  ["https:\\/\\/[a\\-z]+\\.com$", "https://abc.com", false],
  ["http(?!s)", "https://a", false],
])("%s is found at the start of %s: %s (CORS-3)", (expression, origin, matches) => {
  expect(compileOriginPattern(expression)?.test(origin)).toBe(matches);
});

test.each([
  ["*.x.com", "repeats nothing"],
  ["(a", "is not closed"],
  ["a)(b", "is not closed, but would be in a group"],
  ["[a", "is not closed"],
  ["[]", "is not closed either: the bracket stands for itself"],
  ["\\y", "is no escape of Python's"],
  ["a\\Z", "is written $ in JavaScript"],
  ["(?P<name>a)", "is Python's way to name a group"],
  ["x{,2}", "is written x{0,2} in JavaScript"],
  ["[^]]+", "is written [^\\]]+ in JavaScript"],
  ["[^]", "is any character in JavaScript, and not closed in Python"],
  ["(a)\\1", "refers to a group"],
  ["a\\", "ends too early"],
])("%s matches nothing: it %s (CORS-3)", (expression) => {
  expect(compileOriginPattern(expression)).toBeUndefined();
});

test("nothing is let in that Python would not let in (CORS-3)", () => {
  // As people write them for origins, and what is wrong in either language.
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
    "|",
    "\\.",
    "\\-",
    "\\/",
    "\\d",
    "\\w",
  ].concat(
    [
      "\\b",
      "\\A",
      "\\Z",
      "\\y",
      "\\1",
      "{2}",
      "{,2}",
      "{1,}",
      "^",
      "$",
      "-",
      "(?=",
      "(?!",
      "(?i)",
      "(?P<n>",
      "(?#c)",
      "\\",
    ],
    ["(?>", "{", "}", "a-z", "\\]", "\\S", "0"],
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
  const ours = cases.map(([text, start]) => compileOriginPattern(text)?.test(start) === true);
  expect(cases.filter((_case, index) => ours[index] && !expected[index])).toEqual([]);
  // What is kept out is what JavaScript writes in another way.
  const keptOut = cases.filter((_case, index) => expected[index] && !ours[index]);
  expect(keptOut.filter(([text]) => !OTHERWISE.test(text))).toEqual([]);
});

/** Spelled in another way by the two, or possible only in Python (`\\a` is a bell there). */
const OTHERWISE = /\\a|\\[AZ1]|\(\?[iP#>]|\{,|\[\^?\]|[*+?}][+]|[\])}]|[{]|\(\?[=!].*\)[*+?{]|[\^$]|\\b/;

const ORACLE = `
import json, re, sys
def match(expression, origin):
    try:
        return re.match(expression, origin, re.IGNORECASE) is not None
    except (re.error, OverflowError):
        return False
print(json.dumps([match(*case) for case in json.load(sys.stdin)]))
`;
