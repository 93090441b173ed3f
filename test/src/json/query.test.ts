import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseQuery, queryToJsonText, queryToObject } from "../../../src/json/query.ts";

/** One character of any kind; the ready-made unit "binary" costs a second to set up. */
const character = fc
  .oneof(fc.nat(0x2ff), fc.nat(0x10ffff))
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code));

describe("the JSON text made of a query (IN-1 to IN-3, IN-5)", () => {
  // Each text is what run() of an undecorated script got from azmlinfsrv 1.5.1 for GET /score?<query>.
  test.each([
    ["", "{}"],
    [
      'a=1&b=[1,2]&c=a&d=null&e=&g=1e3&h=NaN&i="q"&j=01&b2=+1+&m=+&l=true',
      '{"a": 1, "b": [1, 2], "c": "a", "d": null, "e": "", "g": 1000.0, "h": NaN, "i": "q", "j": "01", "b2": 1, "m": " ", "l": true}',
    ],
    ["a=1", '{"a": 1}'],
    ["a=1&b=[1,2]", '{"a": 1, "b": [1, 2]}'],
    ["a=a", '{"a": "a"}'],
    ["a=null", '{"a": null}'],
    ["a=", '{"a": ""}'],
    ["a", '{"a": ""}'],
    ["=", '{"": ""}'],
    ["=x", '{"": "x"}'],
    ["a=1e3", '{"a": 1000.0}'],
    ["a=NaN", '{"a": NaN}'],
    ["a=-Infinity", '{"a": -Infinity}'],
    ['a="q"', '{"a": "q"}'],
    ["a=01", '{"a": "01"}'],
    ["a=+1+", '{"a": 1}'],
    ["a=+", '{"a": " "}'],
    ["a=true", '{"a": true}'],
    ["a=True", '{"a": "True"}'],
    ["a=1.0", '{"a": 1.0}'],
    ["a=-0", '{"a": 0}'],
    ["a=-0.0", '{"a": -0.0}'],
    ["a=1e400", '{"a": Infinity}'],
    ["a=1e-5", '{"a": 1e-05}'],
    ["a=12345678901234567890123", '{"a": 12345678901234567890123}'],
    ["a=1&a=2", '{"a": [1, 2]}'],
    ["a=1&a=x&a=", '{"a": [1, "x", ""]}'],
    ["a=1&b=2&a=3", '{"a": [1, 3], "b": 2}'],
    ["a=[1]&a=[2]", '{"a": [[1], [2]]}'],
    ["a&a", '{"a": ["", ""]}'],
    ["A=1&a=2", '{"A": 1, "a": 2}'],
    ["10=a&9=b&1=c", '{"10": "a", "9": "b", "1": "c"}'],
    ["__proto__=1&constructor=2", '{"__proto__": 1, "constructor": 2}'],
    ["a=1;b=2", '{"a": "1;b=2"}'],
    ["a=%zz", '{"a": "%zz"}'],
    ["a=%", '{"a": "%"}'],
    ["a=%4", '{"a": "%4"}'],
    ["a=%ff", '{"a": "%FF"}'],
    ["a=%FF", '{"a": "%FF"}'],
    ["a=%fF%fe", '{"a": "%FF%FE"}'],
    ["a=%c3%a9", '{"a": "\\u00e9"}'],
    ["a=%C3%A9&%C3%A9=1", '{"a": "\\u00e9", "\\u00e9": 1}'],
    ["a=%c3", '{"a": "%C3"}'],
    ["a=%e2%82", '{"a": "%E2%82"}'],
    ["a=%e2%82%ac", '{"a": "\\u20ac"}'],
    ["a=%e2%82x", '{"a": "%E2%82x"}'],
    ["a=%ed%a0%80", '{"a": "%ED%A0%80"}'],
    ["a=%f0%9f%98%80", '{"a": "\\ud83d\\ude00"}'],
    ["a=%f4%90%80%80", '{"a": "%F4%90%80%80"}'],
    ["a=%c0%af", '{"a": "%C0%AF"}'],
    ["a=x%ffy%c3%a9z", '{"a": "x%FFy\\u00e9z"}'],
    ["a=%00", '{"a": "\\u0000"}'],
    ["a=%22%00%22", '{"a": "\\"\\u0000\\""}'],
    ["a=%22%0a%22", '{"a": "\\"\\n\\""}'],
    ["a=a+b", '{"a": "a b"}'],
    ["a+b=c+d", '{"a b": "c d"}'],
    ["a%2Bb=c%2Bd", '{"a+b": "c+d"}'],
    ["a=b=c", '{"a": "b=c"}'],
    ["a=%26%3D", '{"a": "&="}'],
    ["a=1&&b=2&", '{"a": 1, "b": 2}'],
    ["&a=1", '{"a": 1}'],
    ["&", "{}"],
    ["a=%7B%22x%22%3A%20%5B1%2C%202.50%5D%7D", '{"a": {"x": [1, 2.5]}}'],
    ['a={"x":1,"x":2}', '{"a": {"x": 2}}'],
    ["a=%22%5Cud800%22", '{"a": "\\ud800"}'],
    ["a=%EF%BB%BF1", '{"a": "\\ufeff1"}'],
    ["a=%250a", '{"a": "%0a"}'],
    ["a=[1,", '{"a": "[1,"}'],
    ["a=1,2", '{"a": "1,2"}'],
    ["a=0x10", '{"a": "0x10"}'],
    ["a=1_000", '{"a": "1_000"}'],
    ["a='x'", '{"a": "\'x\'"}'],
    ["a=%7f", '{"a": "\\u007f"}'],
    ["a=a/b?c", '{"a": "a/b?c"}'],
    ["a=\\u00e9", '{"a": "\\\\u00e9"}'],
    ["q=http://x/y?z=1", '{"q": "http://x/y?z=1"}'],
    ["version=3.0", '{"version": 3.0}'],
  ])("of %s is %s", (query, text) => {
    expect(queryToJsonText(query)).toBe(text);
  });

  test("keeps a value nested too deep to be read as a string (IN-2)", () => {
    const deep = "[".repeat(5000) + "]".repeat(5000);
    expect(queryToObject(`a=${deep}`)).toEqual(new Map([["a", deep]]));
  });
});

describe("the parameters of a query (IN-1)", () => {
  test("are decoded but not read as JSON, repeats and all", () => {
    expect(parseQuery("a=1&%61=x+y&&b&%ff")).toEqual([
      ["a", "1"],
      ["a", "x y"],
      ["b", ""],
      ["%FF", ""],
    ]);
  });

  test("come back from any encoding URLSearchParams makes", () => {
    const parameters = fc.array(fc.tuple(fc.string({ unit: character }), fc.string({ unit: character })));
    fc.assert(
      fc.property(parameters, (pairs) => {
        expect(parseQuery(new URLSearchParams(pairs).toString())).toEqual(pairs);
      }),
    );
  });
});
