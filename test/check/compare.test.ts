// Expected bodies beside those that came.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bodyDifferences } from "../../check/judge.ts";
import { readJsonValue, readYamlValue } from "../../check/read-values.ts";
import { renderPythonJson } from "../../src/json/python-json.ts";

const JSON_TYPE = [["content-type", "application/json"]] as const;

function differences(expected: string, body: string, absolute = 0, relative = 0, ignore: string[] = []): string[] {
  const { value } = readJsonValue(expected);
  const answer = { body: Buffer.from(body), headers: JSON_TYPE };
  return bodyDifferences(answer, { value, absolute, relative, ignore }).map(({ message }) => message);
}

describe("a body", () => {
  test.each<[string, string, string[]]>([
    ["[1, 2]", "[1,2.0]", []],
    ['{"a": 1, "b": 2}', '{"b": 2, "a": 1}', []],
    ["1", "2", ["$ is 2, expected 1"]],
    ['{"a": 1}', "{}", ["$.a is missing, expected 1"]],
    ["{}", '{"a": 1}', ["$.a is 1, expected no such key"]],
    ["[1]", "[1, 2]", ["$ is array of 2, expected array of 1"]],
    ["1", '"1"', ['$ is "1", expected 1']],
    ["null", "0", ["$ is 0, expected null"]],
    ["12345678901234567890", "12345678901234567891", ["$ is 12345678901234567891, expected 12345678901234567890"]],
    ["9007199254740993", "9007199254740992", ["$ is 9007199254740992, expected 9007199254740993"]],
    ["1", "NaN", ["$ is NaN, expected 1"]],
    ["1", "Infinity", ["$ is Infinity, expected 1"]],
    ["[1]", "[1", ["the body is not JSON: [1"]],
    ['{"__proto__": 1}', '{"__proto__": 2}', ["$.__proto__ is 2, expected 1"]],
  ])("expected to be %s is compared with %s", (expected, body, lines) => {
    expect(differences(expected, body)).toEqual(lines);
  });

  test("that holds NaN or an infinity is within no tolerance of a number", () => {
    for (const found of ["NaN", "Infinity", "-Infinity"])
      expect(differences("[1]", `[${found}]`, 1e300, 1)).toHaveLength(1);
  });

  test("of text is compared as text, and of bytes as bytes", () => {
    const headers = [["Content-Type", "text/plain; charset=utf-8"]] as const;
    const compare = (value: unknown, body: Buffer) =>
      bodyDifferences({ body, headers }, { value, absolute: 0, relative: 0, ignore: [] });
    expect(compare("ok", Buffer.from("ok"))).toEqual([]);
    expect(compare("ok", Buffer.from("no"))).toEqual([{ message: 'the body is "no", expected "ok"', key: "text" }]);
    expect(compare("ok", Buffer.from([0xff]))[0]!.message).toBe('the body is 1 bytes, expected "ok"');
    expect(compare(Buffer.from([1]), Buffer.from([1]))).toEqual([]);
    expect(compare(Buffer.from([1]), Buffer.from([2, 3]))[0]!.message).toBe("the body is another: 2 bytes, expected 1");
  });

  test("is not compared where a path says so", () => {
    expect(differences('{"a": 1, "t": 1}', '{"a": 1, "t": 2}', 0, 0, ["$.t"])).toEqual([]);
    expect(differences('{"a": 1, "t": 1}', '{"a": 2}', 0, 0, ["$.t"])).toEqual(["$.a is 2, expected 1"]);
  });

  test("with many differences is told of in few lines", () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, index]));
    expect(differences(JSON.stringify(many), "{}").length).toBeLessThanOrEqual(11);
  });
});

describe("whatever the value", () => {
  /** What JSON can hold, big integers included. */
  const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.constant(null),
      fc.boolean(),
      fc.string({ unit: "binary" }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie("value"), { maxKeys: 4 }),
    ),
  }));

  test("it is like itself, in any order of keys, read as JSON or as YAML", () => {
    fc.assert(
      fc.property(values, (value) => {
        const text = renderPythonJson(value);
        const body = Buffer.from(renderPythonJson(shuffled(value)));
        for (const read of [readJsonValue, readYamlValue]) {
          const expected = { value: read(text).value, absolute: 0, relative: 0, ignore: [] };
          expect(bodyDifferences({ body, headers: JSON_TYPE }, expected)).toEqual([]);
        }
      }),
    );
  });

  test("it is unlike another", () => {
    fc.assert(
      fc.property(values, values, (one, other) => {
        const [a, b] = [renderPythonJson(sorted(one)), renderPythonJson(sorted(other))];
        const isSame = canonical(one) === canonical(other);
        expect(differences(a, b).length === 0).toBe(isSame);
      }),
    );
  });

  test("a number is within a tolerance exactly when it is no further off", () => {
    const numbers = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 });
    const tolerances = fc.double({ noNaN: true, min: 0, max: 1e3 });
    fc.assert(
      fc.property(
        numbers,
        numbers,
        tolerances,
        fc.double({ noNaN: true, min: 0, max: 1 }),
        (one, other, absolute, relative) => {
          const isWithin =
            Math.abs(one - other) <= Math.max(absolute, relative * Math.max(Math.abs(one), Math.abs(other)));
          expect(differences(`[${one}]`, `[${other}]`, absolute, relative).length === 0).toBe(
            isWithin || one === other,
          );
        },
      ),
    );
  });

  test("an integer of any size is within no tolerance of 0 unless it is the same", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt({ min: -3n, max: 3n }), (number, step) => {
        expect(differences(String(number), String(number + step)).length === 0).toBe(step === 0n);
      }),
    );
  });
});

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, child]) => [key, shuffled(child)]),
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, child]) => [key, sorted(child)]),
  );
}

/** One text for values that are the same: numbers by what they are worth. */
function canonical(value: unknown): string {
  return JSON.stringify(sorted(value), (_key, child) => {
    if (typeof child === "bigint") return `n${child}`;
    if (typeof child === "number") return Number.isInteger(child) ? `n${BigInt(child)}` : `n${child}`;
    return typeof child === "string" ? `s${child}` : child;
  });
}
