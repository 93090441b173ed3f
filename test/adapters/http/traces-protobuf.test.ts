// The form that most receivers want, read by OpenTelemetry's own definitions.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { environment } from "../../setup/environments.mjs";
import { bodyOf, type Export, readExport } from "../../setup/otlp.ts";
import { freePort, startServer } from "../../setup/server.ts";
import { startTelemetrySink } from "../../setup/telemetry-sink.ts";

const SCRIPTS = packageFile("test/fixtures/traces");
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const definitions = environment("otlp");

test.skipIf("unavailable" in definitions)("without a protocol in the settings traces are protobuf", async () => {
  const sink = await startTelemetrySink();
  const port = await freePort();
  const server = startServer({
    command: process.execPath,
    args: [
      packageFile("dist/adapters/cli/scorefn.js"),
      "serve",
      join(SCRIPTS, "score.ts"),
      ...["--host", "127.0.0.1", "--port", String(port)],
    ],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, OTEL_EXPORTER_OTLP_ENDPOINT: `${sink.url}/base/` },
    port,
  });
  await server.waitReady();
  const headers = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: "a=b", "x-request-id": "one" };
  await fetch(`${server.url}/score`, { method: "POST", body: "fail", headers });
  // What has been kept back leaves when the server stops.
  expect(await server.stop()).toBe(0);
  expect(sink.requests).toHaveLength(1);
  const [request] = sink.requests;
  expect(request).toMatchObject({
    path: "/base/v1/traces",
    headers: { "content-type": "application/x-protobuf" },
  });
  const { python } = definitions as { python: string };
  const json = execFileSync(python, [join(SCRIPTS, "decode.py")], { input: bodyOf(request!), encoding: "utf8" });
  const spans = readExport(JSON.parse(json) as Export);
  expect(spans.map(({ name }) => name).sort()).toEqual(["POST /score", "queue", "run"]);
  const span = spans.find(({ name }) => name === "POST /score")!;
  expect(span).toMatchObject({
    traceId: TRACE,
    parentSpanId: PARENT,
    traceState: "a=b",
    kind: 2,
    status: { code: 2, message: "NoSuchRow: row 1 is not there" },
    resource: { "service.name": "ML service" },
    events: [{ name: "exception", attributes: { "exception.type": "NoSuchRow" } }],
  });
  expect(span.attributes).toMatchObject({ "http.response.status_code": 500, "scorefn.request_id": "one" });
  expect(span.end).toBeGreaterThan(span.start);
  await sink.close();
});
