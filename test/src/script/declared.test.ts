import { expect, test } from "vitest";
import { z } from "zod";
import { createLog } from "../../../src/host.ts";
import { rawHttp, schema } from "../../../src/index.ts";
import { describeIssues } from "../../../src/script/declared.ts";
import { loadJavaScript } from "../../../src/script/javascript.ts";

/** A script of which only run() matters. */
async function load(run: unknown) {
  let logged = "";
  const log = createLog((text) => {
    logged += text;
  }, "INFO");
  const script = await loadJavaScript(
    { entryScript: "/app/score.ts", appRoot: "/app", modelDir: null, importScript: async () => ({ init() {}, run }) },
    log,
  );
  const call = async (body: string) =>
    script.run({ body: Buffer.from(body), signal: () => new AbortController().signal });
  return { facts: script.facts, call, logged: () => logged };
}

const answer = () => new Response();

test.each([
  schema({ input: { a: z.string() } }, rawHttp(answer) as never),
  rawHttp(schema({ input: { a: z.string() } }, answer as never) as never),
])("schema and rawHttp at once are refused (SIG-4) %#", async (run) => {
  await expect(load(run)).rejects.toMatchObject({
    code: "ERR_SCRIPT_SHAPE",
    message: "run() cannot be decorated with both rawHttp and schema",
  });
});

test("a declared output alone hands the object over as it is (SIG-8)", async () => {
  const { facts, call, logged } = await load(schema({ output: z.unknown() }, (input) => input));
  expect(facts).toMatchObject({ input: "json", schemas: { input: { type: "object" } } });
  expect(await call('{"b": [1], "a": null}')).toMatchObject({ body: '{"b":[1],"a":null}' });
  expect(logged()).toContain("Server will invoke it with the members of the JSON object.");
});

test("an author's `this`, context and promise are as without a schema", async () => {
  const { call } = await load(
    schema({ input: { a: z.string().refine(async () => true) } }, async ({ a }, { requestHeaders }) => [
      a,
      requestHeaders,
    ]),
  );
  expect(await call('{"a": "x"}')).toMatchObject({ kind: "json", body: '["x",{}]' });
  await expect(call('{"a": 1}')).rejects.toMatchObject({
    status: 400,
    message: "Invalid input: a: expected string, received number",
  });
});

test("a validator that throws is the script's failure (ERR-9)", async () => {
  const bug = z.string().refine(() => {
    throw new Error("bug");
  });
  const { call } = await load(schema({ input: { a: bug } }, () => 1));
  await expect(call('{"a": "x"}')).rejects.toMatchObject({ code: "ERR_SCRIPT_RUN", message: "Error: bug" });
});

test("input nested too deep for a validator is refused like any that is too deep (IN-16)", async () => {
  const TREE: z.ZodType = z.lazy(() => z.array(TREE));
  const { call } = await load(schema({ input: { a: TREE } }, () => 1));
  await expect(call(`{"a": ${"[".repeat(50_000)}${"]".repeat(50_000)}}`)).rejects.toMatchObject({
    status: 400,
    message: expect.stringContaining("POST body could not be decoded as JSON: Nested deeper than 1000 levels"),
  });
});

test("a schema that no version of the documents can be made of stops the script from loading", async () => {
  const broken = { type: "array", items: { $ref: "#/%" } };
  await expect(load(schema({ input: { a: broken } }, () => 1))).rejects.toMatchObject({ code: "ERR_SCRIPT_LOAD" });
});

test("a streamed result is not checked as a whole", async () => {
  const { call } = await load(
    schema({ input: { a: z.number() }, output: z.array(z.number()) }, function* ({ a }) {
      yield { a };
    }),
  );
  expect(await call('{"a": 1}')).toMatchObject({
    kind: "response",
    headers: [["Content-Type", "application/x-ndjson"]],
  });
});

test("places are written as in the language, a few of them", () => {
  const issue = (...path: PropertyKey[]) => ({ path, message: "no" });
  expect(describeIssues([issue("a", 0, "b", "x y"), issue(), issue(Symbol("s")), issue("b"), issue("c")])).toBe(
    'a[0].b["x y"]: no; no; ["Symbol(s)"]: no; and 2 more',
  );
});
