import { mkdir, symlink, writeFile } from "node:fs/promises";
import { trace } from "@opentelemetry/api";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { resolveConfig } from "../../../src/config/config.ts";
import { ScoreError } from "../../../src/core/errors.ts";
import type { Events, ScriptRecord } from "../../../src/core/events.ts";
import type { Log } from "../../../src/core/log.ts";
import { createLog } from "../../../src/host.ts";
import { modelsIn } from "../../../src/telemetry/app-insights-models.ts";
import { readSampling } from "../../../src/telemetry/app-insights-sampling.ts";
import { durationText, shortText, timeText } from "../../../src/telemetry/app-insights-text.ts";
import { loadInsights } from "../../../src/telemetry/load-insights.ts";
import { openTelemetry, type Telemetry } from "../../../src/telemetry/telemetry.ts";
import { temporaryFolder } from "../../setup/service.ts";
import { type Envelope, envelopesOf, startTelemetrySink } from "../../setup/telemetry-sink.ts";

const KEY = "11111111-2222-3333-4444-555555555555";

test.each([
  [0, "00:00:00.000"],
  [3.999, "00:00:00.003"],
  [61_001, "00:01:01.001"],
  [86_399_999.9, "23:59:59.999"],
  [86_400_000, "1.00:00:00.000"],
  [90_061_002, "1.01:01:01.002"],
])("TEL-5: %d ms are %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test("TEL-4: times are UTC, with microseconds", () => {
  expect(timeText([1_795_687_176, 628_038_999])).toBe("2026-11-26T09:59:36.628038Z");
  expect(timeText([0, 0])).toBe("1970-01-01T00:00:00.000000Z");
});

test("a short text is the beginning of the text, of whole characters, and as long as may be", () => {
  const texts = fc.string({ unit: "binary", maxLength: 6_000 }).map((text) => text.repeat(3));
  fc.assert(
    fc.property(texts, fc.nat(3), (text, offset) => {
      const whole = Buffer.from(text);
      const bytes = Buffer.concat([Buffer.alloc(offset), whole]).subarray(offset);
      const short = shortText(bytes)!;
      expect(shortText(text)).toBe(shortText(whole.toString()));
      expect(whole.subarray(0, Buffer.byteLength(short)).toString()).toBe(short);
      expect(Buffer.byteLength(short)).toBeGreaterThanOrEqual(Math.min(whole.length, 8_192 - 3));
      expect(Buffer.byteLength(short)).toBeLessThanOrEqual(8_192);
    }),
    { numRuns: 50 },
  );
  expect(shortText(Buffer.from([0x61, 0xff]))).toBeUndefined();
  expect(shortText("")).toBe("");
});

test("TEL-12: models are what has a number for a name, and odd entries are skipped", async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const models = folder.file("models");
  for (const path of ["b/2", "b/10", "a/1", "c/new", "d"]) await mkdir(`${models}/${path}`, { recursive: true });
  await writeFile(`${models}/model.pkl`, "");
  await writeFile(`${models}/b/5`, "");
  await symlink(models, `${models}/loop`);
  expect(modelsIn(models)).toEqual(["a:1", "b:10", "b:2", "b:5"]);
  expect(modelsIn(`${models}/b/2`)).toEqual(["b:2"]);
  expect(modelsIn(`${models}/b/2/`)).toEqual(["b:2"]);
  expect(modelsIn(`${models}/none`)).toEqual([]);
  expect(modelsIn(`${models}/model.pkl`)).toEqual([]);
  expect(modelsIn("")).toEqual([]);
  expect(modelsIn(null)).toEqual([]);
});

test.each([
  [{}, 100, true],
  [{ OTEL_TRACES_SAMPLER: "always_on" }, 100, false],
  [{ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.25" }, 25, false],
  [{ OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: " 0.1 " }, 10, true],
  [{ OTEL_TRACES_SAMPLER: "parentbased_traceidratio" }, 100, true],
  [{ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "x" }, 100, false],
  [{ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "7" }, 100, false],
  [{ OTEL_TRACES_SAMPLER: "x", OTEL_TRACES_SAMPLER_ARG: "0.5" }, 100, false],
])("%j: %d %%", (env, percent, heedsParent) => {
  expect(readSampling(env)).toEqual({ percent, heedsParent });
});

interface Opened {
  readonly telemetry: Telemetry;
  readonly events: Events;
  readonly logged: () => string;
  /** All that has been sent, once it has been. */
  items(): Promise<readonly Envelope[]>;
}

async function open(env: Record<string, string> = {}): Promise<Opened> {
  const sink = await startTelemetrySink();
  onTestFinished(() => sink.close());
  const { config } = resolveConfig({
    flags: { appinsights_instrumentation_key: KEY },
    env: { APPLICATIONINSIGHTS_CONNECTION_STRING: `IngestionEndpoint=${sink.url}`, HOSTNAME: "host1", ...env },
  });
  const telemetry = (await openTelemetry(config, {}, { loadInsights }))!;
  let logged = "";
  const log: Log = createLog((text) => {
    logged += text;
  }, "INFO");
  telemetry.attach(log);
  return {
    telemetry,
    events: telemetry.events,
    logged: () => logged,
    async items() {
      await telemetry.flush(60_000);
      return envelopesOf(sink.requests);
    },
  };
}

const RECORD: ScriptRecord = {
  pid: 7,
  time: 1_795_687_176_628.25,
  level: "INFO",
  logger: "azmlinfsrv.print",
  message: "hello",
  fields: undefined,
};
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

test("TEL-2: what the script writes is sent, with severity, the ids of its request, and its place", async () => {
  const { events, items } = await open();
  const fields = { request_id: "req", client_request_id: "cli", trace_id: TRACE, span_id: SPAN, worker: 7 };
  const place = { file: "/app/score.py", line: 3, function: "run" };
  events.scriptRecord!({ ...RECORD, fields, place });
  for (const level of ["DEBUG", "WARNING", "ERROR", "CRITICAL"] as const) events.scriptRecord!({ ...RECORD, level });
  events.scriptRecord!({ ...RECORD, fields: { request_id: "req" } });
  events.scriptRecord!({ ...RECORD, message: "x".repeat(100_000) });
  events.scriptRecordsDropped!({ pid: 7, count: 12 });
  const [first, ...others] = await items();
  expect(first).toMatchObject({
    name: "Microsoft.ApplicationInsights.Message",
    time: "2026-11-26T09:59:36.628Z",
    tags: { "ai.cloud.role": "ML service", "ai.operation.id": TRACE, "ai.operation.parentId": SPAN },
    data: {
      baseData: {
        message: "hello",
        severityLevel: "Information",
        properties: {
          "Container Id": "host1",
          "Request Id": "req",
          "Client Request Id": "cli",
          "code.file.path": "/app/score.py",
          "code.function.name": "run",
          "code.line.number": "3",
        },
      },
    },
  });
  expect(others.map(({ data }) => data.baseData.severityLevel)).toEqual([
    "Warning",
    "Error",
    "Critical",
    "Information",
    "Information",
    "Warning",
  ]);
  expect(others[0]!.data.baseData.properties).toEqual({ "Container Id": "host1" });
  expect(others[0]!.tags).not.toHaveProperty("ai.operation.id");
  expect(others[3]!.data.baseData.properties).toEqual({
    "Container Id": "host1",
    "Request Id": "req",
    "Client Request Id": "",
  });
  expect(others[4]!.data.baseData.message.length).toBe(32_768);
  expect(others[5]!.data.baseData.message).toBe(
    "12 records of the script were dropped: it writes more than can be sent.",
  );
});

const REQUEST = { method: "POST", path: "/score", query: "", headers: {} };
const IDS = {
  requestId: "req",
  msRequestId: "",
  clientRequestId: "cli",
  traceId: undefined,
  tooLong: undefined,
  deprecatedId: false,
};

test("failures of the script and the server are exceptions; a client's own, or its leaving, is none", async () => {
  const { events, items } = await open();
  const report = {
    type: "KeyError",
    message: "'a'",
    traceback: `${"frame\n".repeat(10_000)}KeyError: 'a'`,
    location: null,
  };
  const failures = [
    new ScoreError("ERR_SCRIPT_RUN", "Caught", { report }),
    new ScoreError("ERR_SCORE_TIMEOUT", "Scoring timeout after 5 ms"),
    new ScoreError("ERR_WORKER_EXIT", "the worker is gone"),
    new ScoreError("ERR_BAD_INPUT", "bad", { report }),
    new ScoreError("ERR_MEDIA_TYPE", "no JSON"),
    new ScoreError("ERR_CLIENT_GONE", "left"),
  ];
  for (const failure of failures) events.requestFailed!({ request: REQUEST, ids: IDS, failure });
  const sent = (await items()).map(({ data }) => data.baseData);
  expect(sent.map(({ exceptions }) => [exceptions[0].typeName, exceptions[0].message])).toEqual([
    ["KeyError", "'a'"],
    ["ScoreError", "Scoring timeout after 5 ms"],
    ["ScoreError", "the worker is gone"],
  ]);
  const { stack } = sent[0]!.exceptions[0];
  expect(stack.length).toBeLessThanOrEqual(32_768);
  expect(stack.length).toBeGreaterThan(32_000);
  expect(stack).toMatch(/^frame\n[\s\S]*\n…\n[\s\S]*KeyError: 'a'$/);
  for (const { properties, severityLevel } of sent) {
    expect(severityLevel).toBe("Error");
    expect(properties).toEqual({ "Container Id": "host1", "Request Id": "req", "Client Request Id": "cli" });
  }
});

test("a start that fails is told, and what is printed of it is true", async () => {
  const { telemetry, items, logged } = await open();
  telemetry.startFailed!(new ScoreError("ERR_SCRIPT_INIT", "ValueError: no model"));
  expect((await items()).map(({ name }) => name)).toEqual(["Microsoft.ApplicationInsights.Exception"]);
  expect(logged()).toContain("azmlinfsrv.trace - Waiting for logs to be sent to Application Insights before exit.\n");
});

test("an SDK that is registered in the process is used, and nothing is sent past it, which is said", async () => {
  trace.setGlobalTracerProvider(new BasicTracerProvider());
  onTestFinished(() => trace.disable());
  const { events, items, logged } = await open();
  events.scriptRecord?.(RECORD);
  expect(await items()).toEqual([]);
  expect(logged()).toContain("the OpenTelemetry SDK of this process sends itself");
});

test("the exporter's variables are as they were", async () => {
  await open();
  expect(process.env).not.toHaveProperty("APPLICATION_INSIGHTS_NO_STATSBEAT");
  expect(process.env).not.toHaveProperty("APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED");
});
