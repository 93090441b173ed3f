// Traces, as whoever receives them sees them.
import { existsSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { packageFile } from "../../../src/core/package-root.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import { bodyOf, type SentSpan, spansOf } from "../../setup/otlp.ts";
import { freePort, type RunningServer, startServer } from "../../setup/server.ts";
import { until } from "../../setup/service.ts";
import { startTelemetrySink, type TelemetrySink } from "../../setup/telemetry-sink.ts";

const COMMAND = packageFile("dist/adapters/cli/scorefn.js");
const SCRIPTS = packageFile("test/fixtures/traces");
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const CALLER = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: "vendor=1" };
const INTERNAL = 1;
const SERVER = 2;
const ERROR = 2;
const SENT_SOON = { OTEL_BSP_SCHEDULE_DELAY: "20", OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" };

let folder: string;
let sink: TelemetrySink;

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "scorefn-traces-")));
  sink = await startTelemetrySink();
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await sink.close();
});

interface Start {
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  readonly node?: readonly string[];
}

/** A server whose traces go to the sink, unless `env` says otherwise. */
async function start(script: string, { env = {}, flags = [], node = [] }: Start = {}): Promise<RunningServer> {
  const port = await freePort();
  const address = ["--host", "127.0.0.1", "--port", String(port)];
  const server = startServer({
    command: process.execPath,
    args: [...node, COMMAND, "serve", join(SCRIPTS, script), ...address, ...flags],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      SINK: sink.url,
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
      ...SENT_SOON,
      ...env,
    },
    cwd: folder,
    port,
  });
  await server.waitReady();
  return server;
}

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

async function send({ url }: RunningServer, id: string, body: string | undefined, more: Sent = {}): Promise<string> {
  const { method = "POST", path = "/score", headers = {}, signal = AbortSignal.timeout(DEADLINE_MS) } = more;
  const answer = await fetch(url + path, {
    method,
    body: body ?? null,
    signal,
    headers: { "x-request-id": id, ...headers },
  });
  return answer.text();
}

const serversOf = (spans: readonly SentSpan[]): SentSpan[] => spans.filter(({ kind }) => kind === SERVER);
const idOf = (span: SentSpan): unknown => span.attributes["scorefn.request_id"];

/** Waits until the sink has a span of the server for each id. */
function waitForSpans(...ids: string[]): Promise<SentSpan[]> {
  return sink.waitFor((requests) => {
    const spans = spansOf(requests);
    const known = new Set(serversOf(spans).map(idOf));
    return ids.every((id) => known.has(id)) ? spans : undefined;
  });
}

/** The span of the server, with those below it. */
function traceOf(spans: readonly SentSpan[], id: string): { server: SentSpan; children: readonly SentSpan[] } {
  const servers = serversOf(spans).filter((span) => idOf(span) === id);
  expect(servers.map(idOf)).toEqual([id]);
  const [server] = servers as [SentSpan];
  return { server, children: spans.filter(({ parentSpanId }) => parentSpanId === server.spanId) };
}

const warningsOf = (server: RunningServer, pattern: RegExp): string[] =>
  server
    .stdout()
    .split("\n")
    .filter((line) => / W \[\d+\] azmlinfsrv - /.test(line) && pattern.test(line));

describe.each([
  ["score.py", [], { type: "NoSuchRow", frames: /File ".*score\.py", line \d+, in look_up/ }],
  ["score.ts", [], { type: "NoSuchRow", frames: /at lookUp \(.*score\.ts:\d+:\d+\)/ }],
  ["score.ts", ["--script_host", "in-process"], { type: "NoSuchRow", frames: /at lookUp \(.*score\.ts:\d+:\d+\)/ }],
] as const)("%s (%j)", (script, flags, thrown) => {
  const isInProcess = flags.length > 0;

  test("a request is a span of the server, with its waiting and its run() below it", async () => {
    const server = await start(script, { flags: [...flags, "--log_format", "json"] });
    await send(server, "one", "hello", {
      headers: { ...CALLER, "user-agent": "test/1", "x-ms-client-request-id": "c" },
    });
    for (const path of ["/", "/ready", "/nowhere"]) await send(server, path, undefined, { method: "GET", path });
    await send(server, "last", "hello");
    const spans = await waitForSpans("one", "last");
    expect(serversOf(spans)).toHaveLength(2);
    const { server: span, children } = traceOf(spans, "one");
    expect(span).toMatchObject({
      name: "POST /score",
      kind: SERVER,
      traceId: TRACE,
      parentSpanId: PARENT,
      traceState: "vendor=1",
      status: { code: 0 },
      events: [],
      scope: { name: "scorefn", version: expect.any(String) },
      resource: { "service.name": "ML service", "service.version": "1.0", "telemetry.sdk.language": "nodejs" },
    });
    const { port } = new URL(server.url);
    expect(span.attributes).toEqual({
      "http.request.method": "POST",
      "http.route": "/score",
      "url.path": "/score",
      "url.scheme": "http",
      "client.address": "127.0.0.1",
      "user_agent.original": "test/1",
      "server.address": "127.0.0.1",
      "server.port": Number(port),
      "http.response.status_code": 200,
      "http.request.body.size": 5,
      "http.response.body.size": 7,
      "scorefn.request_id": "one",
      "scorefn.client_request_id": "c",
    });
    expect(children.map(({ name, kind, traceId }) => ({ name, kind, traceId }))).toEqual([
      { name: "queue", kind: INTERNAL, traceId: TRACE },
      { name: "run", kind: INTERNAL, traceId: TRACE },
    ]);
    const [queue, run] = children as [SentSpan, SentSpan];
    const times = [span.start, queue.start, queue.end, run.start, run.end, span.end];
    expect(times).toEqual([...times].sort((a, b) => Number(a - b)));
    expect(run.attributes).toMatchObject({ "scorefn.run.outcome": "ok", "scorefn.worker.pid": expect.any(Number) });
    expect(await server.stop()).toBe(0);
    // Records lead to the trace.
    const records = server
      .stdout()
      .split("\n")
      .filter((line) => line.includes('"request_id":"one"'));
    expect(records.length).toBeGreaterThan(0);
    for (const line of records) expect(JSON.parse(line)).toMatchObject({ trace_id: TRACE, span_id: span.spanId });
  });

  test("what goes wrong is told in its trace", async () => {
    const server = await start(script, { flags, env: { SCORING_TIMEOUT_MS: "1500" } });
    const begun = join(folder, "begun");
    const isBegun = (): Promise<void> => until(() => existsSync(begun), "run() has begun");

    await send(server, "fails", "fail");
    const leaves = new AbortController();
    const left = send(server, "leaves", `wait ${begun}`, { signal: leaves.signal }).catch(() => "left");
    await isBegun();
    leaves.abort();
    expect(await left).toBe("left");
    await send(server, "late", `wait ${begun}`);
    expect(await send(server, "streams", "stream")).toBe("onetwo");
    await send(server, "breaks off", "stream fails").catch(() => "broken off");
    await send(server, "put", "x", { method: "PUT" });
    await send(server, "head", undefined, { method: "HEAD" });
    await send(server, "options", undefined, { method: "OPTIONS" });
    await send(server, "type", undefined, { method: "GET", path: "/swagger.json" });
    const known = ["fails", "leaves", "late", "streams", "breaks off", "put", "head", "options", "type"];
    if (!isInProcess) {
      await send(server, "dies", "die");
      known.push("dies");
    }
    const hasAll = (spans: readonly SentSpan[]): boolean =>
      spans.filter(({ name }) => name === "run").length === (isInProcess ? 5 : 6);
    await waitForSpans(...known);
    const spans = await sink.waitFor((requests) => {
      const all = spansOf(requests);
      return hasAll(all) ? all : undefined;
    });
    expect(serversOf(spans).map(idOf).sort()).toEqual([...known].sort());

    const told = (id: string): unknown => {
      const { server: span, children } = traceOf(spans, id);
      const { attributes, status, events } = span;
      return {
        status: attributes["http.response.status_code"],
        error: attributes["error.type"],
        isError: status.code === ERROR,
        exceptions: events.map((event) => event.attributes["exception.type"]),
        outcome: children.find(({ name }) => name === "run")?.attributes["scorefn.run.outcome"],
      };
    };
    expect(told("fails")).toEqual({
      status: 500,
      error: "ERR_SCRIPT_RUN",
      isError: true,
      exceptions: [thrown.type],
      outcome: "error",
    });
    const [exception] = traceOf(spans, "fails").server.events;
    expect(exception!.attributes["exception.message"]).toBe("row 1 is not there");
    expect(exception!.attributes["exception.stacktrace"]).toMatch(thrown.frames);
    expect(told("leaves")).toMatchObject({
      status: 499,
      error: "ERR_CLIENT_GONE",
      isError: false,
      outcome: "interrupted",
    });
    expect(told("late")).toMatchObject({ status: 500, error: "ERR_SCORE_TIMEOUT", isError: true, outcome: "timeout" });
    expect(told("streams")).toMatchObject({ status: 200, error: undefined, isError: false, outcome: "ok" });
    expect(traceOf(spans, "streams").server.attributes["http.response.body.size"]).toBe(6);
    expect(told("breaks off")).toMatchObject({
      status: 200,
      error: "ERR_SCRIPT_RUN",
      isError: true,
      exceptions: [thrown.type],
      outcome: isInProcess ? "ok" : "error",
    });
    const refused = { isError: false, exceptions: [], outcome: undefined };
    expect(told("put")).toEqual({ ...refused, status: 405, error: "ERR_METHOD" });
    expect(told("head")).toMatchObject({ status: 405, error: "ERR_METHOD", outcome: undefined });
    expect(told("options")).toEqual({ ...refused, status: 200, error: undefined });
    expect(told("type")).toEqual({ ...refused, status: 200, error: undefined });
    if (!isInProcess) {
      expect(told("dies")).toMatchObject({
        status: 500,
        error: "ERR_WORKER_EXIT",
        isError: true,
        outcome: "worker_exit",
      });
    }
    for (const span of spans) {
      expect(span.end).toBeGreaterThanOrEqual(span.start);
      for (const { time } of span.events) expect(time).toBeGreaterThanOrEqual(span.start);
    }
    expect(await server.stop()).toBe(0);
    expect(warningsOf(server, /Telemetry/)).toEqual([]);
  });
});

test("a request that is refused before its body is read has a trace from its head on", async () => {
  const server = await start("score.ts", { env: { SCOREFN_MAX_BODY_MB: "1" } });
  await send(server, "large", "x".repeat(1_100_000)).catch(() => "refused");
  const { server: span, children } = traceOf(await waitForSpans("large"), "large");
  expect(span.attributes).toMatchObject({ "http.response.status_code": 413, "error.type": "ERR_BODY_TOO_LARGE" });
  expect(span.end).toBeGreaterThan(span.start);
  expect(children).toEqual([]);
});

describe("OpenTelemetry's variables", () => {
  test("say where traces go, and how", async () => {
    const server = await start("score.ts", {
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1/never",
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${sink.url}/as/it/is`,
        OTEL_EXPORTER_OTLP_HEADERS: "api-key=general,other=a%20b",
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: "api-key=special",
        OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
        OTEL_SERVICE_NAME: "my model",
        OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,service.name=no",
      },
    });
    await send(server, "one", "hello");
    const [span] = await waitForSpans("one");
    expect(span!.resource).toMatchObject({ "service.name": "my model", "deployment.environment.name": "test" });
    const [request] = sink.requests;
    expect(request).toMatchObject({
      path: "/as/it/is",
      headers: { "content-encoding": "gzip", "api-key": "special", other: "a b" },
    });
    expect(JSON.parse(bodyOf(request!).toString())).toHaveProperty("resourceSpans");
  });

  test.each([
    ["OTEL_TRACES_SAMPLER", "always_off"],
    ["OTEL_TRACES_SAMPLER", "parentbased_always_off"],
  ])("%s=%s keeps none that begin here", async (name, value) => {
    const server = await start("score.ts", { env: { [name]: value } });
    await send(server, "own", "hello");
    await send(server, "caller's", "hello", { headers: CALLER });
    expect(await server.stop()).toBe(0);
    const ids = serversOf(spansOf(sink.requests)).map(idOf);
    expect(ids).toEqual(value.startsWith("parentbased") ? ["caller's"] : []);
  });

  test.each([
    [{ OTEL_SDK_DISABLED: "true" }],
    [{ OTEL_TRACES_EXPORTER: "none" }],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "" }],
    [{ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" }],
  ])("%j: nothing is sent, and nothing is said", async (env) => {
    const server = await start("score.ts", { env });
    expect(await send(server, "one", "hello", { headers: CALLER })).toBe('"hello"');
    expect(await server.stop()).toBe(0);
    expect(sink.requests).toEqual([]);
    expect(warningsOf(server, /OTEL|Telemetry/)).toEqual([]);
  });

  test.each<[env: Record<string, string>, said: readonly RegExp[]]>([
    [
      {
        OTEL_TRACES_SAMPLER: "sometimes",
        OTEL_EXPORTER_OTLP_TIMEOUT: "-1",
        OTEL_EXPORTER_OTLP_COMPRESSION: "zip",
        OTEL_EXPORTER_OTLP_CERTIFICATE: "/nowhere",
        OTEL_RESOURCE_ATTRIBUTES: "a",
      },
      [
        /OTEL_TRACES_SAMPLER value "sometimes" invalid/,
        /OTEL_EXPORTER_OTLP_TIMEOUT is invalid/,
        /OTEL_EXPORTER_OTLP_COMPRESSION is invalid/,
        /Failed to read root certificate file/,
        /OTEL_RESOURCE_ATTRIBUTES is not a list/,
      ],
    ],
    [
      {
        OTEL_TRACES_SAMPLER: "traceidratio",
        OTEL_TRACES_SAMPLER_ARG: "2",
        OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: "many",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "0",
        OTEL_LOGS_EXPORTER: "otlp",
        OTEL_PROPAGATORS: "b3,baggage",
      },
      [
        /OTEL_TRACES_SAMPLER_ARG=2/,
        /many.*OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT/,
        /OTEL_BSP_MAX_EXPORT_BATCH_SIZE=0/,
        /OTEL_LOGS_EXPORTER=otlp has no effect/,
        /OTEL_PROPAGATORS: b3/,
      ],
    ],
  ])("%j: each is told at the start, once, and traces are sent all the same", async (env, said) => {
    const server = await start("score.ts", { env });
    await send(server, "one", "hello");
    await waitForSpans("one");
    expect(await server.stop()).toBe(0);
    const warnings = warningsOf(server, /OTEL|Telemetry/);
    for (const each of said) expect(warnings).toContainEqual(expect.stringMatching(each));
    expect(warnings).toHaveLength(said.length);
  });

  test("the exporter console writes to the log, as its format wants it", async () => {
    const server = await start("score.ts", {
      env: { OTEL_TRACES_EXPORTER: "console" },
      flags: ["--log_format", "json"],
    });
    await send(server, "one", "hello", { headers: CALLER });
    await server.waitOutput(/POST \/score/);
    expect(await server.stop()).toBe(0);
    const records = server
      .stdout()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { message: string });
    const spans = records.filter(({ message }) => message.startsWith('{"traceId"'));
    expect(spans.map(({ message }) => (JSON.parse(message) as { name: string }).name)).toEqual(
      expect.arrayContaining(["queue", "run", "POST /score"]),
    );
    expect(sink.requests).toEqual([]);
  });
});

describe("the script", () => {
  const traced = async (script: string, flags: readonly string[], env: Record<string, string> = {}) => {
    const server = await start(script, { flags, env });
    const ask = async (body: string, headers: Record<string, string> = CALLER) =>
      JSON.parse(await send(server, body, body, { headers })) as Record<string, string | undefined>;
    return { server, ask };
  };

  test.each([
    ["traced.ts", [], ["sync", "async"]],
    ["traced_raw.ts", [], ["raw"]],
    ["traced.ts", ["--script_host", "in-process"], ["sync", "async"]],
    ["traced_raw.ts", ["--script_host", "in-process"], ["raw"]],
  ] as const)(
    "%s %j %j: is told of its place in the trace, and its spans are children of run()",
    async (script, flags, bodies) => {
      const { ask } = await traced(script, flags);
      const runs = new Set<string>();
      for (const body of bodies) {
        const told = await ask(body);
        const isRun = ({ name, spanId }: SentSpan): boolean => name === "run" && !runs.has(spanId);
        await waitForSpans(body);
        const spans = await sink.waitFor((requests) => {
          const all = spansOf(requests);
          return all.some(({ name }) => name === body) && all.some(isRun) ? all : undefined;
        });
        const run = spans.find(isRun)!;
        runs.add(run.spanId);
        const own = spans.find(({ name }) => name === body)!;
        expect(told).toEqual({
          active: run.spanId,
          traceparent: `00-${TRACE}-${run.spanId}-01`,
          tracestate: "vendor=1",
        });
        expect(own).toMatchObject({
          traceId: TRACE,
          parentSpanId: run.spanId,
          resource: { "service.name": "the user's own" },
        });
      }
    },
  );

  test.each([[[]], [["--script_host", "in-process"]]] as const)(
    "pieces of a stream are made within it, too (%j)",
    async (flags) => {
      const { server } = await traced("traced.ts", flags);
      await send(server, "generator", "generator", { headers: CALLER });
      const spans = await sink.waitFor((requests) => {
        const all = spansOf(requests);
        return all.some(({ name }) => name === "generator 2") && all.some(({ name }) => name === "run")
          ? all
          : undefined;
      });
      const run = spans.find(({ name }) => name === "run")!;
      for (const name of ["generator 1", "generator 2"]) {
        expect(spans.find((span) => span.name === name)).toMatchObject({ traceId: TRACE, parentSpanId: run.spanId });
      }
    },
  );

  test.each([[[]], [["--script_host", "in-process"]]] as const)(
    "continues its caller's trace where the server traces nothing (%j)",
    async (flags) => {
      const { ask } = await traced("traced.ts", flags, { OTEL_SDK_DISABLED: "", OTEL_EXPORTER_OTLP_ENDPOINT: "" });
      expect(await ask("async")).toEqual({ active: PARENT, ...CALLER });
      expect(await ask("sync", {})).toEqual({});
    },
  );
});

describe("an SDK that is registered before the server starts", () => {
  test.each([[[]], [["--script_host", "in-process"]]] as const)(
    "makes all spans, and ours sends nothing (%j)",
    async (flags) => {
      const server = await start("score.ts", { flags, node: ["--import", join(SCRIPTS, "register.mjs")] });
      await send(server, "one", "fail", { headers: CALLER });
      const spans = await sink.waitFor((requests) => {
        const all = spansOf(requests);
        return all.length >= 3 ? all : undefined;
      });
      const { server: span, children } = traceOf(spans, "one");
      expect(span).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, scope: { name: "scorefn" } });
      expect(span.events).toHaveLength(1);
      expect(children.map(({ name }) => name).sort()).toEqual(["queue", "run"]);
      expect(await server.stop()).toBe(0);
      for (const { resource } of spansOf(sink.requests)) expect(resource["service.name"]).toBe("the user's own");
      expect(warningsOf(server, /Telemetry/)).toEqual([]);
    },
  );
});
