import { describe, expect, test } from "vitest";
import { hintFor } from "../../../src/locate/hints.ts";

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("expected a failure");
}

describe("the hint for an error", () => {
  test("says that the text was not JSON", () => {
    const error = thrownBy(() => JSON.parse("{x"));
    expect(hintFor(error, true, undefined)).toMatch(/^JSON.parse\(\) was given text that is not JSON/);
  });

  test("names a program that is not there", () => {
    const error = Object.assign(new Error("spawn"), { code: "ENOENT", syscall: "spawn dot", path: "dot" });
    expect(hintFor(error, true, "/models")).toBe("There is no program 'dot' to start.");
  });

  test("is that for its cause when there is none for itself", () => {
    const cause = new Error("Cannot find package 'pg' imported from /app/score.mjs");
    expect(hintFor(new Error("outer", { cause }), true, undefined)).toBe(
      "Package 'pg' is not installed: run npm install pg next to score.mjs.",
    );
  });

  test("is none for an error it knows nothing about", () => {
    for (const error of [new Error("x"), "text", null]) expect(hintFor(error, true, "/models")).toBeUndefined();
  });
});
