// A built TypeScript function loads what only some scripts and requests need when it needs it: each of those parts once.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { buildLambda } from "../../../packaging/aws-lambda/build.ts";
import { type LocalFunction, readAnswer, scoreEvent, startFunction } from "../../../packaging/aws-lambda/invoke.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";

const folder = mkdtempSync(join(tmpdir(), "scorefn-late-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A function of a script, and how to ask it. */
async function start(
  name: string,
  source: string,
  files: Record<string, string>,
  env: Record<string, string> = {},
  onOutput: (text: string) => void = () => {},
) {
  const place = join(folder, name);
  mkdirSync(join(place, "node_modules"), { recursive: true });
  symlinkSync(packageFile("."), join(place, "node_modules/scorefn"));
  for (const [file, text] of Object.entries({ ...files, "score.ts": source })) writeFileSync(join(place, file), text);
  const directory = join(place, "build");
  await buildLambda({ entryScript: join(place, "score.ts"), out: directory, noTry: true });
  const local = await startFunction({
    directory,
    onOutput,
    env: { SCOREFN_ERROR_DETAIL: "location", ...env },
  });
  onTestFinished(async () => void (await local.stop()));
  return local;
}

async function ask(local: LocalFunction, event: unknown): Promise<{ status: number; text: string; headers: object }> {
  const outcome = await local.invoke(event, DEADLINE_MS);
  return { ...readAnswer(outcome), headers: JSON.parse(outcome.body.toString()).headers };
}

function get(path: string, query = "", headers: Record<string, string> = {}): object {
  const requestContext = { stage: "$default", http: { method: "GET", path, sourceIp: "127.0.0.1" } };
  return { version: "2.0", rawPath: path, rawQueryString: query, headers, requestContext };
}

const PLAIN = `export function init() {}
export function run(data: string) {
  const { kind } = JSON.parse(data);
  if (kind === "map") return { a: new Map() };
  if (kind === "throw") throw new Error("no such kind");
  if (kind === "stream") return (function* () { yield { a: 1 }; yield { a: 2 }; })();
  return { kind };
}
`;

test("of a plain script: failures, streams, queries, swagger, CORS and config.json", async () => {
  const files = { "config.json": '{"SERVICE_NAME": "from the file"}' };
  const local = await start("plain", PLAIN, files, { AML_CORS_ORIGINS: "https://a.example" });
  const post = (body: string | Buffer) => ask(local, scoreEvent(Buffer.from(body)));
  expect(await ask(local, get("/score", "kind=7"))).toMatchObject({ status: 200, text: '{"kind":7}' });
  expect(await post('{"kind": "stream"}')).toMatchObject({ status: 200, text: '{"a":1}\n{"a":2}\n' });
  const refused = await post('{"kind": "map"}');
  expect(refused.status).toBe(500);
  expect(refused.text).toContain("run() returned a Map at $.a: not JSON serializable; use Object.fromEntries(...)");
  const failed = await post('{"kind": "throw"}');
  expect(JSON.parse(failed.text).error).toMatchObject({
    type: "Error",
    message: "no such kind",
    location: { file: "score.ts", line: 5, function: "run" },
  });
  expect(await post(Buffer.from([0x22, 0xff, 0x22]))).toMatchObject({
    status: 400,
    text: expect.stringContaining("can't decode byte 0xff in position 1: invalid start byte"),
  });
  const swagger = await ask(local, get("/swagger.json", "", { origin: "https://a.example" }));
  expect(JSON.parse(swagger.text).info.title).toBe("from the file");
  expect(swagger.headers).toMatchObject({ "Access-Control-Allow-Origin": "https://a.example" });
});

test("of a raw script", async () => {
  const script = `import { rawHttp } from "scorefn";
export function init() {}
export const run = rawHttp(async (request) => {
  const text = await request.text();
  return text === "bad" ? (text as never) : new Response(text, { status: 201 });
});
`;
  const local = await start("raw", script, {});
  expect(await ask(local, scoreEvent(Buffer.from("good")))).toMatchObject({ status: 201, text: "good" });
  const { status, text } = await ask(local, scoreEvent(Buffer.from("bad")));
  expect(status).toBe(500);
  expect(JSON.parse(text).error).toMatchObject({
    message: "a rawHttp run() must return a Response; it returned a string",
    location: null,
  });
});

test("a failure with no line of the user's is not placed in our own files, which lie below the app root", async () => {
  const local = await start("builtin", "export const init = () => {};\nexport const run = JSON.parse;\n", {});
  const { status, text } = await ask(local, scoreEvent(Buffer.from("no JSON")));
  expect(status).toBe(500);
  expect(JSON.parse(text).error).toMatchObject({ type: "SyntaxError", location: null });
});

test("of a script that declares what it takes", async () => {
  const script = `import { sample, schema } from "scorefn";
export function init() {}
export const run = schema({ input: { data: sample([1]) }, output: sample({ sum: 1 }) }, ({ data }) => ({ sum: data.length }));
`;
  const local = await start("declared", script, {});
  expect(await ask(local, scoreEvent(Buffer.from('{"data": [1, 2]}')))).toMatchObject({
    status: 200,
    text: '{"sum":2}',
  });
  expect(await ask(local, scoreEvent(Buffer.from("{}")))).toMatchObject({
    status: 400,
    text: '{"message": "A value is not provided for the \'data\' parameter."}',
  });
});

test("of JSON logs, whose records have the ids of their request, the script's own too", async () => {
  const script = `export function init() {}
export function run(data: string, context) {
  context.logger.info("from the script");
  return data;
}
`;
  let log = "";
  const local = await start("json", script, {}, { SCOREFN_LOG_FORMAT: "json" }, (text) => {
    log += text;
  });
  for (const id of ["first", "second"]) {
    const event = { ...scoreEvent(Buffer.from("1")), headers: { "x-request-id": id } };
    expect(await ask(local, event)).toMatchObject({ status: 200 });
  }
  await local.stop();
  const records = log.split("\n").filter(Boolean);
  const own = records.map((line) => JSON.parse(line)).filter(({ message }) => message === "from the script");
  expect(own.map(({ request_id }) => request_id)).toEqual(["first", "second"]);
  expect(records.filter((line) => line.includes('"request_id":"first"')).length).toBeGreaterThan(1);
});

test("of a script that sets up a tracing library while it runs: from then on run() is within the request's span", async () => {
  const script = `export function init() {}
let carrier: object | undefined;
export function run() {
  globalThis[Symbol.for("opentelemetry.js.api.1")] ??= {
    context: { active: () => undefined, with: (given, action) => { carrier = given; return action(); } },
    propagation: { extract: (_context, given) => given },
  };
  return carrier ?? "none";
}
`;
  const local = await start("traced", script, {});
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const event = { ...scoreEvent(Buffer.from("1")), headers: { traceparent } };
  expect(await ask(local, event)).toMatchObject({ status: 200, text: '"none"' });
  for (let round = 0; round < 2; round++) {
    expect(await ask(local, event)).toMatchObject({ status: 200, text: JSON.stringify({ traceparent }) });
  }
});

test("of settings that are wrong: requests get the reason", async () => {
  const local = await start("wrong", PLAIN, {}, { SCORING_TIMEOUT_MS: "soon" });
  const { status, text } = await ask(local, scoreEvent(Buffer.from("{}")));
  expect(status).toBe(503);
  expect(text).toContain("SCORING_TIMEOUT_MS");
});
