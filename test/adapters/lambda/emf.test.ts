// Metrics as CloudWatch reads them from the log. The rules are those of the specification of its embedded metric format.
import { afterAll, describe, expect, test } from "vitest";
import { createListener } from "../../../adapters/http/index.ts";
import { createHandler, inProcess, startService } from "../../../adapters/lambda/index.ts";
import { createListenerHandler } from "../../../adapters/lambda/listener.ts";
import { streamHandler } from "../../../adapters/lambda/stream.ts";
import { startScript, type TestService } from "./driver.ts";
import { contextWith, receiveStream, toEvent } from "./front-door.ts";

const UNITS =
  /^(?:Seconds|Microseconds|Milliseconds|Bytes|Kilobytes|Megabytes|Gigabytes|Terabytes|Bits|Kilobits|Megabits|Gigabits|Terabits|Percent|Count|None|(?:Bytes|Kilobytes|Megabytes|Gigabytes|Terabytes|Bits|Kilobits|Megabits|Gigabits|Terabits|Count)\/Second)$/;
/** Bytes of a log event. */
const MAX_EVENT_BYTES = 1_048_576;

/** The essential rules: what breaks one is a log event, and no metric. */
function check(text: string): Record<string, unknown> {
  expect(Buffer.byteLength(text)).toBeLessThan(MAX_EVENT_BYTES);
  const line = JSON.parse(text);
  const { Timestamp, CloudWatchMetrics } = line._aws;
  expect(Number.isInteger(Timestamp) && Math.abs(Date.now() - Timestamp) < 3_600_000).toBe(true);
  expect(CloudWatchMetrics.length).toBeGreaterThan(0);
  for (const { Namespace, Dimensions, Metrics, ...more } of CloudWatchMetrics) {
    expect(Object.keys(more)).toEqual([]);
    expect(Namespace).toMatch(/^[\w./#:-]{1,255}$/);
    expect(Dimensions.length).toBeGreaterThan(0);
    for (const names of Dimensions) {
      expect(names.length).toBeLessThanOrEqual(30);
      for (const name of names) {
        expect(name).toMatch(/^[\x20-\x7e]{1,250}$/);
        expect(name.startsWith(":")).toBe(false);
        expect(typeof line[name]).toBe("string");
        expect(line[name]).toMatch(/^[\x20-\x7e]{1,1024}$/);
        expect(line[name].trim()).not.toBe("");
      }
    }
    expect(Metrics.length).toBeLessThanOrEqual(100);
    for (const { Name, Unit, ...rest } of Metrics) {
      expect(Object.keys(rest)).toEqual([]);
      expect(Name).toMatch(/^[\x20-\x7e]{1,1024}$/);
      expect(Unit).toMatch(UNITS);
      expect(Number.isFinite(line[Name]), Name).toBe(true);
      expect(Math.abs(line[Name])).toBeLessThan(2 ** 360);
    }
    expect(new Set(Metrics.map(({ Name }: { Name: string }) => Name)).size).toBe(Metrics.length);
  }
  return line;
}

const ON = { SCOREFN_METRICS: "emf", AWS_LAMBDA_FUNCTION_NAME: "score", AWS_LAMBDA_FUNCTION_VERSION: "$LATEST" };
const services: TestService[] = [];
afterAll(() => Promise.all(services.map(({ runtime }) => runtime.close(0))));

async function start(script: string, language: "python" | "typescript" = "typescript", env: object = ON) {
  const service = await startScript(script, language, env as Record<string, string>);
  services.push(service);
  const lines = () =>
    service
      .logged()
      .split("\n")
      .filter((line) => line.startsWith("{"));
  return { service, handler: createHandler(service), lines };
}

const post = (body: string, more: object = {}) => toEvent("url", { target: "/score", body, ...more });

describe.each(["python", "typescript"] as const)("%s", (language) => {
  const extension = language === "python" ? "py" : "ts";

  test("each request is one line, the first of them a cold start", async () => {
    const { handler, lines } = await start(`echo.${extension}`, language);
    const headers: [string, string][] = [["x-request-id", "id-1"]];
    await handler(post("12345", { headers }), contextWith(60_000));
    await handler(post("1"), contextWith(60_000));
    const [first, second, ...others] = lines().map(check);
    expect(others).toEqual([]);
    expect(first).toMatchObject({
      FunctionName: "score",
      Route: "/score",
      StatusClass: "2xx",
      RequestBytes: 5,
      ResponseBytes: 7,
      Errors: 0,
      ColdStarts: 1,
      Status: 200,
      FunctionVersion: "$LATEST",
      RequestId: "id-1",
    });
    expect(second).toMatchObject({ ColdStarts: 0, RequestBytes: 1 });
    for (const name of ["RequestTime", "QueueTime", "RunTime"]) expect(first![name]).toBeGreaterThanOrEqual(0);
    expect(first!.RequestTime).toBeGreaterThanOrEqual(first!.RunTime as number);
  });

  test("what fails counts as an error, and says which; paths that clients make up do not make metrics", async () => {
    const { handler, lines } = await start(`raises.${extension}`, language);
    await handler(post("{}"), contextWith(60_000));
    await handler(toEvent("url", { target: "/made/up" }), contextWith(60_000));
    await handler(toEvent("url", { target: "/score", method: "DELETE" }), contextWith(60_000));
    const [failed, unknown, method] = lines().map(check);
    expect(failed).toMatchObject({ Route: "/score", StatusClass: "5xx", Errors: 1, ErrorCode: "ERR_SCRIPT_RUN" });
    expect(unknown).toMatchObject({ Route: "none", StatusClass: "4xx", Errors: 0, ErrorCode: "ERR_NOT_FOUND" });
    expect(unknown).not.toHaveProperty("RunTime");
    expect(method).toMatchObject({ Route: "/score", Status: 405, Errors: 0 });
  });
});

test("a request that was given up is one line, whatever comes of it later", async () => {
  const { handler, lines } = await start("never_returns.ts");
  const event = post("swallow");
  expect(await handler(event, contextWith(500))).toMatchObject({ statusCode: 504 });
  await handler(toEvent("url", { target: "/" }), contextWith(60_000));
  const [givenUp, probe, ...others] = lines().map(check);
  expect(others).toEqual([]);
  expect(givenUp).toMatchObject({ Status: 504, Errors: 1, ErrorCode: "ERR_DEADLINE" });
  // 500 ms, less a quarter.
  expect(givenUp!.RequestTime).toBeGreaterThanOrEqual(374);
  expect(probe).toMatchObject({ Route: "/", Status: 200 });
});

describe("a stream that breaks off", () => {
  test("is a 500 where it was collected", async () => {
    const { handler, lines } = await start("rows_fail_later.ts");
    expect(await handler(post("{}"), contextWith(60_000))).toMatchObject({ statusCode: 500 });
    expect(lines().map(check)).toMatchObject([{ Status: 500, Errors: 1 }]);
  });

  test("has the bytes that were sent where it was streamed", async () => {
    const { service, lines } = await start("rows_fail_later.ts");
    const answer = await receiveStream((stream, begin) => streamHandler(service, begin)(post("{}"), stream));
    expect(answer.complete).toBe(false);
    expect(lines().map(check)).toMatchObject([{ Status: 200, ResponseBytes: answer.body.length }]);
  });
});

test("direct invocations, REST APIs and listeners of the user's own have lines, warm-ups have none", async () => {
  const { service, handler, lines } = await start("echo.ts");
  await handler({ data: 1 });
  await handler({ source: "aws.events" });
  await handler(toEvent("rest", { target: "/score", body: "1" }));
  const listener = createListener(service.scorer, service.config, service.log);
  await createListenerHandler(listener, service)(post("123"), contextWith(60_000));
  const read = lines().map(check);
  expect(read.map(({ Status, ColdStarts, RequestBytes }) => [Status, ColdStarts, RequestBytes])).toEqual([
    [200, 1, 10],
    [200, 0, 1],
    [200, 0, 3],
  ]);
});

test("a line is one write, of nothing else", async () => {
  const writes: string[] = [];
  const service = await startService(
    inProcess(async () => ({ init() {}, run: (data: string) => data })),
    { entryScript: "score.js", env: ON, write: (text) => void writes.push(text) },
  );
  await createHandler(service)(post("x".repeat(100_000)), contextWith(60_000));
  expect(writes.filter((text) => text.includes('"_aws"')).map((text) => text.split("\n").length)).toEqual([2]);
});

test("an environment that was made in advance has no cold start", async () => {
  const { handler, lines } = await start("echo.ts", "typescript", {
    ...ON,
    AWS_LAMBDA_INITIALIZATION_TYPE: "provisioned-concurrency",
  });
  await handler(post("1"));
  expect(lines().map(check)).toMatchObject([{ ColdStarts: 0 }]);
});

test.for([{}, { SCOREFN_METRICS: "off" }, { SCOREFN_METRICS: "/metrics" }])("with %j there is no line", async (env) => {
  const { service, handler, lines } = await start("echo.ts", "typescript", env);
  expect(await handler(post("1"))).toMatchObject({ statusCode: 200 });
  expect(service.observer).toBeUndefined();
  expect(lines()).toEqual([]);
});
