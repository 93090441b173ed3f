import { mkdir } from "node:fs/promises";
import { request as sendRequest } from "node:http";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import { environment } from "../../setup/environments.mjs";
import { freePort, type RunningServer, startServer } from "../../setup/server.ts";
import { SCRIPTS, temporaryFolder } from "../../setup/service.ts";
import { type Envelope, envelopesOf, startTelemetrySink, type TelemetrySink } from "../../setup/telemetry-sink.ts";
import { DIFFERENCES, differencesOf, ofKind, recordedEnvelopes, unexplained } from "./envelopes.ts";

const KEY = "11111111-2222-3333-4444-555555555555";
const COMMAND = packageFile("dist/adapters/cli/scorefn.js");
const PROPERTIES = [
  "Container Id",
  "Request Id",
  "Client Request Id",
  "Response Value",
  "name",
  "url",
  "start_time",
  "duration",
  "resultCode",
  "success",
  "http_method",
  "Workspace Name",
  "Service Name",
];

interface Started {
  readonly server: RunningServer;
  readonly port: number;
  readonly sink: TelemetrySink;
}

const NAMES = { WORKSPACE_NAME: "ws", SERVICE_NAME: "svc", HOSTNAME: "host1" };

async function start(
  script: string,
  env: NodeJS.ProcessEnv = {},
  { flags = ["--appinsights_instrumentation_key", KEY], sink: given }: { flags?: string[]; sink?: TelemetrySink } = {},
): Promise<Started> {
  const sink = given ?? (await startTelemetrySink());
  const port = await freePort();
  const args = [COMMAND, "serve", "--entry_script", join(SCRIPTS, script), "--host", "127.0.0.1", ...flags];
  const server = startServer({
    command: process.execPath,
    args: [...args, "--port", String(port)],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...NAMES,
      APPLICATIONINSIGHTS_CONNECTION_STRING: `IngestionEndpoint=${sink.url}/`,
      ...env,
    },
    port,
  });
  return { server, port, sink };
}

/** Everything that was sent until the server has ended. */
async function allOf({ server, sink }: Started): Promise<readonly Envelope[]> {
  expect(await server.stop()).toBe(0);
  return envelopesOf(sink.requests);
}

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @returns status and body */
function send(port: number, { method = "POST", path = "/score", body, headers = {} }: Sent): Promise<[number, Buffer]> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, method, path, headers, agent: false, timeout: DEADLINE_MS } as const;
    const sent = sendRequest(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve([response.statusCode ?? 0, Buffer.concat(chunks)]));
      response.on("error", reject);
    });
    sent.on("error", reject).end(body);
  });
}

/** The recorded session: what the reference was asked. */
const HOST = "127.0.0.1:5901";
const SESSION: readonly Sent[] = [
  { body: '{"data":[1,2]}', headers: { "x-request-id": "req-1", "x-ms-client-request-id": "cli-1" } },
  { body: '{"boom":1}' },
  { body: '{"resp":1}' },
  { body: '{"gen":1}' },
  { method: "GET", path: "/swagger.json" },
];

async function askSession(port: number): Promise<void> {
  for (const sent of SESSION) await send(port, { ...sent, headers: { ...sent.headers, host: HOST } });
}

async function modelFolder(): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder.file("models"), "mymodel", "3"), { recursive: true });
  return folder.file("models");
}

/** Requests, exceptions of the script and model data, as both servers send them. */
function comparable(envelopes: readonly Envelope[]): readonly Envelope[] {
  return [
    ...ofKind(envelopes, "Request"),
    ...ofKind(envelopes, "Exception").filter(({ data }) => data.baseData.exceptions[0].stack.includes("boom")),
    ...ofKind(envelopes, "Message")
      .filter(({ data }) => data.baseData.message === "model_data_collection")
      .slice(0, 1),
  ];
}

describe("beside the reference server", () => {
  let ours: readonly Envelope[];

  beforeAll(async () => {
    const started = await start("insights.py", {
      AML_MODEL_DC_STORAGE_ENABLED: "true",
      AZUREML_MODEL_DIR: await modelFolder(),
      SCOREFN_ERROR_DETAIL: "none",
    });
    await started.server.waitReady();
    await askSession(started.port);
    ours = await allOf(started);
    await started.sink.close();
  });

  test("TEL-1: all items have the same fields, but for the differences that are meant", () => {
    const [left, right] = [comparable(recordedEnvelopes()), comparable(ours)];
    expect(right.map(({ name }) => name)).toEqual(left.map(({ name }) => name));
    const differences = left.map((theirs, index) => differencesOf(theirs, right[index]!));
    expect(differences.flatMap(unexplained)).toEqual([]);
    const seen = new Set(differences.flatMap((difference) => [...difference.keys()]));
    expect(Object.keys(DIFFERENCES).filter((path) => !seen.has(path) && !MAY_AGREE.has(path))).toEqual([]);
  });

  /** Where it depends on the machine. */
  const MAY_AGREE: ReadonlySet<string> = new Set(["tags/ai.cloud.roleInstance", "data/baseData/properties/duration"]);

  test("TEL-4: requests have the properties of the reference, in its order, and more behind them", () => {
    for (const request of ofKind(ours, "Request")) {
      expect(Object.keys(request.data.baseData.properties).slice(0, PROPERTIES.length)).toEqual(PROPERTIES);
    }
    expect(Object.keys(ofKind(recordedEnvelopes(), "Request")[0]!.data.baseData.properties)).toEqual(PROPERTIES);
  });

  test("TEL-8, TEL-9: model data has the input and the prediction exactly as the reference had them", () => {
    const [theirs] = ofKind(recordedEnvelopes(), "Message").filter(
      ({ data }) => data.baseData.message === "model_data_collection",
    );
    const mine = ofKind(ours, "Message").filter(({ data }) => data.baseData.message === "model_data_collection");
    const python = theirs!.data.baseData.properties.custom_dimensions as string;
    const { Input: input, Prediction: prediction } = mine[0]!.data.baseData.properties;
    const inPython = (text: string) => `'${text.replaceAll("\\", "\\\\")}'`;
    expect(python).toContain(`'Input': ${inPython(input)}, 'Prediction': ${inPython(prediction)}`);
    expect(mine.map(({ data }) => data.baseData.properties["Response Status"])).toEqual([undefined, "201", "200"]);
  });

  test.runIf(process.env.CI === "true")(
    "the reference itself, sent to the same sink, has the same fields",
    async () => {
      const found = environment("azmlinfsrv");
      if ("unavailable" in found) throw new Error(found.unavailable);
      const sink = await startTelemetrySink();
      onTestFinished(() => sink.close());
      const port = await freePort();
      const server = startServer({
        command: join(dirname(found.python), "azmlinfsrv"),
        args: ["--port", String(port), "--entry_script", join(SCRIPTS, "insights.py")].concat([
          ...["--appinsights_instrumentation_key", KEY, "--model_dir", await modelFolder()],
        ]),
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          ...NAMES,
          AML_MDC_STORAGE_ENABLED: "true",
          APPLICATIONINSIGHTS_CONNECTION_STRING: `IngestionEndpoint=${sink.url}/`,
          APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL: "true",
        },
        port,
      });
      await server.waitReady("/");
      await askSession(port);
      await sink.waitFor((requests) =>
        comparable(envelopesOf(requests)).length >= comparable(ours).length ? true : undefined,
      );
      await server.stop();
      const theirs = comparable(envelopesOf(sink.requests));
      const right = comparable(ours);
      expect(right.map(({ name }) => name)).toEqual(theirs.map(({ name }) => name));
      expect(theirs.flatMap((envelope, index) => unexplained(differencesOf(envelope, right[index]!)))).toEqual([]);
    },
  );
});

describe("a server that sends to Application Insights", () => {
  let started: Started;
  let envelopes: readonly Envelope[];
  let traces: string;
  const answers: [number, Buffer][] = [];
  const CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const ASKED: readonly Sent[] = [
    {
      path: "/score?a=1&code=s3cret",
      body: '{"data":[1,2]}',
      headers: { "x-request-id": "traced", traceparent: CALLER },
    },
    { body: '{"boom":1}', headers: { "x-request-id": "fails" } },
    { body: '{"bytes":1}', headers: { "x-request-id": "bytes" } },
    { body: '{"long":9000}', headers: { "x-request-id": "long" } },
    { body: '{"gen":1}', headers: { "x-request-id": "stream" } },
    { method: "OPTIONS", headers: { "x-request-id": "options" } },
    { method: "PUT", headers: { "x-request-id": "put" } },
    { method: "GET", path: "/swagger.json?version=9", headers: { "x-request-id": "bad" } },
    { method: "GET", path: "/", headers: { "x-request-id": "liveness" } },
    { method: "GET", path: "/ready", headers: { "x-request-id": "readiness" } },
    { method: "GET", path: "/nothing", headers: { "x-request-id": "unknown" } },
  ];

  beforeAll(async () => {
    const sink = await startTelemetrySink();
    const tracesTo = {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${sink.url}/v1/traces`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    };
    started = await start("insights.py", tracesTo, { sink });
    await started.server.waitReady();
    for (const sent of ASKED) answers.push(await send(started.port, sent));
    envelopes = await allOf(started);
    traces = sink.requests
      .flatMap(({ path, body }) => (path === "/v1/traces" ? [body.toString("utf8")] : []))
      .join("\n");
  });

  afterAll(() => started?.sink.close());

  const requestOf = (id: string): Envelope =>
    ofKind(envelopes, "Request").find(({ data }) => data.baseData.properties["Request Id"] === id)!;

  test("answers come as without", () => {
    expect(answers.map(([status]) => status)).toEqual([200, 500, 200, 200, 200, 200, 405, 404, 200, 200, 404]);
    expect(answers[4]![1]).toEqual(Buffer.from([0xff, 0, 1]));
  });

  test("TEL-7: native fields are right", () => {
    expect(requestOf("traced")).toMatchObject({
      sampleRate: 100,
      iKey: KEY,
      tags: { "ai.cloud.role": "svc", "ai.cloud.roleInstance": hostname(), "ai.operation.name": "POST /score" },
      data: {
        baseData: {
          name: "POST /score",
          success: true,
          responseCode: "200",
          url: `http://127.0.0.1:${started.port}/score?a=1&code=REDACTED`,
        },
      },
    });
    expect(requestOf("fails").data.baseData).toMatchObject({ success: false, responseCode: "500" });
    expect(requestOf("put").data.baseData).toMatchObject({ success: false, responseCode: "405", name: "PUT /score" });
    expect(requestOf("bad").data.baseData).toMatchObject({ success: false, responseCode: "404" });
  });

  test("TEL-10: a caller's trace goes on, and its failures hang below the request, which says where its time went", () => {
    const request = requestOf("traced");
    const [, trace, parent] = CALLER.split("-");
    expect(request.tags).toMatchObject({ "ai.operation.id": trace, "ai.operation.parentId": parent });
    expect(ofKind(envelopes, "RemoteDependency")).toEqual([]);
    const { properties } = request.data.baseData;
    for (const name of ["scorefn.queue_ms", "scorefn.run_ms"])
      expect(Number(properties[name])).toBeGreaterThanOrEqual(0);
    expect(Number(properties["scorefn.worker.pid"])).toBeGreaterThan(0);

    const failed = requestOf("fails");
    const exceptions = ofKind(envelopes, "Exception");
    expect(exceptions.map(({ data }) => data.baseData.properties)).toEqual([
      { "Container Id": "host1", "Request Id": "fails", "Client Request Id": "" },
    ]);
    expect(exceptions[0]!.tags).toMatchObject({
      "ai.operation.id": failed.tags["ai.operation.id"],
      "ai.operation.parentId": failed.data.baseData.id,
      "ai.cloud.role": "svc",
    });
    const { exceptions: list, severityLevel } = exceptions[0]!.data.baseData;
    expect(severityLevel).toBe("Error");
    expect(list).toEqual([
      {
        typeName: "ValueError",
        message: "boom here",
        hasFullStack: true,
        stack: expect.stringMatching(/insights\.py", line \d+, in run\n/),
      },
    ]);
  });

  test("TEL-6: bodies are short texts, and streams and bytes have words in their place", () => {
    const value = (id: string) => requestOf(id).data.baseData.properties["Response Value"];
    expect(value("bytes")).toBe('"Scoring request response payload is a non serializable object or raw binary"');
    expect(value("stream")).toBe('"Scoring request response payload is a stream"');
    expect(Buffer.byteLength(value("long"))).toBeLessThanOrEqual(8_192);
    expect(answers[3]![1].toString("utf8").startsWith(value("long"))).toBe(true);
    expect(requestOf("long").data.baseData.properties["http.response.body.size"]).toBe(String(answers[3]![1].length));
    expect(value("options")).toBe("");
  });

  test("TEL-3: probes and strangers are left out", () => {
    const ids = ofKind(envelopes, "Request").map(({ data }) => data.baseData.properties["Request Id"]);
    expect(ids).toEqual(["traced", "fails", "bytes", "long", "stream", "options", "put", "bad"]);
  });

  test("no model data unless it is asked for", () => {
    const messages = ofKind(envelopes, "Message").map(({ data }) => data.baseData.message);
    expect(messages).not.toContain("model_data_collection");
  });

  test("spans that go elsewhere carry none of it", () => {
    expect(traces).toContain("scorefn.request_id");
    for (const name of ["Response Value", "Container Id", "Workspace Name", "start_time", "url.full"]) {
      expect(traces).not.toContain(name);
    }
  });

  test("TEL-14: the key is printed nowhere", () => {
    expect(started.server.stdout()).toContain("Valid Application Insights instrumentation key provided.\n");
    expect(started.server.stdout() + started.server.stderr()).not.toContain(KEY);
  });
});

test("APP_INSIGHTS_LOG_RESPONSE_ENABLED=false: no body is sent; a connection string alone is enough", async () => {
  const sink = await startTelemetrySink();
  onTestFinished(() => sink.close());
  const text = `InstrumentationKey=${KEY.toUpperCase()};IngestionEndpoint=${sink.url}`;
  const env = { APPLICATIONINSIGHTS_CONNECTION_STRING: text, APP_INSIGHTS_LOG_RESPONSE_ENABLED: "false" };
  const started = await start("insights.ts", env, { flags: [], sink });
  await started.server.waitReady();
  await send(started.port, { body: '{"data":[1,2]}' });
  await send(started.port, { body: "{}" });
  const envelopes = await allOf(started);
  const requests = ofKind(envelopes, "Request");
  expect(requests.map(({ data }) => data.baseData.responseCode)).toEqual(["200", "500"]);
  for (const { data } of requests) expect(data.baseData.properties).not.toHaveProperty("Response Value");
  expect(ofKind(envelopes, "Exception")[0]!.data.baseData.exceptions[0]).toMatchObject({
    typeName: "RangeError",
    message: "no numbers",
    stack: expect.stringMatching(/at sumOf .*insights\.ts:\d+/),
  });
  expect(started.server.stdout() + started.server.stderr()).not.toMatch(new RegExp(KEY, "i"));
});

test("sampling: each item says for how many it stands, unless its caller has chosen", async () => {
  const sink = await startTelemetrySink();
  onTestFinished(() => sink.close());
  const env = { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.5" };
  const started = await start("insights.ts", env, { sink });
  await started.server.waitReady();
  const count = 64;
  for (let i = 0; i < count; i++) await send(started.port, { body: '{"data":[1,2]}' });
  const caller = "0af7651916cd43dd8448eb211c80319c";
  for (const flags of ["01", "00"]) {
    const traceparent = `00-${caller}-b7ad6b7169203331-${flags}`;
    await send(started.port, { body: "{}", headers: { traceparent } });
  }
  const envelopes = await allOf(started);
  const [own, called] = [false, true].map((isCalled) =>
    envelopes.filter(({ tags }) => (tags["ai.operation.id"] === caller) === isCalled),
  );
  const kept = ofKind(own!, "Request").length;
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(count);
  for (const { sampleRate } of own!) expect(sampleRate).toBe(50);
  expect(ofKind(called!, "Request").map(({ sampleRate }) => sampleRate)).toEqual([100]);
  // Failures are rare, and looked for one by one: all are sent.
  expect(ofKind(called!, "Exception").length).toBe(2);
});

describe("an init() that fails", () => {
  const SCRIPT = "broken/init_throws.py";

  test("TEL-10, TEL-11: its exception is sent before the process ends", async () => {
    const sink = await startTelemetrySink();
    onTestFinished(() => sink.close());
    const { server } = await start(SCRIPT, {}, { sink });
    expect(await server.waitExit()).toBe(3);
    const [exception] = ofKind(envelopesOf(sink.requests), "Exception");
    expect(exception!.data.baseData).toMatchObject({
      exceptions: [{ hasFullStack: true, stack: expect.stringContaining("in init") }],
      severityLevel: "Error",
      properties: { "Container Id": "host1", "Request Id": "Unknown", "Client Request Id": "" },
    });
    expect(server.stdout()).toContain(
      "azmlinfsrv.trace - Waiting for logs to be sent to Application Insights before exit.\n",
    );
    expect(server.stdout()).not.toContain("Waiting 30 seconds");
  });

  test("TEL-11: an endpoint that hangs does not hold up the end, and the loss is told", async () => {
    const sink = await startTelemetrySink();
    sink.answer = () => "hang";
    onTestFinished(() => sink.close());
    const { server } = await start(SCRIPT, {}, { sink });
    expect(await server.waitExit()).toBe(3);
    expect(sink.requests.length).toBe(1);
    expect(server.stdout()).toContain("Application Insights: 1 item of telemetry was lost.\n");
  });
});

test("while the endpoint hangs requests are answered as ever, and the end comes in time", async () => {
  const sink = await startTelemetrySink();
  sink.answer = () => "hang";
  onTestFinished(() => sink.close());
  const started = await start("insights.ts", {}, { sink });
  await started.server.waitReady();
  const count = 400;
  for (let i = 0; i < count; i++) {
    expect((await send(started.port, { body: '{"data":[1,2]}' }))[0]).toBe(200);
  }
  expect(sink.requests.length).toBeGreaterThan(0);
  expect(await started.server.stop()).toBe(0);
  expect(started.server.stdout()).toContain(`Application Insights: ${count} items of telemetry were lost.\n`);
});

test("a connection string that cannot be used: one line, which shows nothing of it, and a server that serves", async () => {
  const env = { APPLICATIONINSIGHTS_CONNECTION_STRING: "InstrumentationKey=s3cret" };
  const started = await start("insights.ts", env, { flags: [] });
  await started.server.waitReady();
  expect((await send(started.port, { body: '{"data":[1,2]}' }))[0]).toBe(200);
  expect(await started.server.stop()).toBe(0);
  await started.sink.close();
  const output = started.server.stdout() + started.server.stderr();
  expect(output.split("cannot be used: its InstrumentationKey is not a GUID. Nothing is sent").length).toBe(2);
  expect(output).not.toContain("s3cret");
});
