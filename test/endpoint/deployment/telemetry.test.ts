// What leaves a deployment for whoever observes it: under its own name, by its own settings.
import { describe, expect, test } from "vitest";
import { processEnvironment } from "../../../src/host.ts";
import { spansOf } from "../../setup/otlp.ts";
import { until } from "../../setup/service.ts";
import { type Envelope, envelopesOf, startTelemetrySink, type TelemetrySink } from "../../setup/telemetry-sink.ts";
import { assetsOf, create, deploy, specOf } from "./deploy.ts";

const KEY = "11111111-2222-3333-4444-555555555555";
const ECHO = specOf("echo.ts");
const GREEN = specOf("echo.ts", { name: "green" });

const tracesTo = ({ url }: TelemetrySink): Record<string, string> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
});
const insightsAt = ({ url }: TelemetrySink): Record<string, string> => ({
  APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${KEY};IngestionEndpoint=${url}`,
});
const rolesOf = (envelopes: readonly Envelope[]): string[] =>
  envelopes.filter(({ data }) => data.baseType === "RequestData").map(({ tags }) => tags["ai.cloud.role"]!);

describe("traces", () => {
  test("of several deployments of one process go where each of them says, under their names", async () => {
    const [here, there] = [await startTelemetrySink(), await startTelemetrySink()];
    const own = { ...tracesTo(there), OTEL_RESOURCE_ATTRIBUTES: "team=a,scorefn.endpoint=other" };
    const env = { ...processEnvironment, ...tracesTo(here) };
    const [blue, green] = await Promise.all([deploy(ECHO, assetsOf(), { env }), deploy(GREEN, assetsOf(own), { env })]);
    const headers = { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" };
    await Promise.all([blue.post("1", { headers }), green.post("2")]);
    await Promise.all([blue.close(5_000), green.close(5_000)]);
    const [ofBlue, ofGreen] = [spansOf(here.requests), spansOf(there.requests)];
    expect(ofBlue.map(({ name }) => name).sort()).toEqual(["POST /score", "queue", "run"]);
    expect(ofBlue.map(({ traceId }) => traceId)).toEqual(Array(3).fill("4bf92f3577b34da6a3ce929d0e0e4736"));
    expect(ofBlue[0]!.resource).toMatchObject({
      "service.name": "my-endpoint.blue",
      "scorefn.endpoint": "my-endpoint",
      "scorefn.deployment": "blue",
    });
    expect(ofGreen).toHaveLength(3);
    expect(ofGreen[0]!.resource).toMatchObject({
      "service.name": "my-endpoint.green",
      "scorefn.endpoint": "other",
      "scorefn.deployment": "green",
      team: "a",
    });
    // The variables of the process are as they were.
    expect(process.env.OTEL_EXPORTER_OTLP_ENDPOINT).toBeUndefined();
    expect(process.env).toBe(processEnvironment);
  });

  test("of the old version have left when its last request is answered; the new one sends on", async () => {
    const sink = await startTelemetrySink();
    const blue = await deploy(ECHO, assetsOf(tracesTo(sink)));
    await blue.post("1");
    await blue.update(ECHO, assetsOf({ ...tracesTo(sink), OTEL_SERVICE_NAME: "renamed" }));
    // Nobody closes the deployment, and batches leave after five seconds.
    const first = await sink.waitFor((requests) => spansOf(requests).find(({ name }) => name === "POST /score"));
    expect(first.resource).toMatchObject({ "service.name": "my-endpoint.blue" });
    await blue.post("2");
    await blue.close(5_000);
    expect(new Set(spansOf(sink.requests).map(({ resource }) => resource["service.name"]))).toEqual(
      new Set(["my-endpoint.blue", "renamed"]),
    );
  });

  test("that nobody takes hold up neither answers nor the end", async () => {
    const sink = await startTelemetrySink();
    sink.answer = () => "hang";
    const blue = await deploy(ECHO, assetsOf({ ...tracesTo(sink), OTEL_BSP_SCHEDULE_DELAY: "1" }));
    expect((await blue.post("1")).status).toBe(200);
    await blue.close(0);
    expect((await blue.post("2")).status).toBe(503);
    await sink.close();
  });

  test("that are refused are told of in the log of their own deployment", async () => {
    const [refusing, taking] = [await startTelemetrySink(), await startTelemetrySink()];
    refusing.answer = () => ({ status: 400 });
    const soon = { OTEL_BSP_SCHEDULE_DELAY: "1" };
    const blue = await deploy(ECHO, assetsOf({ ...tracesTo(refusing), ...soon }));
    const green = await deploy(GREEN, assetsOf({ ...tracesTo(taking), ...soon }));
    await Promise.all([blue.post("1"), green.post("2")]);
    await until(() => blue.written().includes("Telemetry: "), "blue says it");
    await Promise.all([blue.close(5_000), green.close(5_000)]);
    expect(blue.written()).toMatch(/Telemetry: .* Spans lost so far: 3/);
    expect(green.written()).not.toContain("Telemetry: ");
    expect(spansOf(taking.requests)).toHaveLength(3);
  });

  test("of a deployment that is closed while they are set up are none, and nothing runs on", async () => {
    const sink = await startTelemetrySink();
    const blue = create(ECHO, assetsOf(tracesTo(sink)));
    const started = blue.start();
    const closed = blue.close(0);
    await expect(started).rejects.toMatchObject({ code: "ERR_STOPPING" });
    await closed;
    expect(blue).toMatchObject({ state: "Deleting", inFlight: 0 });
    expect(sink.requests).toEqual([]);
  });
});

describe("Application Insights", () => {
  test("gets what app_insights_enabled says, with the key of this process", async () => {
    const sink = await startTelemetrySink();
    const env = { ...processEnvironment, ...insightsAt(sink) };
    const [blue, green] = await Promise.all([
      deploy({ ...ECHO, appInsightsEnabled: true }, assetsOf(), { env }),
      deploy(GREEN, assetsOf(), { env }),
    ]);
    await Promise.all([blue.post("1"), green.post("2")]);
    await Promise.all([blue.close(5_000), green.close(5_000)]);
    const envelopes = envelopesOf(sink.requests);
    expect(rolesOf(envelopes)).toEqual(["my-endpoint.blue"]);
    expect(new Set(envelopes.map(({ iKey }) => iKey))).toEqual(new Set([KEY]));
  });

  test("gets what a deployment with a key of its own has, and tells of an init() that fails", async () => {
    const sink = await startTelemetrySink();
    const green = await deploy(GREEN, assetsOf({ ...insightsAt(sink), SERVICE_NAME: "house" }));
    await green.post("1");
    const failed = create(specOf("broken/init_throws.ts"), assetsOf(insightsAt(sink)));
    await expect(failed.start()).rejects.toMatchObject({ code: "ERR_SCRIPT_INIT" });
    await green.close(5_000);
    const envelopes = envelopesOf(sink.requests);
    expect(rolesOf(envelopes)).toEqual(["house"]);
    const exceptions = envelopes.filter(({ data }) => data.baseType === "ExceptionData");
    expect(exceptions.map(({ data }) => data.baseData.exceptions[0].message)).toEqual([
      expect.stringContaining("no model"),
    ]);
  });

  test("that is wanted without anything that says where is warned of", async () => {
    const blue = await deploy({ ...ECHO, appInsightsEnabled: true });
    expect(blue.written()).toContain("app_insights_enabled is true, but nothing says where to send to");
    expect((await deploy(ECHO)).written()).not.toContain("app_insights_enabled");
  });
});

test("scripts see whether Application Insights is on", async () => {
  const environment = specOf("environment.ts");
  const sink = await startTelemetrySink();
  const seen = async (appInsightsEnabled: boolean): Promise<string> =>
    (
      await (
        await deploy({ ...environment, appInsightsEnabled }, assetsOf(insightsAt(sink)))
      ).post("AML_APP_INSIGHTS_ENABLED")
    ).text;
  expect(await seen(true)).toContain("true");
});
