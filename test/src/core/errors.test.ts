import { expect, test } from "vitest";
import { ScoreError, toScoreError } from "../../../src/core/errors.ts";

test.for([
  ["an error", new TypeError("wrong"), "wrong"],
  ["text", "text", "text"],
  ["nothing", undefined, "undefined"],
  ["a symbol", Symbol("s"), "Symbol(s)"],
  ["an object without a prototype", Object.create(null), "[Object: null prototype] {}"],
  [
    "an object that throws when it is asked",
    {
      toString() {
        throw new Error("no");
      },
    },
    "{ toString: [Function: toString] }",
  ],
  [
    "an error that throws when it is asked",
    Object.defineProperty(new Error("x"), "message", {
      get() {
        throw new Error("no");
      },
    }),
    "the thrown value cannot be read",
  ],
] as const)("%s that was thrown becomes an error of ours", ([, thrown, message]) => {
  const error = toScoreError(thrown);
  expect(error).toBeInstanceOf(ScoreError);
  expect([error.code, error.message]).toEqual(["ERR_INTERNAL", message]);
});
