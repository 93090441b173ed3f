// Traces of functions: built ones in a process of their own, under a Runtime API that tells extensions of invocations as
// Lambda does, and sent to a sink.
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { createListener } from "../../../adapters/http/index.ts";
import { createHandler } from "../../../adapters/lambda/index.ts";
import { createListenerHandler } from "../../../adapters/lambda/listener.ts";
import { buildLambda } from "../../../packaging/aws-lambda/build.ts";
import { readAnswer, scoreEvent, startFunction } from "../../../packaging/aws-lambda/invoke.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { SCRIPTS } from "../../setup/service.ts";
import { startTelemetrySink, type TelemetrySink } from "../../setup/telemetry-sink.ts";
import { startScript } from "./driver.ts";
import { contextWith, toEvent } from "./front-door.ts";
import { spansOf } from "./spans.ts";

const folder = mkdtempSync(join(tmpdir(), "scorefn-lambda-telemetry-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const builds = { behaves: join(folder, "behaves"), streams: join(folder, "streams"), python: join(folder, "python") };

beforeAll(async () => {
  const script = packageFile("test/adapters/lambda/scripts/behaves.ts");
  await buildLambda({ entryScript: script, out: builds.behaves, noTry: true });
  await buildLambda({ entryScript: script, out: builds.streams, streams: true, noTry: true });
  const source = mkdtempSync(join(folder, "source-"));
  cpSync(join(SCRIPTS, "echo.py"), join(source, "echo.py"));
  await buildLambda({ entryScript: join(source, "echo.py"), out: builds.python, noTry: true });
});

const CALLERS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const XRAY = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
const SERVER = 2;
/** What telemetry may take of the time behind an answer, and what OpenTelemetry itself would wait for a sink. */
const FLUSH_LIMIT_MS = 1_000;
const EXPORT_TIMEOUT_MS = 10_000;
/** More than a test has. */
const LONG_MS = 900_000;

async function sink(): Promise<TelemetrySink> {
  const started = await startTelemetrySink();
  onTestFinished(() => started.close());
  return started;
}

const sentTo = ({ url }: TelemetrySink) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json",
});

async function start(directory: string, env: Record<string, string>) {
  let log = "";
  const local = await startFunction({
    directory,
    env,
    onOutput: (text) => {
      log += text;
    },
  });
  onTestFinished(async () => void (await local.stop()));
  const event = (body: string, headers: Record<string, string> = {}) => {
    const whole = scoreEvent(Buffer.from(body)) as { headers: object };
    return { ...whole, headers: { ...whole.headers, ...headers } };
  };
  return {
    ...local,
    log: () => log,
    post: async (body: string, headers?: Record<string, string>, traceId?: string) =>
      readAnswer(await local.invoke(event(body, headers), undefined, traceId)),
  };
}

describe.each(["behaves", "streams", "python"] as const)("the build %s", (name) => {
  test("has sent what it traced when Lambda would freeze it", async () => {
    const to = await sink();
    const local = await start(builds[name], { ...sentTo(to), OTEL_BSP_SCHEDULE_DELAY: "600000" });
    for (const [index, body] of ["one", "two"].entries()) {
      expect((await local.post(body, { traceparent: CALLERS }, XRAY)).status).toBe(200);
      await local.api.idle();
      expect(to.requests).toHaveLength(index + 1);
    }
    const spans = spansOf(to.requests);
    const requests = spans.filter(({ kind }) => kind === SERVER);
    expect(requests.map(({ attributes }) => attributes["faas.coldstart"])).toEqual([true, false]);
    for (const { traceId, parentSpanId, attributes, resource } of requests) {
      expect([traceId, parentSpanId]).toEqual([CALLERS.slice(3, 35), CALLERS.slice(36, 52)]);
      expect(attributes["faas.invocation_id"]).toMatch(/^[0-9a-f-]{36}$/);
      expect(attributes["cloud.resource_id"]).toBe("arn:aws:lambda:local:000000000000:function:score");
      expect(resource).toMatchObject({
        "cloud.provider": "aws",
        "cloud.platform": "aws_lambda",
        "faas.name": "score",
        "faas.version": "$LATEST",
        "faas.instance": "local",
      });
    }
    const runs = spans.filter((span) => span.name === "run");
    expect(runs.map(({ parentSpanId }) => parentSpanId)).toEqual(requests.map(({ spanId }) => spanId));
  });

  test("continues the trace that X-Ray has begun, by HTTP and without", async () => {
    const to = await sink();
    const local = await start(builds[name], sentTo(to));
    await local.post("one", {}, XRAY);
    await local.post("two", { "x-amzn-trace-id": XRAY });
    await local.invoke({ data: 1 }, undefined, XRAY);
    await local.api.idle();
    const requests = spansOf(to.requests).filter(({ kind }) => kind === SERVER);
    expect(requests.map(({ traceId, parentSpanId }) => [traceId, parentSpanId])).toEqual(
      Array(3).fill(["5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8"]),
    );
  });

  test("neither answers nor goes on later for a sink that hangs", async () => {
    const to = await sink();
    to.answer = () => "hang";
    const local = await start(builds[name], sentTo(to));
    const answeredMs: number[] = [];
    const behindMs: number[] = [];
    for (const body of ["one", "two", "three"]) {
      const answer = await local.invoke(scoreEvent(Buffer.from(body)));
      expect(readAnswer(answer).status).toBe(200);
      answeredMs.push(answer.durationMs);
      const from = performance.now();
      await local.api.idle();
      behindMs.push(performance.now() - from);
    }
    expect(to.requests.length).toBeGreaterThan(0);
    // The best of three, as the machine may be busy.
    expect(Math.min(...answeredMs)).toBeLessThan(FLUSH_LIMIT_MS);
    expect(Math.min(...behindMs)).toBeLessThan(EXPORT_TIMEOUT_MS / 2);
    expect(await local.stop()).toBe(0);
  });

  test("sends nothing of what the caller does not keep", async () => {
    const to = await sink();
    const local = await start(builds[name], sentTo(to));
    expect((await local.post("one", { traceparent: CALLERS.replace(/01$/, "00") }, XRAY)).status).toBe(200);
    await local.api.idle();
    expect(await local.stop()).toBe(0);
    expect(to.requests).toEqual([]);
  });
});

test("a function whose tracing by X-Ray is off begins traces of its own", async () => {
  const to = await sink();
  const local = await start(builds.behaves, sentTo(to));
  await local.post("one", {}, XRAY.replace("Sampled=1", "Sampled=0"));
  await local.api.idle();
  const [request] = spansOf(to.requests).filter(({ kind }) => kind === SERVER);
  expect(request!.traceId).not.toContain("5759e988");
  expect(request!.parentSpanId ?? "").toBe("");
});

test.for<Record<string, string>>([
  { OTEL_TRACES_SAMPLER: "always_off" },
  { OTEL_SDK_DISABLED: "true" },
  { OTEL_TRACES_EXPORTER: "none" },
  { OTEL_PROPAGATORS: "xray" },
])("with %j an X-Ray trace that is not kept, or any, is not sent", async (env) => {
  const to = await sink();
  const local = await start(builds.behaves, { ...sentTo(to), ...env });
  expect((await local.post("one", {}, XRAY.replace("Sampled=1", "Sampled=0"))).status).toBe(200);
  await local.api.idle();
  expect(await local.stop()).toBe(0);
  expect(to.requests).toEqual([]);
});

test("an invocation that something around the handler has answered is not held up", async () => {
  const to = await sink();
  const wrapped = join(folder, "wrapped");
  cpSync(builds.behaves, wrapped, { recursive: true });
  writeFileSync(
    join(wrapped, "function/index.mjs"),
    `import { handler as own } from "./scorefn/host.mjs";
export const handler = async (event, context) =>
  event.skip ? { statusCode: 204, body: "", isBase64Encoded: false } : own(event, context);
`,
  );
  const local = await start(wrapped, sentTo(to));
  for (const skip of [true, false, true, false]) {
    const before = to.requests.length;
    const event = { ...scoreEvent(Buffer.from("x")), skip };
    expect(readAnswer(await local.invoke(event, LONG_MS)).status).toBe(skip ? 204 : 200);
    await local.api.idle();
    expect(to.requests).toHaveLength(before + (skip ? 0 : 1));
  }
});

test("without settings nothing of it is loaded, and Lambda tells the extension of nothing", async () => {
  const bare = join(folder, "bare");
  cpSync(builds.behaves, bare, { recursive: true });
  const own = join(bare, "function/scorefn");
  const unused = readdirSync(own).filter((file) => /^(?:late-|telemetry-|fetch-)/.test(file));
  expect(unused).toContain("telemetry-sdk.mjs");
  for (const file of unused) rmSync(join(own, file));
  const local = await start(bare, {});
  expect(await local.post("one", { traceparent: CALLERS }, XRAY)).toEqual({ status: 200, text: '"one"' });
  expect(local.api.extensions).toEqual(["scorefn"]);
});

test("a library that is not there is told once, and the function answers", async () => {
  const broken = join(folder, "broken");
  cpSync(builds.behaves, broken, { recursive: true });
  rmSync(join(broken, "function/scorefn/telemetry-sdk.mjs"));
  const local = await start(broken, { OTEL_TRACES_EXPORTER: "otlp" });
  expect((await local.post("one")).status).toBe(200);
  expect((await local.post("two")).status).toBe(200);
  expect(local.log().match(/Telemetry is off, because it cannot be loaded/g)).toHaveLength(1);
});

describe("where there are no extensions", () => {
  const inProcess = async (to: TelemetrySink, more: Record<string, string> = {}) => {
    for (const [name, value] of Object.entries(sentTo(to))) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const service = await startScript("echo.ts", "typescript", { ...sentTo(to), ...more });
    onTestFinished(async () => {
      await service.observer?.close();
      await service.runtime.close(0);
    });
    return service;
  };
  const event = toEvent("url", { target: "/score", body: "1", headers: [["X-Amzn-Trace-Id", XRAY]] });

  test("what was traced leaves before the answer does, by every entry", async () => {
    const to = await sink();
    const service = await inProcess(to);
    expect(await createHandler(service)(event, contextWith(60_000))).toMatchObject({ statusCode: 200 });
    expect(to.requests).toHaveLength(1);
    const listener = createListener(service.scorer, service.config, service.log);
    const doors = ["url", "rest", "alb", "alb-multi"] as const;
    for (const [index, door] of doors.entries()) {
      const sent = toEvent(door, { target: "/score", body: "1", headers: [["X-Amzn-Trace-Id", XRAY]] });
      expect(await createListenerHandler(listener, service)(sent)).toMatchObject({ statusCode: 200 });
      expect(to.requests).toHaveLength(2 + index);
    }
    const requests = spansOf(to.requests).filter(({ kind }) => kind === SERVER);
    const traces = requests.map(({ traceId }) => traceId);
    expect(traces).toEqual(Array(1 + doors.length).fill("5759e988bd862e3fe1be46a994272793"));
    expect(requests.map(({ attributes }) => attributes["faas.coldstart"])).toEqual([true, ...doors.map(() => false)]);
  });

  test("a sink that hangs does not keep an answer for ever", async () => {
    const to = await sink();
    to.answer = () => "hang";
    const service = await inProcess(to);
    expect(await createHandler(service)(event, contextWith(60_000))).toMatchObject({ statusCode: 200 });
  });

  test("requests that are answered at the same time do not wait for each other's traces", async () => {
    const to = await sink();
    to.answer = () => "hang";
    const service = await inProcess(to, { AWS_LAMBDA_MAX_CONCURRENCY: "8" });
    const { observer } = service;
    const request = { headers: {} };
    observer!.begun(request, contextWith(60_000));
    expect(observer!.ended(request, { awsRequestId: "1" })).toBeUndefined();
    const handler = createHandler(service);
    const answers = await Promise.all(Array.from({ length: 8 }, () => handler(structuredClone(event))));
    expect(answers).toMatchObject(Array(8).fill({ statusCode: 200 }));
  });
});
