import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nearest } from "../../../src/core/nearest.ts";

const COMMANDS = ["init", "check", "serve", "build", "invoke", "online-endpoint", "online-deployment", "help"];
const letters = fc.string({ minLength: 5, maxLength: 16, unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz_") });

describe("nearest()", () => {
  test.each([
    ["serv", "serve"],
    ["sevre", "serve"],
    ["SERVE", "serve"],
    ["biuld", "build"],
    ["online_endpoint", "online-endpoint"],
    ["online-endpiont", "online-endpoint"],
    ["endpoint", "online-endpoint"],
    ["inti", "init"],
    // Two begin with it.
    ["online", undefined],
    ["all", undefined],
    ["x", undefined],
    ["", undefined],
    ["bogus", undefined],
  ])("%s is %s", (word, meant) => {
    expect(nearest(word, COMMANDS)).toBe(meant);
  });

  test("a word that is there is itself, whatever else there is", () => {
    fc.assert(
      fc.property(letters, fc.array(letters), (word, others) => {
        expect(nearest(word, [...others, word])).toBe([...others, word].find((one) => one === word));
      }),
    );
  });

  test("one letter more, less, another or swapped finds the word, where no other is like it", () => {
    const typo = fc.record({ at: fc.nat(), letter: fc.constantFrom(..."abcxyz"), kind: fc.constantFrom(0, 1, 2, 3) });
    fc.assert(
      fc.property(letters, typo, (word, { at, letter, kind }) => {
        const place = at % (word.length - 1);
        const [before, here, next, after] = [
          word.slice(0, place),
          word[place],
          word[place + 1]!,
          word.slice(place + 2),
        ];
        const typed = [
          `${before}${letter}${here}${next}${after}`,
          `${before}${next}${after}`,
          `${before}${letter}${next}${after}`,
          `${before}${next}${here}${after}`,
        ][kind]!;
        expect(nearest(typed, ["0123456789", word])).toBe(word);
      }),
    );
  });

  test("takes anything, answers with one of the words, and is quick for long ones", () => {
    fc.assert(
      fc.property(fc.string({ size: "large" }), fc.array(fc.string()), (word, words) => {
        const found = nearest(word, words);
        if (found !== undefined) expect(words).toContain(found);
      }),
    );
    expect(nearest("x".repeat(1_000_000), COMMANDS)).toBeUndefined();
  });
});
