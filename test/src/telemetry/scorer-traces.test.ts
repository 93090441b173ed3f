// One span of the server for each request, whoever answers it.
import { InMemorySpanExporter } from "@opentelemetry/sdk-trace-base";
import { afterEach, beforeEach, expect, test } from "vitest";
import { resolveConfig } from "../../../src/config/config.ts";
import { BadInputError } from "../../../src/core/errors.ts";
import { createLog, createRuntime, createService, type ScoreRequest, type Service } from "../../../src/host.ts";
import { readOtelSettings } from "../../../src/telemetry/otel-settings.ts";
import { createSdk, type Sdk } from "../../../src/telemetry/sdk.ts";
import { createSpans } from "../../../src/telemetry/spans.ts";
import { SCRIPTS } from "../../setup/service.ts";

const REQUEST: ScoreRequest = {
  method: "POST",
  path: "/score",
  query: "",
  headers: {},
  body: Buffer.from("{}"),
  receivedAt: performance.now(),
};

let memory: InMemorySpanExporter;
let sdk: Sdk;
let service: Service;

beforeEach(() => {
  memory = new InMemorySpanExporter();
  const { batch } = readOtelSettings({});
  const names = { serviceName: "a", serviceVersion: "1", scope: ["scorefn", "0"] } as const;
  const fail = (problem: string): void => expect.unreachable(problem);
  sdk = createSdk(
    { ...names, exports: [], exporters: [memory], batch, continuesTraces: true },
    { problem: fail, line: fail },
  );
  const done = async (): Promise<void> => {};
  const telemetry = {
    ...createSpans(sdk.source, { onFault: (error) => fail(String(error)) }),
    attach() {},
    flush: done,
    close: done,
  };
  const env = { AML_APP_ROOT: SCRIPTS, AZUREML_ENTRY_SCRIPT: "echo.ts", SCOREFN_SCRIPT_HOST: "in-process" };
  const { config } = resolveConfig({ env });
  const log = createLog(() => {}, "INFO");
  service = createService({ settings: { config, warnings: [] }, openLog: () => log, createRuntime, telemetry });
});
afterEach(() => service.runtime.close(0));

async function statuses(): Promise<unknown[]> {
  await sdk.flush();
  const servers = memory.getFinishedSpans().filter(({ kind }) => kind === 1);
  return servers.map(({ attributes }) => attributes["http.response.status_code"]);
}

test("an answer that the host could not send has no span besides that of the answer", async () => {
  const { status } = await service.scorer.handle(REQUEST);
  expect(service.scorer.failed(REQUEST, new TypeError("no such header")).status).toBe(500);
  expect(await statuses()).toEqual([status]);
});

test("a request that the host refuses has one, from its head on", async () => {
  const receivedAt = performance.now() - 100;
  service.scorer.refuse({ ...REQUEST, receivedAt }, new BadInputError("ERR_BODY_TOO_LARGE", "too large"));
  expect(await statuses()).toEqual([413]);
  const [{ duration } = { duration: [0, 0] }] = memory.getFinishedSpans();
  expect(duration[0] * 1e9 + duration[1]).toBeGreaterThanOrEqual(100_000_000);
});

test("probes and strangers have none", async () => {
  for (const path of ["/", "/ready", "/nowhere", "/score/more"]) {
    await service.scorer.handle({ ...REQUEST, method: "GET", path });
  }
  service.scorer.refuse({ ...REQUEST, path: "" }, new BadInputError("ERR_BAD_REQUEST", "no HTTP"));
  expect(await statuses()).toEqual([]);
});
