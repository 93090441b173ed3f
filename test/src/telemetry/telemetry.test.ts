import { execFileSync } from "node:child_process";
import { context, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";
import { afterEach, describe, expect, test } from "vitest";
import type { RequestAnswered, RequestHead } from "../../../src/core/events.ts";
import { packageFile } from "../../../src/core/package-root.ts";
import { createLog } from "../../../src/log/create.ts";
import { openTelemetry, type Telemetry, type TelemetryConfig } from "../../../src/telemetry/telemetry.ts";

const CONFIG = { serviceName: "ML service", serviceVersion: "1", appInsightsKey: null } as TelemetryConfig;
const API = Symbol.for("opentelemetry.js.api.1");
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const HEAD: RequestHead = {
  method: "POST",
  path: "/score",
  query: "",
  headers: { traceparent: `00-${TRACE}-${PARENT}-01` },
};
const INTERNAL = 0;
const SERVER = 1;

afterEach(() => {
  delete (globalThis as Record<symbol, unknown>)[API];
});

/** As a user's own file does it. */
function register() {
  const memory = new InMemorySpanExporter();
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] }).register();
  return memory;
}

function answer({ tracer, events }: Telemetry): void {
  const own = tracer!.begin(HEAD, "/score", performance.now());
  const ids = { requestId: "id", clientRequestId: "", deprecatedId: false, trace: own } as RequestAnswered["ids"];
  const response = { status: 200, headers: [], body: "" };
  const times = { startedAt: performance.now(), endedAt: performance.now() };
  const more = { route: "/score", isLogged: true, requestBytes: 0, wasReceived: true };
  events.requestAnswered!({ request: HEAD, ids, response, ...times, ...more });
}

test("without a variable that asks for it there is none, and nothing is loaded", async () => {
  expect(await openTelemetry(CONFIG, {})).toBeUndefined();
  expect(await openTelemetry(CONFIG, { OTEL_SDK_DISABLED: "true", OTEL_TRACES_EXPORTER: "console" })).toBeUndefined();
});

test("a wrong setting is told although nothing is traced", async () => {
  const telemetry = (await openTelemetry(CONFIG, { OTEL_TRACES_EXPORTER: "zipkin" }))!;
  expect(telemetry.tracer).toBeUndefined();
  let logged = "";
  telemetry.attach(
    createLog((text) => {
      logged += text;
    }, "INFO"),
  );
  expect(logged).toContain("OTEL_TRACES_EXPORTER: zipkin is not supported");
  await telemetry.close(1_000);
});

test("our copy of the API keeps off the place where a script's own registers", () => {
  const program = `
    const { openTelemetry } = await import(${JSON.stringify(packageFile("dist/src/telemetry/telemetry.js"))});
    const telemetry = await openTelemetry({ serviceName: "a", serviceVersion: "1", appInsightsKey: null }, { OTEL_TRACES_EXPORTER: "otlp" });
    console.log(telemetry.tracer !== undefined, globalThis[Symbol.for("opentelemetry.js.api.1")]);`;
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
  expect(output).toBe("true undefined\n");
});

describe("an SDK that is registered", () => {
  test.each(["1.0.0", "1.9.1", "1.99.0", "1.10.0-beta.1"])(
    "makes the spans, with version %s of the API",
    async (version) => {
      const memory = register();
      (globalThis as unknown as Record<symbol, { version: string }>)[API]!.version = version;
      const telemetry = (await openTelemetry(CONFIG, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" }))!;
      answer(telemetry);
      const [span] = memory.getFinishedSpans();
      expect(span).toMatchObject({
        name: "POST /score",
        kind: SERVER,
        parentSpanContext: { traceId: TRACE, spanId: PARENT },
      });
      await telemetry.close(1_000);
    },
  );

  test("that has a span of the server for each request already gets none of ours beside it, but below", async () => {
    const memory = register();
    const telemetry = (await openTelemetry(CONFIG, {}))!;
    // As its instrumentation of node:http does.
    const outer = trace.getTracer("http").startSpan("POST", { kind: SERVER });
    context.with(trace.setSpan(context.active(), outer), () => answer(telemetry));
    outer.end();
    const [inner] = memory.getFinishedSpans();
    expect(inner).toMatchObject({ kind: INTERNAL, parentSpanContext: { spanId: outer.spanContext().spanId } });
  });

  test("that throws costs no request", async () => {
    const onStart = (): never => {
      throw new Error("broken");
    };
    const broken = { onStart, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} };
    new NodeTracerProvider({ spanProcessors: [broken] }).register();
    const telemetry = (await openTelemetry(CONFIG, {}))!;
    let logged = "";
    telemetry.attach(
      createLog((text) => {
        logged += text;
      }, "INFO"),
    );
    expect(telemetry.tracer!.begin(HEAD, "/score", performance.now())).toBeUndefined();
    expect(logged).toContain("a span could not be made: broken");
  });
});
