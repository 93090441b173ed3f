// Flags of the form `name=value`.
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ENVIRONMENT_PAIRS,
  MODEL_PAIRS,
  type PairForm,
  PYTHON_PAIRS,
  parsePairs,
  UPSTREAM_PAIRS,
} from "../../../endpoint/assets/pairs.ts";
import { ConfigError } from "../../../src/host.ts";

test.each<[PairForm, string, string, string]>([
  [MODEL_PAIRS, "m=/a/b", "m", "/a/b"],
  [MODEL_PAIRS, "m:3=a=b", "m:3", resolve("a=b")],
  [MODEL_PAIRS, " m : 1 =x".replaceAll(" : ", ":"), "m:1", resolve("x")],
  [MODEL_PAIRS, "azureml:m:1=x", "m:1", resolve("x")],
  [MODEL_PAIRS, "m@latest=x", "m", resolve("x")],
  [
    MODEL_PAIRS,
    "azureml://registries/R/models/M/versions/1=x",
    "azureml://registries/R/models/M/versions/1",
    resolve("x"),
  ],
  [MODEL_PAIRS, "m=~/x", "m", join(homedir(), "x")],
  [ENVIRONMENT_PAIRS, "sk:1=python3.11", "sk:1", "python3.11"],
  [ENVIRONMENT_PAIRS, "sk=.venv/bin/python", "sk", resolve(".venv/bin/python")],
  [PYTHON_PAIRS, "Blue=python3", "blue", "python3"],
  [PYTHON_PAIRS, "blue=.", "blue", resolve(".")],
  [UPSTREAM_PAIRS, "blue=http://localhost:8501", "blue", "http://localhost:8501"],
  [UPSTREAM_PAIRS, "blue=http://localhost", "blue", "http://localhost:80"],
  [UPSTREAM_PAIRS, "blue=http://[::1]:8000/", "blue", "http://[::1]:8000"],
])("$0.flag $1", (form, text, key, value) => {
  expect([...parsePairs(form, [text])]).toEqual([[key, value]]);
});

test.each<[PairForm, string, string]>([
  [MODEL_PAIRS, "m", '--model "m" has no "="; write NAME[:VERSION]=PATH'],
  [MODEL_PAIRS, "=x", '--model "=x" has nothing before the "="'],
  [MODEL_PAIRS, "m= ", '--model "m=" has nothing after the "="'],
  [MODEL_PAIRS, "a:b:c=x", 'has "a:b:c" for a name; write NAME or NAME:VERSION'],
  [MODEL_PAIRS, "a/b=x", 'has "a/b" for a name'],
  [PYTHON_PAIRS, "a b=x", 'has "a b" for the name of a deployment'],
  [UPSTREAM_PAIRS, "b=localhost:80", "is not a server address; write http://HOST:PORT"],
  [UPSTREAM_PAIRS, "b=https://localhost", "asks for TLS"],
  [UPSTREAM_PAIRS, "b=http://h:1/score", "has a path"],
  [UPSTREAM_PAIRS, "b=http://h:99999", "is not a server address"],
])("$0.flag $1 is refused", (form, text, reason) => {
  expect(() => parsePairs(form, [text])).toThrow(reason);
});

test("the last word on a name is the first one, too", () => {
  expect(() => parsePairs(MODEL_PAIRS, ["m=/a", "azureml:m=/b"])).toThrow("gives m another value than before: /a");
  expect([...parsePairs(MODEL_PAIRS, ["m=/a", "azureml:m=/a"])]).toEqual([["m", "/a"]]);
});

test("all that is wrong is told at once, and no password", () => {
  const wrong = ["a", "b=http://me:pass-word@host:1", "c=ftp://x"];
  let message = "";
  try {
    parsePairs(UPSTREAM_PAIRS, wrong);
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message.split("\n")).toHaveLength(3);
  expect(message).not.toContain("pass-word");
});

describe("any text", () => {
  test.each([MODEL_PAIRS, ENVIRONMENT_PAIRS, PYTHON_PAIRS, UPSTREAM_PAIRS])("$flag", (form) => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary" }),
      fc.tuple(fc.string(), fc.string()).map((p) => p.join("=")),
    );
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), (texts) => {
        try {
          const pairs = parsePairs(form, texts);
          expect(pairs.size).toBeLessThanOrEqual(texts.length);
          for (const [key, value] of pairs) expect([key, value]).not.toContain("");
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
          // One line each.
          expect((error as Error).message.split("\n").length).toBeLessThanOrEqual(texts.length);
        }
      }),
    );
  });

  test("names and paths come back", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9][\w.-]{0,20}$/);
    fc.assert(
      fc.property(
        name,
        fc.option(fc.stringMatching(/^[1-9]\d{0,4}$/)),
        fc.stringMatching(/^\/[\w=.:/-]*$/),
        (n, v, path) => {
          const key = v === null ? n : `${n}:${v}`;
          expect([...parsePairs(MODEL_PAIRS, [`${key}=${path}`])]).toEqual([[key, resolve(path)]]);
        },
      ),
    );
  });
});
