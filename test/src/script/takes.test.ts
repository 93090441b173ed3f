import { expect, test } from "vitest";
import { rawHttp } from "../../../src/authoring/authoring.ts";
import { sample, schema } from "../../../src/index.ts";
import { scriptTakes } from "../../../src/script/takes.ts";

type Run = (...args: never[]) => unknown;

test.each<[string, Run]>([
  ["an arrow", (data: string) => data],
  ["an async arrow", async (data: string) => data],
  [
    "a function",
    function run(data: string) {
      return data;
    },
  ],
  [
    "a generator",
    function* run(data: string) {
      yield data;
    },
  ],
  [
    "a method",
    {
      run(data: string) {
        return data;
      },
    }.run,
  ],
  ["a function without parameters", () => 1],
  ["a declared run()", schema({ input: { data: sample(1), k: sample(1) } }, ({ data, k = 1 }) => data + k)],
])("%s with one plain parameter takes only the body", (_, run) => {
  expect(scriptTakes(run)).toBe("body");
});

test.each<[string, Run]>([
  ["a second parameter", (_data: string, context: object) => context],
  [
    "a declared run() with a second one",
    schema({ input: { data: sample(1) } }, ({ data }, { requestId }) => [data, requestId]),
  ],
  ["a default in a default", ({ k = () => 1 }, context = {}) => [k, context]],
  ["a default", (_data: string, context = {}) => context],
  ["a rest", (...all: unknown[]) => all],
  [
    "`arguments`",
    function run(_data: string) {
      // biome-ignore lint/complexity/noArguments: that is the case
      return arguments[1];
    },
  ],
  ["a built-in", Math.max],
])("%s means that it may look at the context", (_, run) => {
  expect(scriptTakes(run)).toBe("headers");
});

test("a raw run() takes the request", () => {
  expect(scriptTakes(rawHttp(() => new Response()))).toBe("request");
});
