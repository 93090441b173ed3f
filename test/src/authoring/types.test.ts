import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { expectTypeOf, test } from "vitest";
import { z } from "zod";
import { type RunContext, rawHttp, type ScoreScript, sample, schema } from "../../../src/index.ts";

// The compiler holds these; running them proves only that declaring does not throw.

test("run() gets what schemas give: defaults filled in, values converted", () => {
  schema(
    {
      input: {
        data: z.array(z.array(z.number())),
        k: z.number().default(3),
        when: z.iso.datetime().transform((text) => new Date(text)),
        name: v.optional(v.string()),
        rows: toStandardJsonSchema(v.array(v.number())),
        point: type({ x: "number", "y?": "string" }),
      },
    },
    (input, context) => {
      expectTypeOf(input).toEqualTypeOf<{
        data: number[][];
        k: number;
        when: Date;
        name: string | undefined;
        rows: number[];
        point: { x: number; y?: string };
      }>();
      expectTypeOf(context).toEqualTypeOf<RunContext>();
      return null;
    },
  );
});

test("run() gets the kinds of samples", () => {
  schema(
    {
      input: {
        whole: sample(1),
        text: sample("x"),
        flag: sample(true),
        rows: sample([[1.5]]),
        bytes: sample(new Uint8Array(1)),
        when: sample(new Date()),
        nested: sample({ a: 1, list: ["x"], deep: sample({ flag: false }), checked: z.array(z.number()) }),
        maybe: sample(1, { optional: true }),
      },
    },
    (input) => {
      expectTypeOf(input.whole).toEqualTypeOf<number>();
      expectTypeOf(input.text).toEqualTypeOf<string>();
      expectTypeOf(input.flag).toEqualTypeOf<boolean>();
      expectTypeOf(input.rows).toEqualTypeOf<number[][]>();
      expectTypeOf(input.bytes).toExtend<Uint8Array>();
      expectTypeOf(input.when).toEqualTypeOf<Date>();
      expectTypeOf(input.nested).toEqualTypeOf<{
        a: number;
        list: string[];
        deep: { flag: boolean };
        checked: number[];
      }>();
      expectTypeOf(input.maybe).toEqualTypeOf<number | undefined>();
    },
  );
});

test("run() gets the types of plain JSON Schemas", () => {
  schema(
    {
      input: {
        rows: { type: "array", items: { type: "array", items: { type: "number" } } },
        mode: { enum: ["sum", "mean"], default: "sum" },
        point: {
          type: "object",
          properties: { x: { type: "integer" }, y: { type: ["string", "null"] } },
          required: ["x"],
        },
        anything: {},
      },
    },
    (input) => {
      expectTypeOf(input).toEqualTypeOf<{
        rows: number[][];
        mode: "sum" | "mean";
        point: { x: number; y?: string | null };
        anything: unknown;
      }>();
    },
  );
});

test("without a declared input, run() gets the JSON object", () => {
  schema({ output: z.number() }, (input) => {
    expectTypeOf(input).toEqualTypeOf<Record<string, unknown>>();
    return 1;
  });
});

test("run() has to give what the output's schema takes", () => {
  schema({ input: { a: sample(1) }, output: z.array(z.number()) }, async ({ a }) => [a]);
  schema({ input: { a: sample(1) }, output: sample({ mean: 1.5 }) }, ({ a }) => ({ mean: a }));
  schema({ input: { a: sample(1) }, output: { type: "array", items: { type: "string" } } }, () => ["x"]);
  schema({ input: { a: sample(1) }, output: z.array(z.number()) }, function* ({ a }) {
    yield a;
  });
  // @ts-expect-error a string is no list of numbers
  schema({ input: { a: sample(1) }, output: z.array(z.number()) }, () => "x");
  // @ts-expect-error neither is a list of strings
  schema({ input: { a: sample(1) }, output: sample([1.5]) }, async () => ["x"]);
});

test("a declared run() can be called like the author's own", async () => {
  const run = schema({ input: { a: sample(1) } }, async ({ a }) => a + 1);
  expectTypeOf(run).parameter(0).toEqualTypeOf<{ a: number }>();
  expectTypeOf(run).returns.toEqualTypeOf<Promise<number>>();
});

test("a default export names what its run() gets", () => {
  const init = (): void => {};
  const declared = { init, run: schema({ input: { k: sample(1) } }, ({ k }) => k + 1) };
  expectTypeOf(declared).toExtend<ScoreScript<{ k: number }>>();
  expectTypeOf({ init, run: rawHttp(() => new Response()) }).toExtend<ScoreScript<Request>>();
  expectTypeOf({ init, run: (data: string) => data.length }).toExtend<ScoreScript>();
  expectTypeOf({ init, run: (data: number) => data }).not.toExtend<ScoreScript>();
});
