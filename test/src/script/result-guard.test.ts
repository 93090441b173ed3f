import { expect, test, vi } from "vitest";
import type { SchemaMarker } from "../../../src/authoring/marker.ts";
import { ResultError } from "../../../src/core/errors.ts";
import { outputCheck } from "../../../src/script/declared.ts";
import { ResultGuard } from "../../../src/script/result-guard.ts";

function guard(strict: boolean, check?: SchemaMarker["check"]) {
  const warn = vi.fn<(message: string) => void>();
  return { warn, body: new ResultGuard(strict, warn, outputCheck({ check })).body };
}

const STRICT = "With --strict it would be a 500.";
const NOT_FINITE = `run() returned NaN or Infinity; the client gets text that is not valid JSON. Replace such numbers, for example by null. ${STRICT}`;
const JSON_TEXT = `run() returned a string that holds JSON already; the client gets a string in quotes. Return the object or array itself, without JSON.stringify(). ${STRICT}`;
const MISMATCH = `run() returned what its output schema does not allow: a[0]: expected number; b. Correct the result, or the schema. ${STRICT}`;

test.each<[string, unknown, string]>([
  [NOT_FINITE, Number.NaN, "NaN"],
  [NOT_FINITE, { a: [1, Number.POSITIVE_INFINITY] }, '{"a": [1, Infinity]}'],
  [NOT_FINITE, { big: 1n, a: { b: Number.NEGATIVE_INFINITY } }, '{"big": 1, "a": {"b": -Infinity}}'],
  [JSON_TEXT, '{"a": 1}', '"{\\"a\\": 1}"'],
  [JSON_TEXT, " [1]\n", '" [1]\\n"'],
])("%s: %o is answered all the same, with one warning for the kind (OUT-1)", (warning, value, text) => {
  const { warn, body } = guard(false);
  expect([body(value), body(value)]).toEqual([text, text]);
  expect(warn.mock.calls).toEqual([[warning]]);
});

test("each kind has a warning of its own", () => {
  const { warn, body } = guard(false);
  void body('{"a": 1}');
  void body([Number.NaN]);
  void body("[]");
  expect(warn.mock.calls).toEqual([[JSON_TEXT], [NOT_FINITE]]);
});

test.each([[Number.NaN], ["[1]"], [{ a: Number.NaN }]])("strict, %o is an error every time", (value) => {
  const { warn, body } = guard(true);
  for (let count = 0; count < 2; count++) {
    expect(() => body(value)).toThrow(ResultError);
    expect(() => body(value)).toThrow(/(by null|without JSON\.stringify\(\))\.$/);
  }
  expect(warn).not.toHaveBeenCalled();
});

test.each([["hello"], ["{not json}"], ["[1] and more"], ["3"], ["null"], [null], [{ text: "[1]" }], [1n]])(
  "%o is nothing to warn of",
  (value) => {
    const { warn, body } = guard(false);
    void body(value);
    expect(warn).not.toHaveBeenCalled();
    expect(() => guard(true).body(value)).not.toThrow();
  },
);

test("a result that is not as declared is told of once, and not looked at again", () => {
  const check = vi.fn(() => [
    { path: ["a", 0], message: "expected number" },
    { path: [], message: "b" },
  ]);
  const { warn, body } = guard(false, check);
  expect([body([1]), body([2])]).toEqual(["[1]", "[2]"]);
  expect(warn.mock.calls).toEqual([[MISMATCH]]);
  expect(check).toHaveBeenCalledOnce();
});

test("a schema may take its time over a result", async () => {
  const check = async (value: unknown) => (value === 1 ? [] : [{ path: [], message: "b" }]);
  expect(await guard(true, check).body(1)).toBe("1");
  await expect(guard(true, check).body(2)).rejects.toThrow("does not allow: b");
});
