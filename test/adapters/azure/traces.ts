// What a function app traces, in both transports: parts of the host's own span, and no span of a server.
import { AsyncLocalStorage } from "node:async_hooks";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { app } from "@azure/functions";
import {
  type Context,
  type ContextManager,
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { inProcess } from "../../../adapters/azure/service.ts";
import { lateTelemetry, REQUEST_EVENTS } from "../../../adapters/azure/telemetry.ts";
import { registerLifecycle } from "../../../functions/lifecycle.ts";
import { openTelemetry, resolveConfig } from "../../../src/host.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import type { SentSpan } from "../../setup/otlp.ts";
import { until } from "../../setup/service.ts";
import type { TelemetrySink } from "../../setup/telemetry-sink.ts";
import { type StartOptions, startApp, type TestApp, type Transport } from "./host.ts";
import { INTERNAL, named, startSink } from "./sink.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const HOST_SPAN = "b7ad6b7169203331";
const traceParent = `00-${TRACE}-${HOST_SPAN}-01`;
/** The client's, which the host's own span comes after. */
const CLIENT = [
  ["traceparent", `00-${TRACE}-00f067aa0ba902b7-01`],
  ["tracestate", "client=1"],
] as const;

/** An app that sends its spans to a sink. */
async function startTraced(
  transport: Transport,
  script: string,
  options: StartOptions = {},
  more: Readonly<Record<string, string>> = {},
): Promise<TestApp & { sink: TelemetrySink; spans: () => SentSpan[] }> {
  const { sink, env: own, spans } = await startSink();
  const env = { ...own, ...more };
  // OpenTelemetry's own code asks the process.
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const app = await startApp(transport, script, env, { limitMs: DEADLINE_MS, traceParent, ...options });
  return { ...app, sink, spans };
}

const SAYS_PLACE = {
  init() {},
  run: (_data: string, { traceparent, tracestate }: { traceparent?: string; tracestate?: string }) => ({
    traceparent,
    tracestate,
    active: trace.getActiveSpan()?.spanContext().spanId,
  }),
};

export function describeTraces(transport: Transport): void {
  describe(`Azure Functions, ${transport}: traces`, () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "scorefn-traces-"));
    });
    afterEach(() => {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true, force: true });
    });

    test("a request is a part of the host's span, with its waiting and its run() below it, and never a server's", async () => {
      const { send, terminate, sink, spans } = await startTraced(transport, "echo.ts");
      const headers = [...CLIENT, ["x-request-id", "R"]] as const;
      expect((await send({ target: "/score?code=KEY", headers, body: '"x"' })).status).toBe(200);
      await send({ target: "/swagger.json" });
      await send({ target: "/" });
      await terminate();
      const sent = spans();
      expect(sent.map(({ name }) => name).sort()).toEqual(["queue", "run", "score", "swagger.json"]);
      expect(sent.map(({ kind }) => kind)).toEqual(sent.map(() => INTERNAL));
      expect(sent.map(({ traceId }) => traceId)).toEqual(sent.map(() => TRACE));
      const [score, queue, run] = [named(sent, "score"), named(sent, "queue"), named(sent, "run")];
      expect([score.parentSpanId, named(sent, "swagger.json").parentSpanId]).toEqual([HOST_SPAN, HOST_SPAN]);
      expect([queue.parentSpanId, run.parentSpanId]).toEqual([score.spanId, score.spanId]);
      const { attributes } = score;
      expect(attributes).toMatchObject({
        "http.route": "/score",
        "http.response.status_code": 200,
        "scorefn.request_id": "R",
      });
      // The host's span has them; with these ours would be shown as a call to another server.
      for (const name of ["http.request.method", "url.path", "url.query", "server.address"]) {
        expect(attributes).not.toHaveProperty([name]);
      }
      expect(sink.requests.map(({ body }) => body.toString()).join()).not.toContain("KEY");
    });

    test("a failing run() is told in the part, and so is a request that is refused", async () => {
      const { send, terminate, spans } = await startTraced(transport, "raises.ts");
      expect((await send({ target: "/score", body: "x" })).status).toBe(500);
      expect((await send({ method: "PUT", target: "/score", body: "x" })).status).toBe(405);
      await terminate();
      const [failed, refused] = spans().filter(({ name }) => name === "score");
      expect(failed).toMatchObject({ kind: INTERNAL, status: { code: 2 }, events: [{ name: "exception" }] });
      expect(failed?.attributes).toMatchObject({ "error.type": "ERR_SCRIPT_RUN" });
      expect(refused?.attributes).toMatchObject({ "http.response.status_code": 405 });
    });

    test("the script continues it: by the values, and by the active span of a tracing library", async () => {
      registerApi();
      const options = { createRuntime: inProcess(async () => SAYS_PLACE) };
      const { send, terminate, spans } = await startTraced(transport, "score.ts", options);
      const place = JSON.parse((await send({ target: "/score", headers: CLIENT, body: "x" })).body.toString());
      await terminate();
      const run = named(spans(), "run");
      expect(place).toEqual({ traceparent: `00-${TRACE}-${run.spanId}-01`, active: run.spanId });
    });

    test.each([
      ["without a state, which is then the client's no more", undefined],
      ["with a state", "host=2"],
    ])("without telemetry the script continues the host's span, %s", async (_what, traceState) => {
      registerApi();
      const options = { createRuntime: inProcess(async () => SAYS_PLACE), traceParent, traceState };
      const { send } = await startApp(transport, "score.ts", {}, options);
      const place = JSON.parse((await send({ target: "/score", headers: CLIENT, body: "x" })).body.toString());
      expect(place).toEqual({ traceparent: traceParent, tracestate: traceState, active: HOST_SPAN });
    });

    test("JSON records of a request are one each for the host, with the ids of its trace", async () => {
      const more = { SCOREFN_LOG_FORMAT: "json" };
      const { send, terminate, spans, logged } = await startTraced(transport, "echo.ts", {}, more);
      await send({ target: "/score", headers: [["x-request-id", "R"]], body: '"x"' });
      await terminate();
      const { spanId } = named(spans(), "score");
      const records = logged.map(({ text }) => JSON.parse(text));
      expect(records.length).toBeGreaterThan(0);
      for (const record of records) expect(record).toMatchObject({ request_id: "R", trace_id: TRACE, span_id: spanId });
    });

    test("what the host does not record is not sent, and the script still gets its place", async () => {
      const options = {
        createRuntime: inProcess(async () => SAYS_PLACE),
        traceParent: traceParent.replace(/01$/, "00"),
      };
      const { send, terminate, spans } = await startTraced(transport, "score.ts", options);
      const place = JSON.parse((await send({ target: "/score", body: "x" })).body.toString());
      expect(place.traceparent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
      await terminate();
      expect(spans()).toEqual([]);
    });

    test("what the host does not record is sent all the same where the sampler says so", async () => {
      const more = { OTEL_TRACES_SAMPLER: "always_on" };
      const options = { traceParent: traceParent.replace(/01$/, "00") };
      const { send, terminate, spans } = await startTraced(transport, "echo.ts", options, more);
      await send({ target: "/score", body: '"x"' });
      await terminate();
      expect(named(spans(), "score").parentSpanId).toBe(HOST_SPAN);
    });

    test("a streamed answer is a part that ends with its last byte", async () => {
      const { send, terminate, spans } = await startTraced(transport, "streams.ts");
      expect((await send({ target: "/score", body: "text" })).body.toString()).toBe("onetwo");
      await terminate();
      expect(named(spans(), "score").attributes).toMatchObject({ "http.response.body.size": 6 });
    });

    test("a request that is answered while the app ends is sent, too", async () => {
      const { send, terminate, spans } = await startTraced(transport, "does_as_told.ts");
      const file = join(folder, "go");
      const answered = send({ target: "/score", body: `wait ${file}` });
      await until(() => existsSync(`${file}.begun`), "run() has begun");
      const ended = terminate();
      writeFileSync(file, "");
      expect((await answered).status).toBe(200);
      await ended;
      expect(
        spans()
          .map(({ name }) => name)
          .sort(),
      ).toEqual(["queue", "run", "score"]);
    });

    test("an SDK of the user's own gets the spans, and nothing is sent besides", async () => {
      const exporter = new InMemorySpanExporter();
      const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
      trace.setGlobalTracerProvider(provider);
      onTestFinished(() => trace.disable());
      const { send, terminate, sink } = await startTraced(transport, "echo.ts");
      await send({ target: "/score", body: '"x"' });
      await terminate();
      const spans = exporter.getFinishedSpans();
      expect(spans.map(({ name, kind }) => [name, kind]).sort()).toEqual(
        ["queue", "run", "score"].map((name) => [name, SpanKind.INTERNAL]),
      );
      expect(spans.find(({ name }) => name === "score")?.parentSpanContext?.spanId).toBe(HOST_SPAN);
      expect(sink.requests).toEqual([]);
    });

    test("the host is not told to drop records, which nobody else would send", async () => {
      const { service } = await startTraced(transport, "echo.ts");
      const setups: object[] = [];
      const nothing = () => {};
      registerLifecycle(
        {
          setup: (options: object) => void setups.push(options),
          hook: { appStart: nothing, appTerminate: nothing, preInvocation: nothing },
          warmup: nothing,
        } as unknown as typeof app,
        service,
      );
      expect(setups).toEqual([{ enableHttpStream: transport === "streaming" }]);
    });

    test.each([
      ["nothing is set", {}],
      [
        "only the host's own connection string is",
        {
          APPLICATIONINSIGHTS_CONNECTION_STRING: "InstrumentationKey=00000000-0000-0000-0000-000000000001",
        },
      ],
      ["it is switched off", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_SDK_DISABLED: "true" }],
    ])("it is off where %s", async (_what, env) => {
      const options = { createRuntime: inProcess(async () => SAYS_PLACE), traceParent };
      const { send, terminate } = await startApp(transport, "score.ts", env, options);
      expect(JSON.parse((await send({ target: "/score", body: "x" })).body.toString()).traceparent).toBe(traceParent);
      await terminate();
      expect(lateTelemetry(resolveConfig({ env }).config, env)).toBe(undefined);
    });

    test("the connection string adds no way out where there is one", async () => {
      const { sink, env: own, spans } = await startSink();
      const connection = `InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=${sink.url}`;
      const env = { ...own, APPLICATIONINSIGHTS_CONNECTION_STRING: connection };
      for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
      const { send, terminate, text } = await startApp(transport, "echo.ts", env, {
        limitMs: DEADLINE_MS,
        traceParent,
      });
      await send({ target: "/score", body: '"x"' });
      await terminate();
      expect(spans().length).toBe(3);
      expect(new Set(sink.requests.map(({ path }) => path))).toEqual(new Set(["/v1/traces"]));
      expect(text()).not.toContain("Telemetry");
    });

    test("settings that cannot be used are warned of, and the app answers", async () => {
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "localhost" };
      const { send, text, service } = await startApp(transport, "echo.ts", env, { limitMs: DEADLINE_MS });
      await service.ready();
      expect((await send({ target: "/score", body: '"x"' })).status).toBe(200);
      expect(text()).toContain("is not an http:// or https:// address");
    });

    test("a service that never answers delays neither a request nor the end beyond its bound", async () => {
      // Far more than the deadline of a test.
      const patient = { OTEL_EXPORTER_OTLP_TIMEOUT: "3600000", OTEL_BSP_EXPORT_TIMEOUT: "3600000" };
      const { send, terminate, sink } = await startTraced(transport, "echo.ts", {}, patient);
      sink.answer = () => "hang";
      expect((await send({ target: "/score", body: '"x"' })).status).toBe(200);
      await terminate();
      expect(sink.requests.length).toBe(1);
    });

    test("all that telemetry listens to is handed on to it", async () => {
      const env = { OTEL_TRACES_EXPORTER: "console" };
      const telemetry = await openTelemetry(resolveConfig({ env }).config, env, { isWithinHost: true });
      expect(REQUEST_EVENTS).toEqual(expect.arrayContaining(Object.keys(telemetry!.events)));
    });
  });
}

/** What a tracing library registers, but for a provider of spans: that would be taken in place of ours. */
function registerApi(): void {
  const store = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => store.getStore() ?? ROOT_CONTEXT,
    with: (active, action, self, ...args) => store.run(active, () => action.call(self, ...args)),
    bind: (_context, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  context.setGlobalContextManager(manager);
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  onTestFinished(() => {
    context.disable();
    propagation.disable();
  });
}
