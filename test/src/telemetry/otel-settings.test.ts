import { describe, expect, test } from "vitest";
import { readOtelSettings } from "../../../src/telemetry/otel-settings.ts";

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };
const DEFAULTS = {
  maxQueueSize: 2_048,
  maxExportBatchSize: 512,
  scheduledDelayMillis: 5_000,
  exportTimeoutMillis: 30_000,
};

test("nothing is traced unless a variable says so", () => {
  for (const env of [{}, { OTEL_SERVICE_NAME: "a" }, { OTEL_EXPORTER_OTLP_ENDPOINT: " " }]) {
    expect(readOtelSettings(env)).toEqual({
      isDisabled: false,
      exports: [],
      batch: DEFAULTS,
      continuesTraces: true,
      warnings: [],
    });
  }
});

describe("where traces go", () => {
  test.each([
    [ENDPOINT, ["http/protobuf"]],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://collector/custom" }, ["http/protobuf"]],
    [{ OTEL_TRACES_EXPORTER: "otlp" }, ["http/protobuf"]],
    [{ OTEL_TRACES_EXPORTER: "console" }, ["console"]],
    [{ ...ENDPOINT, OTEL_TRACES_EXPORTER: "otlp, console,otlp" }, ["http/protobuf", "console"]],
    [{ ...ENDPOINT, OTEL_TRACES_EXPORTER: "none" }, []],
    [{ ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }, ["http/json"]],
    [{ ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf" }, ["http/protobuf"]],
    [
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json" },
      ["http/json"],
    ],
    [{ ...ENDPOINT, OTEL_METRICS_EXPORTER: "none", OTEL_LOGS_EXPORTER: "none" }, ["http/protobuf"]],
    [{ ...ENDPOINT, OTEL_SDK_DISABLED: "false" }, ["http/protobuf"]],
    [{ ...ENDPOINT, OTEL_SDK_DISABLED: "TRUE" }, []],
  ])("%j", (env, exports) => {
    expect(readOtelSettings(env)).toMatchObject({ exports, warnings: [] });
  });
});

describe("a value that makes no sense is told in one line, and does not count", () => {
  test.each<[env: Record<string, string>, line: RegExp, exports: readonly string[]]>([
    [{ OTEL_SDK_DISABLED: "yes" }, /^OTEL_SDK_DISABLED=yes is neither/, ["http/protobuf"]],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, /^OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not supported/, ["http/protobuf"]],
    [{ OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "x" }, /^OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=x is not/, ["http/protobuf"]],
    [{ OTEL_TRACES_EXPORTER: "zipkin" }, /^OTEL_TRACES_EXPORTER: zipkin is not supported/, []],
    [{ OTEL_METRICS_EXPORTER: "otlp" }, /^OTEL_METRICS_EXPORTER=otlp has no effect/, ["http/protobuf"]],
    [{ OTEL_LOGS_EXPORTER: "otlp" }, /^OTEL_LOGS_EXPORTER=otlp has no effect/, ["http/protobuf"]],
    [{ OTEL_PROPAGATORS: "b3,baggage" }, /^OTEL_PROPAGATORS: b3 is not supported/, ["http/protobuf"]],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" }, /^OTEL_EXPORTER_OTLP_ENDPOINT is not an http/, []],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "what" }, /^OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is not an http/, []],
    [{ OTEL_EXPORTER_OTLP_HEADERS: "secret" }, /^OTEL_EXPORTER_OTLP_HEADERS is not a list/, ["http/protobuf"]],
    [{ OTEL_EXPORTER_OTLP_TRACES_HEADERS: "a=1,=b" }, /^OTEL_EXPORTER_OTLP_TRACES_HEADERS is not/, ["http/protobuf"]],
    [{ OTEL_RESOURCE_ATTRIBUTES: "a=%E0%A4" }, /^OTEL_RESOURCE_ATTRIBUTES is not a list/, ["http/protobuf"]],
    [{ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "0" }, /^OTEL_BSP_MAX_EXPORT_BATCH_SIZE=0 is not a whole/, ["http/protobuf"]],
    [{ OTEL_BSP_MAX_QUEUE_SIZE: "-1" }, /^OTEL_BSP_MAX_QUEUE_SIZE=-1 is not a whole/, ["http/protobuf"]],
    [{ OTEL_BSP_SCHEDULE_DELAY: "1e12" }, /^OTEL_BSP_SCHEDULE_DELAY=1e12 is not a whole/, ["http/protobuf"]],
    [{ OTEL_BSP_EXPORT_TIMEOUT: "soon" }, /^OTEL_BSP_EXPORT_TIMEOUT=soon is not a whole/, ["http/protobuf"]],
  ])("%j", (env, line, exports) => {
    const read = readOtelSettings({ ...ENDPOINT, ...env });
    expect(read.warnings).toEqual([expect.stringMatching(line)]);
    expect(read.exports).toEqual(exports);
    expect(read.batch).toEqual(DEFAULTS);
    expect(read.warnings.join()).not.toContain("secret");
  });
});

test("batches are as the variables say, and none is larger than what is kept", () => {
  const { batch, warnings } = readOtelSettings({
    OTEL_BSP_MAX_QUEUE_SIZE: "100",
    OTEL_BSP_SCHEDULE_DELAY: "1",
    OTEL_BSP_EXPORT_TIMEOUT: "2",
  });
  expect(batch).toEqual({
    maxQueueSize: 100,
    maxExportBatchSize: 100,
    scheduledDelayMillis: 1,
    exportTimeoutMillis: 2,
  });
  expect(warnings).toEqual([]);
});

test.each([
  ["tracecontext,baggage", true],
  ["b3, tracecontext", true],
  ["baggage", false],
  ["none", false],
])("OTEL_PROPAGATORS=%s", (value, continuesTraces) => {
  expect(readOtelSettings({ OTEL_PROPAGATORS: value })).toMatchObject({ continuesTraces, warnings: [] });
});
