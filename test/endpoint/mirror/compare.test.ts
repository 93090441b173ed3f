import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Answer, type Comparison, compareAnswers } from "../../../endpoint/mirror/compare.ts";
import { readIgnorePaths } from "../../../endpoint/mirror/ignore-paths.ts";
import type { Tolerance } from "../../../endpoint/mirror/json-values.ts";
import { renderPythonJson } from "../../../src/json/python-json.ts";

const EXACT: Tolerance = { relative: 0, absolute: 0 };

function answer(body: string | Uint8Array | undefined, more: Partial<Answer> = {}): Answer {
  const kept = body === undefined ? undefined : Buffer.from(body as string);
  return { status: 200, contentType: "application/json", body: kept, isCutOff: false, ...more };
}

interface Given {
  readonly tolerance?: Tolerance;
  readonly ignore?: readonly string[];
}

function compare(live: Answer, shadow: Answer, { tolerance = EXACT, ignore = [] }: Given = {}): Comparison {
  const steps = compareAnswers(live, shadow, { tolerance, ignore: readIgnorePaths(ignore) });
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

function kinds(live: string | Uint8Array, shadow: string | Uint8Array, given?: Given): string[] {
  return compare(answer(live), answer(shadow), given).differences.map(({ kind }) => kind);
}

describe("bodies that are JSON", () => {
  test.each<[name: string, live: string, shadow: string, kinds: string[]]>([
    ["order of names", '{"a": 1, "b": 2}', '{"b":2,"a":1}', []],
    ["blanks", "[1, 2]", " [1,2]\n", []],
    ["a fraction of nothing", "[1]", "[1.0]", []],
    ["exponents", "[100]", "[1e2]", []],
    ["escapes", '["é"]', '["\\u00e9"]', []],
    ["minus nothing", "[0.0]", "[-0.0]", []],
    ["NaN", "[NaN, Infinity, -Infinity]", "[NaN,Infinity,-Infinity]", []],
    ["NaN beside 1", "[NaN]", "[1]", ["body $[*]: number"]],
    ["Infinity beside its opposite", "[Infinity]", "[-Infinity]", ["body $[*]: number"]],
    ["a number", '{"result": [1, 2.5]}', '{"result": [1, 2.6]}', ["body $.result[*]: number"]],
    ["many numbers", "[1, 2, 3]", "[2, 3, 4]", ["body $[*]: number"]],
    ["a long integer", "[9007199254740993]", "[9007199254740992]", ["body $[*]: number"]],
    ["a longer one", "[123456789012345678901234567890]", "[123456789012345678901234567891]", ["body $[*]: number"]],
    ["a long integer with a fraction", "[9007199254740993]", "[9007199254740992.0]", ["body $[*]: number"]],
    ["texts", '{"a": "x"}', '{"a": "y"}', ["body $.a: string"]],
    ["truth", '{"a": true}', '{"a": false}', ["body $.a: boolean"]],
    ["true is not 1", '{"a": true}', '{"a": 1}', ["body $.a: boolean -> number"]],
    ["null", '{"a": null}', '{"a": {}}', ["body $.a: null -> object"]],
    ["an array is no object", "[]", "{}", ["body $: array -> object"]],
    ["a missing name", '{"a": 1, "b": 2}', '{"a": 1}', ["body $.b: missing"]],
    ["a further name", '{"a": 1}', '{"a": 1, "b c": 2}', ["body $['b c']: extra"]],
    ["a length", "[1, 2]", "[1]", ["body $: length"]],
    ["a length and an item", "[[1], 2]", "[[2]]", ["body $: length", "body $[*][*]: number"]],
    ["two kinds", '{"a": 1, "b": "x"}', '{"a": 2, "b": "y"}', ["body $.a: number", "body $.b: string"]],
    ["names of prototypes", '{"__proto__": 1}', "{}", ["body $.__proto__: missing"]],
    ["names of methods", "{}", '{"toString": 1}', ["body $.toString: extra"]],
    ["the last of two of one name", '{"a": 1, "a": 2}', '{"a": 2}', []],
  ])("%s", (_, live, shadow, expected) => {
    expect(kinds(live, shadow)).toEqual(expected);
  });

  test("where they differ first is told with both values", () => {
    const { differences } = compare(answer('{"r": [1, 2, 3]}'), answer('{"r": [1, 9, 8]}'));
    expect(differences).toEqual([{ kind: "body $.r[*]: number", path: "$.r[1]", liveValue: "2", shadowValue: "9" }]);
  });

  const value = fc.jsonValue();
  const python = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(null, true, false),
      fc.string({ unit: "binary" }),
      fc.double(),
      fc.bigInt(),
      fc.array(tie("value"), { maxLength: 5 }),
      fc.dictionary(fc.string(), tie("value"), { maxKeys: 5 }),
    ),
  })).value;

  test("everything is like itself, with its names in any order", () => {
    const turned = (from: unknown): unknown => {
      if (Array.isArray(from)) return from.map(turned);
      if (typeof from !== "object" || from === null) return from;
      return new Map(
        Object.entries(from)
          .reverse()
          .map(([name, member]) => [name, turned(member)]),
      );
    };
    fc.assert(
      fc.property(python, (it) => {
        expect(kinds(renderPythonJson(it), ` ${renderPythonJson(turned(it))} `)).toEqual([]);
      }),
    );
  });

  test("what is missing from one side is extra from the other, and so on", () => {
    const mirrored = (kind: string): string =>
      kind
        .replace(/(\w+) -> (\w+)$/, "$2 -> $1")
        .replace(/: (missing|extra)$/, (_, word) => (word === "missing" ? ": extra" : ": missing"));
    fc.assert(
      fc.property(value, value, (one, other) => {
        const [there, back] = [
          kinds(JSON.stringify(one), JSON.stringify(other)),
          kinds(JSON.stringify(other), JSON.stringify(one)),
        ];
        // Twenty kinds at most are told, from either side the first.
        fc.pre(there.length < 20);
        expect(back.sort()).toEqual(there.map(mirrored).sort());
        if (there.length === 0) expect(one).toEqual(other);
      }),
    );
  });

  test("numbers within the tolerance are the same, others are not", () => {
    const numbers = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e150, max: 1e150 });
    const part = fc.double({ min: 1e-9, max: 0.5, noNaN: true });
    fc.assert(
      fc.property(numbers, part, part, (number, relative, part) => {
        fc.pre(Math.abs(number) > 1e-100);
        const near = number * (1 + relative * part * 0.99);
        expect(kinds(`[${number}]`, `[${near}]`, { tolerance: { relative, absolute: 0 } })).toEqual([]);
        const far = number * (1 + relative * 2.1);
        expect(kinds(`[${number}]`, `[${far}]`, { tolerance: { relative, absolute: 0 } })).toEqual([
          "body $[*]: number",
        ]);
      }),
    );
    expect(kinds("[1.0]", "[1.05]", { tolerance: { relative: 0, absolute: 0.1 } })).toEqual([]);
    expect(kinds("[1.0]", "[1.2]", { tolerance: { relative: 0, absolute: 0.1 } })).toEqual(["body $[*]: number"]);
    const big = { tolerance: { relative: 1e-9, absolute: 0 } };
    expect(kinds("[123456789012345678901234567890]", "[123456789012345678901234567891]", big)).toEqual([]);
    expect(kinds("[Infinity]", "[1e308]", { tolerance: { relative: 1, absolute: 1e300 } })).toEqual([
      "body $[*]: number",
    ]);
    expect(kinds("[NaN]", "[1]", { tolerance: { relative: 1, absolute: 1e300 } })).toEqual(["body $[*]: number"]);
  });

  test("what is to be ignored is, and nothing beside it", () => {
    const given = { ignore: ["$.time", "$.rows[*].id", "$..trace"] };
    const live = '{"time": 1, "rows": [{"id": 1, "v": 1}], "trace": "a", "deep": [{"trace": 1}]}';
    expect(kinds(live, '{"rows": [{"v": 1}], "deep": [{"trace": {}}], "extra": 0}', given)).toEqual([
      "body $.extra: extra",
    ]);
    expect(kinds("[1]", "text", { ignore: ["$"] })).toEqual([]);
    fc.assert(
      fc.property(value, value, value, (kept, one, other) => {
        const [a, b] = [one, other].map((part) => JSON.stringify({ kept, part: { deep: [part] } }));
        expect(kinds(a!, b!, { ignore: ["$.part"] })).toEqual([]);
        expect(kinds(a!, b!, { ignore: ["$.part.deep[0]"] })).toEqual([]);
        expect(kinds(a!, b!, { ignore: ["$..deep"] })).toEqual([]);
      }),
    );
  });

  test("nothing is nested too deep, and paths stay short", () => {
    const levels = 10_000;
    const nested = (core: string): string => "[".repeat(levels) + core + "]".repeat(levels);
    expect(kinds(nested("1"), ` ${nested("1")}`)).toEqual([]);
    const [found] = compare(answer(nested("1")), answer(nested("2"))).differences;
    expect(found).toMatchObject({ liveValue: "1", shadowValue: "2" });
    expect(found!.kind.length).toBeLessThan(300);
    const objects = (core: string): string => '{"a":'.repeat(levels) + core + "}".repeat(levels);
    expect(kinds(objects("1"), ` ${objects("1")}`)).toEqual([]);
    // No JSON to Python either, whose words are in it: text.
    expect(kinds(nested("NaN"), nested("NaN "))).toEqual(["body: text"]);
    expect(kinds("[".repeat(levels), "[".repeat(levels + 1))).toEqual(["body: text"]);
  });

  test("a large body is compared in steps, and one with nothing in common is not told in full", () => {
    const numbers = (first: number): string =>
      JSON.stringify(Array.from({ length: 200_000 }, (_, index) => index + first));
    const options = { tolerance: EXACT, ignore: readIgnorePaths(["$..x"]) };
    const count = (live: string, shadow: string): number => {
      const steps = compareAnswers(answer(live), answer(shadow), options);
      let turns = 1;
      while (steps.next().done !== true) turns++;
      return turns;
    };
    expect(count(numbers(0), ` ${numbers(0)}`)).toBeGreaterThanOrEqual(20);
    expect(count(numbers(0), numbers(1))).toBeLessThan(10);
    const named = (value: number): string =>
      JSON.stringify(Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`name${index}`, value])));
    expect(kinds(named(1), named(2))).toHaveLength(20);
    expect(kinds(named(1), "{}")).toHaveLength(20);
    expect(kinds("{}", named(1))).toHaveLength(20);
  });
});

describe("answers", () => {
  test("another status is all that is told of them", () => {
    const { differences } = compare(answer("[1]"), answer("no", { status: 500, contentType: "text/plain" }));
    expect(differences).toEqual([{ kind: "status 200 -> 500", path: "status", liveValue: "200", shadowValue: "500" }]);
  });

  test("content types are compared without regard to case and blanks", () => {
    const typed = (one: string, other: string): string[] =>
      compare(answer("x", { contentType: one }), answer("x", { contentType: other })).differences.map(
        ({ kind }) => kind,
      );
    expect(typed("application/json; charset=UTF-8", "Application/JSON;charset=utf-8")).toEqual([]);
    expect(typed("text/html", "")).toEqual(["content-type text/html -> none"]);
  });

  test("what is no JSON is compared byte by byte", () => {
    const text = { contentType: "text/plain" };
    const of = (live: string | Uint8Array, shadow: string | Uint8Array) =>
      compare(answer(live, text), answer(shadow, text)).differences;
    expect(of("1", "1.0")).toEqual([{ kind: "body: text", path: "byte 1", liveValue: '"1"', shadowValue: '"1.0"' }]);
    const bytes = Uint8Array.of(0xff, 1, 2);
    expect(of(bytes, bytes)).toEqual([]);
    expect(of(bytes, Uint8Array.of(0xff, 1, 3))).toEqual([
      { kind: "body: bytes", path: "byte 2", liveValue: "ff0102", shadowValue: "ff0103" },
    ]);
    expect(kinds("[1]", "oops")).toEqual(["body: json -> text"]);
    expect(kinds("", "1")).toEqual(["body: empty -> json"]);
    expect(kinds(bytes, "1")).toEqual(["body: bytes -> json"]);
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (one, other) => {
        expect(of(one, one)).toEqual([]);
        expect(of(one, other).length).toBe(Buffer.from(one).equals(other) ? 0 : 1);
      }),
    );
  });

  test("a body that was not kept, or was cut off, is no body to compare", () => {
    expect(compare(answer(undefined), answer("[1]"))).toEqual({ differences: [], areBodiesCompared: false });
    expect(compare(answer("[1]"), answer(undefined))).toEqual({ differences: [], areBodiesCompared: false });
    const { differences } = compare(answer("[1]"), answer("[", { isCutOff: true }));
    expect(differences.map(({ kind }) => kind)).toEqual(["body: complete -> cut off"]);
  });
});
