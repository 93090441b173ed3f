import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkTraffic, parseShares, SpecError } from "../../../endpoint/spec/index.ts";

function said(act: () => unknown): string[] {
  try {
    act();
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(SpecError);
    return (error as SpecError).problems.map(({ file, message }) => `${file}: ${message}`);
  }
}

describe("parseShares", () => {
  test("reads pairs with blanks between, and drops those of 0", () => {
    expect(parseShares("blue=90 green=10", ["blue", "green"])).toEqual({ blue: 90, green: 10 });
    expect(parseShares("  Blue=90\n GREEN=010,red=0 ", ["BLUE", "green"])).toEqual({ blue: 90, green: 10 });
    expect(parseShares("green=0", ["green"])).toEqual({});
    expect(parseShares("gone=0 green=100", ["green"])).toEqual({ green: 100 });
    expect(parseShares("any=100", null)).toEqual({ any: 100 });
  });

  test.each([
    ["", "the text is empty"],
    ["blue", '"blue" is not a share of traffic'],
    ["=10", '"=10" is not a share of traffic'],
    ["blue=", 'the share of blue must be a whole number from 0 to 100; found ""'],
    ["blue=-1", 'the share of blue must be a whole number from 0 to 100; found "-1"'],
    ["blue=1.5", 'the share of blue must be a whole number from 0 to 100; found "1.5"'],
    ["blue=90%", 'the share of blue must be a whole number from 0 to 100; found "90%"'],
    ["blue=green", 'the share of blue must be a whole number from 0 to 100; found "green"'],
    ["blue=1=2", 'the share of blue must be a whole number from 0 to 100; found "1=2"'],
    ["blue=50 BLUE=50", "blue is repeated"],
    ["red=100", "there is no deployment red"],
    ["__proto__=100", "there is no deployment __proto__"],
  ])("refuses %j", (text, message) => {
    expect(said(() => parseShares(text, ["blue", "green"]))).toEqual([`--traffic: ${message}`]);
  });

  test("says all that is wrong at once, by the flag's name", () => {
    expect(said(() => parseShares("blue red=1 green=x", ["blue", "green"], "--mirror-traffic"))).toEqual([
      '--mirror-traffic: "blue" is not a share of traffic',
      "--mirror-traffic: there is no deployment red",
      '--mirror-traffic: the share of green must be a whole number from 0 to 100; found "x"',
    ]);
  });

  test("reads what it is told of any shares, and throws nothing but its own error", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
    fc.assert(
      fc.property(fc.dictionary(name, fc.integer({ min: 0, max: 100 }), { minKeys: 1 }), (shares) => {
        const text = Object.entries(shares).map(([deployment, share]) => `${deployment}=${share}`);
        const kept = Object.entries(shares).filter(([, share]) => share > 0);
        expect(parseShares(text.join(" "), Object.keys(shares))).toEqual(Object.fromEntries(kept));
      }),
    );
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void said(() => parseShares(text, ["a"]))));
  });
});

describe("checkTraffic", () => {
  const check = (traffic: object, mirror: object, known: string[] | null = ["blue", "green", "red"]): string[] =>
    said(() => checkTraffic(traffic as Record<string, number>, mirror as Record<string, number>, known));

  test("takes a sum of 0 or 100, and one shadow of at most 50 without live traffic", () => {
    expect(check({}, {})).toEqual([]);
    expect(check({ blue: 100 }, {})).toEqual([]);
    expect(check({ Blue: 90, green: 10, red: 0 }, { red: 50 })).toEqual([]);
    expect(check({ blue: 100, green: 0 }, { green: 10, red: 0 })).toEqual([]);
    expect(check({ blue: 0 }, { blue: 0 })).toEqual([]);
    expect(check({ unknown: 100 }, {}, null)).toEqual([]);
  });

  test.each<[object, object, string]>([
    [{ blue: 99 }, {}, "traffic: the percentages of live traffic add up to 99; they must add up to 100, or to 0"],
    [
      { blue: 90, green: 11 },
      {},
      "traffic: the percentages of live traffic add up to 101; they must add up to 100, or to 0",
    ],
    [{ blue: 101 }, {}, "traffic: the share of blue must be a whole number from 0 to 100; found 101"],
    [{ blue: -1, green: 101 }, {}, "traffic: the share of blue must be a whole number from 0 to 100; found -1"],
    [{ blue: "much" }, {}, 'traffic: the share of blue must be a whole number from 0 to 100; found "much"'],
    [{ blue: 99.5, green: 0.5 }, {}, "traffic: the share of blue must be a whole number from 0 to 100; found 99.5"],
    [{ blue: Number.NaN }, {}, "traffic: the share of blue must be a whole number from 0 to 100; found NaN"],
    [{ grey: 100 }, {}, "traffic: there is no deployment grey"],
    [{ "a\r\nb": 100 }, {}, 'traffic: "a\\r\\nb" is not a valid deployment name'],
    [
      { blue: 100 },
      { green: 10, red: 5 },
      "mirror_traffic: traffic can be mirrored to only one deployment; found green and red",
    ],
    [{ blue: 100 }, { green: 60 }, "mirror_traffic: at most 50 percent of the traffic can be mirrored; found 60"],
    [
      { blue: 100 },
      { blue: 10 },
      "mirror_traffic: blue has 100 percent of the live traffic, so nothing can be mirrored to it",
    ],
    [{ blue: 100 }, { grey: 10 }, "mirror_traffic: there is no deployment grey"],
    [{ blue: 100 }, { green: -1 }, "mirror_traffic: the share of green must be a whole number from 0 to 100; found -1"],
  ])("refuses %j with mirror %j", (traffic, mirror, message) => {
    expect(check(traffic, mirror)[0]).toBe(message);
  });

  test("refuses a mirror on Kubernetes", () => {
    expect(said(() => checkTraffic({ blue: 100 }, { green: 10 }, null, "kubernetes"))).toEqual([
      "mirror_traffic: Kubernetes endpoints cannot mirror traffic",
    ]);
  });

  test("finds every sum but 0 and 100 wrong", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 5 }), (shares) => {
        const traffic = Object.fromEntries(shares.map((share, index) => [`d${index}`, share]));
        const sum = shares.reduce((total, share) => total + share, 0);
        expect(check(traffic, {}, null)).toHaveLength(sum === 0 || sum === 100 ? 0 : 1);
      }),
    );
  });
});
