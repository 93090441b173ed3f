import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ResultError } from "../../../src/core/errors.ts";
import { RefusedError, renderResult as render } from "../../../src/json/result.ts";
import { describeRefusal } from "../../../src/json/result-fault.ts";
import { MAX_JSON_DEPTH } from "../../../src/json/values.ts";

/** With what a server makes of a refusal. */
function renderResult(value: unknown): string {
  try {
    return render(value);
  } catch (error) {
    throw error instanceof RefusedError ? describeRefusal(error) : error;
  }
}

describe("rendering what run() returned", () => {
  test.each([
    [undefined, "{}"],
    [null, "{}"],
    [{ toJSON: () => undefined }, "{}"],
    ["hello", '"hello"'],
    ['{"a":1}', '"{\\"a\\":1}"'],
    [3, "3"],
    [true, "true"],
    [[1, "a", null, undefined], '[1,"a",null,null]'],
    [{ a: undefined, b: { c: [0.5] } }, '{"b":{"c":[0.5]}}'],
    [{ when: new Date(0), url: new URL("http://a/") }, '{"when":"1970-01-01T00:00:00.000Z","url":"http://a/"}'],
    [Object.assign(Object.create({ inherited: () => 1 }), { own: 1 }), '{"own":1}'],
  ])("%j gives %s (OUT-1)", (value, body) => {
    expect(renderResult(value)).toBe(body);
  });

  test("keeps the values JSON.stringify would lose, wherever they are (OUT-1)", () => {
    expect(renderResult(Number.NaN)).toBe("NaN");
    expect(renderResult({ a: [[Number.NEGATIVE_INFINITY]], b: "é" })).toBe('{"a": [[-Infinity]], "b": "\\u00e9"}');
    expect(renderResult([1, { id: 2n ** 64n }])).toBe('[1, {"id": 18446744073709551616}]');
    expect(renderResult({ toJSON: () => [Number.NaN] })).toBe("[NaN]");
    class Scores {
      best = Number.POSITIVE_INFINITY;
    }
    expect(renderResult([new Scores()])).toBe('[{"best": Infinity}]');
  });

  class Model {
    scores = { list: [0, new Float32Array(2)] };
  }
  const refusals: [value: unknown, message: string][] = [
    [{ scores: [new Float32Array(2)] }, "a Float32Array at $.scores[0]: not JSON serializable; use Array.from(...)"],
    [new Model(), "a Float32Array at $.scores.list[1]: not JSON serializable; use Array.from(...)"],
    [Buffer.from("x"), "a Buffer at $: not JSON serializable; use Array.from(...)"],
    [[new Int8Array(1)], "an Int8Array at $[0]: not JSON serializable; use Array.from(...)"],
    [
      { "a b": new ArrayBuffer(1) },
      'an ArrayBuffer at $["a b"]: not JSON serializable; use Array.from(new Uint8Array(...))',
    ],
    [[new DataView(new ArrayBuffer(1))], "a DataView at $[0]: not JSON serializable; read its numbers into an array"],
    [new Map(), "a Map at $: not JSON serializable; use Object.fromEntries(...)"],
    [{ a: { b: new Set([1]) } }, "a Set at $.a.b: not JSON serializable; use Array.from(...)"],
    [new WeakMap(), "a WeakMap at $: not JSON serializable; its entries cannot be listed"],
    [{ a: Promise.resolve(1) }, "a Promise at $.a: not JSON serializable; await it"],
    [() => 1, "a function at $: not JSON serializable; call it, or leave it out"],
    [{ run: async () => 1 }, "a function at $.run: not JSON serializable; call it, or leave it out"],
    [[1, class {}], "a function at $[1]: not JSON serializable; call it, or leave it out"],
    [[Symbol("s")], "a symbol at $[0]: not JSON serializable; return a string"],
    [[new TypeError("t")], "a TypeError at $[0]: not JSON serializable; throw it, or return its message"],
    [{ toJSON: () => ({ a: new Set() }) }, "a Set at $.a: not JSON serializable; use Array.from(...)"],
  ];
  test.each(refusals.map(([value, message]) => ({ value, message })))(
    "refuses $message (OUT-7)",
    ({ value, message }) => {
      expect(() => renderResult(value)).toThrow(new ResultError("ERR_RESULT", `run() returned ${message}`));
    },
  );

  test("refuses circular references by their place (OUT-7)", () => {
    const value: Record<string, unknown> = { a: { b: [] } };
    (value.a as { b: unknown[] }).b.push(value);
    expect(() => renderResult(value)).toThrow("run() returned a circular reference at $.a.b[0]: not JSON serializable");
  });

  test("takes the same object twice, as long as it does not contain itself", () => {
    const shared = { x: 1 };
    expect(renderResult([shared, shared])).toBe('[{"x":1},{"x":1}]');
  });

  test("refuses nesting deeper than it can render (OUT-7)", () => {
    const nest = (levels: number): unknown => {
      let value: unknown = 1;
      for (let level = 0; level < levels; level++) value = { v: [value] };
      return value;
    };
    expect(renderResult(nest(MAX_JSON_DEPTH / 2))).toBe(JSON.stringify(nest(MAX_JSON_DEPTH / 2)));
    expect(() => renderResult(nest(MAX_JSON_DEPTH / 2 + 1))).toThrow("nested deeper than 1000 levels");
  });

  test("makes a ResultError of whatever toJSON or a getter throws, and keeps the cause (OUT-7)", () => {
    const cause = new Error("no such column");
    const value = {
      get column(): never {
        throw cause;
      },
    };
    let thrown: unknown;
    try {
      renderResult(value);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ResultError);
    expect(thrown).toMatchObject({ code: "ERR_RESULT", cause, message: expect.stringContaining("no such column") });
  });

  test("is what JSON.stringify gives, for any JSON value (OUT-1)", () => {
    const json = fc.jsonValue().filter((value) => value !== null);
    fc.assert(
      fc.property(json, (value) => {
        expect(renderResult(value)).toBe(JSON.stringify(value));
      }),
    );
  });
});
