import { InMemorySpanExporter, type ReadableSpan } from "@opentelemetry/sdk-trace-base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BadInputError, ScoreError, ScoreTimeoutError } from "../../../src/core/errors.ts";
import type { RequestAnswered, RequestHead, RunEnd } from "../../../src/core/events.ts";
import type { Trace } from "../../../src/core/trace.ts";
import type { RunCall, ScoreResponse } from "../../../src/core/types.ts";
import { readOtelSettings } from "../../../src/telemetry/otel-settings.ts";
import { createSdk } from "../../../src/telemetry/sdk.ts";
import { createSpans, type SpanSource } from "../../../src/telemetry/spans.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const INTERNAL = 0;
const SERVER = 1;
const ERROR = 2;

/** Spans made by the real SDK, and kept. */
function tracing(env: Readonly<Record<string, string>> = {}) {
  const memory = new InMemorySpanExporter();
  const problems: string[] = [];
  const faults: unknown[] = [];
  const { batch, continuesTraces } = readOtelSettings(env);
  const sdk = createSdk(
    {
      serviceName: "ML service",
      serviceVersion: "1",
      scope: ["scorefn", "0"],
      exports: [],
      exporters: [memory],
      batch,
      continuesTraces,
    },
    { problem: (text) => problems.push(text), line: () => {} },
  );
  return {
    ...createSpans(sdk.source, { onFault: (fault) => faults.push(fault) }),
    problems,
    faults,
    async spans(): Promise<ReadableSpan[]> {
      await sdk.flush();
      return memory.getFinishedSpans();
    },
  };
}

type Tracing = ReturnType<typeof tracing>;

const HEAD: RequestHead = {
  method: "POST",
  path: "/score",
  query: "",
  headers: { host: "example.com:8080", "user-agent": "test/1", "x-forwarded-proto": "https" },
  remoteAddress: "192.0.2.1",
};
const OK: ScoreResponse = { status: 200, headers: [], body: "12345" };

/** One request, whose events come as the test says. */
function request(tracing: Tracing, more: Partial<RequestHead> = {}) {
  const head = { ...HEAD, ...more, headers: { ...HEAD.headers, ...more.headers } };
  const startedAt = performance.now();
  const trace = tracing.tracer.begin(head, "/score", startedAt) as Trace;
  const ids = { requestId: "id-1", clientRequestId: "client-1", deprecatedId: false, trace } as RequestAnswered["ids"];
  const { method, path, query, headers } = head;
  const call: RunCall = { body: Buffer.from("abc"), method, path, query, headers, requestId: "id-1", trace };
  const { events } = tracing;
  const record = (response: ScoreResponse): RequestAnswered => ({
    request: head,
    ids,
    route: "/score",
    isLogged: true,
    response,
    requestBytes: 3,
    wasReceived: true,
    startedAt,
    endedAt: performance.now(),
  });
  return {
    trace,
    queued: (queuedAt = performance.now()) => events.requestQueued!({ call, queuedAt }),
    begun: (queuedAt = startedAt, begunAt = performance.now()) => events.runBegun!({ call, pid: 7, queuedAt, begunAt }),
    ran: (end: RunEnd = "ok", runMs = 0) => events.runEnded!({ call, pid: 7, end, runMs }),
    failed: (failure: ScoreError) => events.requestFailed!({ request: head, ids, failure }),
    answered: (response = OK) => events.requestAnswered!(record(response)),
    streamEnded: (failure?: ScoreError, response = STREAM) =>
      events.streamEnded!({ answered: record(response), bytes: 9, failure, endedAt: performance.now() }),
  };
}

const STREAM: ScoreResponse = { status: 200, headers: [], body: (async function* () {})() };

const named = (spans: readonly ReadableSpan[], name: string): ReadableSpan => {
  const found = spans.filter((span) => span.name === name);
  expect(found).toHaveLength(1);
  return found[0]!;
};
const startOf = ({ startTime: [s, ns] }: ReadableSpan): bigint => BigInt(s) * 1_000_000_000n + BigInt(ns);
const endOf = ({ endTime: [s, ns] }: ReadableSpan): bigint => BigInt(s) * 1_000_000_000n + BigInt(ns);

describe("one request", () => {
  test("is a span of the server with its waiting and its run() below it", async () => {
    const all = tracing();
    const one = request(all, { headers: { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: "a=b" } });
    one.queued();
    one.begun();
    const { traceparent, tracestate } = one.trace;
    one.ran("ok", 0);
    one.answered();
    const spans = await all.spans();
    expect(spans.map(({ name }) => name).sort()).toEqual(["POST /score", "queue", "run"]);
    const [server, queue, run] = ["POST /score", "queue", "run"].map((name) => named(spans, name)) as [
      ReadableSpan,
      ReadableSpan,
      ReadableSpan,
    ];
    expect(server).toMatchObject({ kind: SERVER, parentSpanContext: { traceId: TRACE, spanId: PARENT } });
    expect(server.spanContext()).toMatchObject({ traceId: TRACE, spanId: one.trace.spanId });
    for (const child of [queue, run]) {
      expect(child).toMatchObject({ kind: INTERNAL, parentSpanContext: { traceId: TRACE, spanId: one.trace.spanId } });
    }
    // What the script begins belongs to its run().
    expect(traceparent).toBe(`00-${TRACE}-${run.spanContext().spanId}-01`);
    expect(tracestate).toBe("a=b");
    expect(run.attributes).toEqual({ "scorefn.worker.pid": 7, "scorefn.run.outcome": "ok" });
    expect(server.attributes).toEqual({
      "http.request.method": "POST",
      "url.path": "/score",
      "http.route": "/score",
      "url.scheme": "https",
      "client.address": "192.0.2.1",
      "user_agent.original": "test/1",
      "server.address": "example.com",
      "server.port": 8080,
      "http.response.status_code": 200,
      "http.request.body.size": 3,
      "http.response.body.size": 5,
      "scorefn.request_id": "id-1",
      "scorefn.client_request_id": "client-1",
    });
    expect(server.status).toEqual({ code: 0 });
    const times = [startOf(server), startOf(queue), endOf(queue), startOf(run), endOf(run), endOf(server)];
    expect(times).toEqual([...times].sort((one, other) => (one < other ? -1 : 1)));
    expect(Number(endOf(server) / 1_000_000n)).toBeGreaterThan(Date.now() - 60_000);
    expect(all.problems).toEqual([]);
  });

  test("that fails has the exception in the words of the script's runtime", async () => {
    const all = tracing();
    const one = request(all);
    const report = { type: "KeyError", message: "'x'", traceback: "Traceback …\nKeyError: 'x'", location: null };
    const failure = new ScoreError("ERR_SCRIPT_RUN", "KeyError: 'x'", { report });
    one.queued();
    one.begun();
    one.ran("error");
    one.failed(failure);
    one.answered({ ...OK, status: 500, errorCode: "ERR_SCRIPT_RUN" });
    const spans = await all.spans();
    const server = named(spans, "POST /score");
    expect(server.events).toMatchObject([
      {
        name: "exception",
        attributes: {
          "exception.type": "KeyError",
          "exception.message": "'x'",
          "exception.stacktrace": report.traceback,
        },
      },
    ]);
    expect(server.status).toEqual({ code: ERROR, message: "KeyError: 'x'" });
    expect(server.attributes).toMatchObject({ "error.type": "ERR_SCRIPT_RUN", "http.response.status_code": 500 });
    expect(named(spans, "run")).toMatchObject({ status: { code: ERROR, message: "error" } });
    const [event] = server.events;
    const at = BigInt(event!.time[0]) * 1_000_000_000n + BigInt(event!.time[1]);
    expect(at).toBeGreaterThanOrEqual(startOf(server));
    expect(at).toBeLessThanOrEqual(endOf(server));
  });

  test("of a client's fault is no error of the server", async () => {
    const all = tracing();
    const one = request(all);
    one.failed(new BadInputError("ERR_BAD_INPUT", "no JSON"));
    one.answered({ ...OK, status: 400, errorCode: "ERR_BAD_INPUT" });
    const server = named(await all.spans(), "POST /score");
    expect(server.status).toEqual({ code: 0 });
    expect(server.attributes).toMatchObject({ "error.type": "ERR_BAD_INPUT" });
    expect(server.events).toHaveLength(1);
  });

  test("whose stream breaks off ends with it, as a failure", async () => {
    const all = tracing();
    const one = request(all);
    one.queued();
    one.begun();
    one.answered(STREAM);
    expect(await all.spans()).toEqual([]);
    one.ran("error", 0);
    one.streamEnded(new ScoreError("ERR_SCRIPT_RUN", "RangeError: in the stream"));
    const server = named(await all.spans(), "POST /score");
    expect(server.attributes).toMatchObject({ "http.response.body.size": 9, "error.type": "ERR_SCRIPT_RUN" });
    expect(server.status.code).toBe(ERROR);
    expect(server.events).toHaveLength(1);
  });

  test("that times out ends before its run() does", async () => {
    const all = tracing();
    const one = request(all);
    one.queued();
    one.begun();
    one.failed(new ScoreTimeoutError(10));
    one.answered({ ...OK, status: 500, errorCode: "ERR_SCORE_TIMEOUT" });
    expect((await all.spans()).map(({ name }) => name).sort()).toEqual(["POST /score", "queue"]);
    one.ran("timeout", 20);
    expect(named(await all.spans(), "run").attributes).toMatchObject({ "scorefn.run.outcome": "timeout" });
    expect(all.problems).toEqual([]);
  });

  test("that nobody took has waited until its end", async () => {
    const all = tracing();
    const one = request(all);
    one.queued();
    one.failed(new ScoreError("ERR_CLIENT_GONE", "the client left"));
    one.answered({ ...OK, status: 499, errorCode: "ERR_CLIENT_GONE" });
    const spans = await all.spans();
    expect(spans).toHaveLength(2);
    expect(endOf(named(spans, "queue"))).toBe(endOf(named(spans, "POST /score")));
  });

  test("that a worker gives back unrun has waited until the next one begins it", async () => {
    const all = tracing();
    const one = request(all);
    const queuedAt = performance.now();
    one.queued(queuedAt);
    one.begun(queuedAt, queuedAt + 1);
    one.begun(queuedAt, queuedAt + 2);
    one.ran("ok", 0);
    one.answered();
    const spans = await all.spans();
    expect(spans).toHaveLength(3);
    const [queue, run] = [named(spans, "queue"), named(spans, "run")];
    expect(endOf(queue)).toBe(startOf(run));
    expect(endOf(queue) - startOf(queue)).toBeGreaterThan(1_900_000n);
  });
});

describe("what a client may send", () => {
  test.each([
    ["BREW", "HTTP /score", { "http.request.method": "_OTHER", "http.request.method_original": "BREW" }],
    ["PUT", "PUT /score", { "http.request.method": "PUT" }],
    ["HEAD", "HEAD /score", { "http.response.body.size": 0 }],
  ])("method %s", async (method, name, attributes) => {
    const all = tracing();
    request(all, { method }).answered({ ...OK, status: 405, errorCode: "ERR_METHOD" });
    expect(named(await all.spans(), name).attributes).toMatchObject(attributes);
  });

  test.each([
    [{ host: "[::1]:5001" }, { "server.address": "[::1]", "server.port": 5001 }],
    [{ host: "host" }, { "server.address": "host" }],
    [{ host: "" }, { "url.path": "/score" }],
    [{ host: "a:b:c:d" }, { "url.path": "/score" }],
    [{ "x-forwarded-proto": "HTTPS, http" }, { "url.scheme": "https" }],
    [{ "x-forwarded-proto": "javascript" }, { "url.scheme": "http" }],
  ])("headers %j", async (headers, attributes) => {
    const all = tracing();
    request(all, { headers }).answered();
    expect(named(await all.spans(), "POST /score").attributes).toMatchObject(attributes);
  });

  test("keys in the query are not shown, and nothing long is kept", async () => {
    const all = tracing();
    const long = "x".repeat(200_000);
    const one = request(all, { query: `code=secret&a=1&sig=${long}`, headers: { "user-agent": long, host: long } });
    one.failed(
      new ScoreError("ERR_SCRIPT_RUN", long, {
        report: { type: long, message: long, traceback: long, location: null },
      }),
    );
    one.answered({ ...OK, status: 500 });
    const server = named(await all.spans(), "POST /score");
    expect(server.attributes["url.query"]).toBe("code=REDACTED&a=1&sig=REDACTED");
    const size = JSON.stringify([server.attributes, server.events, server.status]).length;
    expect(size).toBeLessThan(50_000);
  });

  test.each([
    "",
    "00",
    "x".repeat(10_000),
    `00-${TRACE}-${PARENT}`,
    `00-${TRACE}-${PARENT}-`,
    `00-${TRACE}-${PARENT}-1`,
    `00-${TRACE}-${PARENT}-011`,
    `00-${TRACE}-${PARENT}-01-more`,
    `00-${TRACE}-${PARENT}-0g`,
    `0-${TRACE}-${PARENT}-01`,
    `000-${TRACE}-${PARENT}-01`,
    `ff-${TRACE}-${PARENT}-01`,
    `FF-${TRACE}-${PARENT}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE}-${PARENT.toUpperCase()}-01`,
    `00-${TRACE.slice(1)}-${PARENT}-01`,
    `00-${TRACE}a-${PARENT}-01`,
    `00-${TRACE}-${PARENT}0-01`,
    `00-${"0".repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00_${TRACE}_${PARENT}_01`,
    `00-${TRACE}-${PARENT}-01,00-${TRACE}-${PARENT}-01`,
    `00-${TRACE.replace("4", "é")}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01\u0000`,
  ])("traceparent %j begins a trace of its own", async (traceparent) => {
    const all = tracing();
    const one = request(all, { headers: { traceparent, tracestate: "a=b" } });
    one.answered();
    const server = named(await all.spans(), "POST /score");
    expect(server.parentSpanContext).toBeUndefined();
    expect(server.spanContext().traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
    expect(one.trace.traceId).not.toBe(TRACE);
    expect(one.trace.tracestate).toBeUndefined();
    expect(all.problems).toEqual([]);
  });

  test.each([`00-${TRACE}-${PARENT}-01`, `01-${TRACE}-${PARENT}-01`, `cc-${TRACE}-${PARENT}-03-what-comes`])(
    "traceparent %s is continued",
    async (traceparent) => {
      const all = tracing();
      request(all, { headers: { traceparent } }).answered();
      expect(named(await all.spans(), "POST /score").parentSpanContext).toMatchObject({
        traceId: TRACE,
        spanId: PARENT,
      });
    },
  );

  test("a trace that its caller does not keep is not kept here, and its ids are handed on", async () => {
    const all = tracing();
    const one = request(all, { headers: { traceparent: `00-${TRACE}-${PARENT}-00` } });
    expect(one.trace.traceparent).toBe(`00-${TRACE}-${one.trace.spanId}-00`);
    one.queued();
    one.begun();
    one.ran();
    one.failed(new ScoreError("ERR_SCRIPT_RUN", "fails"));
    one.answered();
    expect(await all.spans()).toEqual([]);
  });

  test("a tracestate of 10 kB, or one that is none, is left out", async () => {
    const all = tracing();
    for (const tracestate of [`a=${"x".repeat(10_000)}`, "=,=,;", "\u0000"]) {
      const one = request(all, { headers: { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate } });
      expect(one.trace.tracestate).toBeUndefined();
    }
  });

  test("callers are not heeded with OTEL_PROPAGATORS=none", async () => {
    const all = tracing({ OTEL_PROPAGATORS: "none" });
    expect(request(all, { headers: { traceparent: `00-${TRACE}-${PARENT}-01` } }).trace.traceId).not.toBe(TRACE);
  });
});

/** What may happen to a request. */
const STEPS = ["queued", "begun", "ran", "failed", "answered", "answered with a stream", "streamEnded"] as const;
const FAILURE = new ScoreError("ERR_SCRIPT_RUN", "fails");

function step(one: ReturnType<typeof request>, what: (typeof STEPS)[number]): void {
  if (what === "failed") one.failed(FAILURE);
  else if (what === "answered with a stream") one.answered(STREAM);
  else one[what]();
}

test("whatever comes in whatever order: one span of the server each, ended once, and all others below it", async () => {
  const sequence = fc.array(fc.tuple(fc.nat(2), fc.constantFrom(...STEPS)), { maxLength: 40 });
  const all = tracing({ OTEL_BSP_MAX_QUEUE_SIZE: "1000000" });
  await fc.assert(
    fc.asyncProperty(sequence, async (steps) => {
      const before = (await all.spans()).length;
      const requests = [
        request(all),
        request(all),
        request(all, { headers: { traceparent: `00-${TRACE}-${PARENT}-01` } }),
      ];
      for (const [which, what] of steps) step(requests[which]!, what);
      const spans = (await all.spans()).slice(before);
      const ids = spans.map((span) => span.spanContext().spanId);
      expect(new Set(ids).size).toBe(ids.length);
      for (const [which, { trace }] of requests.entries()) {
        const own = spans.filter((span) => span.spanContext().traceId === trace.traceId);
        const servers = own.filter(({ kind }) => kind === SERVER);
        const isOver = steps.some(([of, what]) => of === which && (what === "answered" || what === "streamEnded"));
        expect(servers.map((span) => span.spanContext().spanId)).toEqual(isOver ? [trace.spanId] : []);
        for (const child of own.filter(({ kind }) => kind !== SERVER)) {
          expect(child.parentSpanContext?.spanId).toBe(trace.spanId);
          expect(endOf(child)).toBeGreaterThanOrEqual(startOf(child));
        }
      }
      expect([all.faults, all.problems]).toEqual([[], []]);
    }),
    { numRuns: 300 },
  );
});

test("what a source throws is told, and is no request's business", () => {
  const faults: unknown[] = [];
  const broken: SpanSource = {
    start: () => {
      throw new Error("broken");
    },
    parentOf: () => {
      throw new Error("broken");
    },
    childrenOf: () => {
      throw new Error("broken");
    },
  };
  const { tracer } = createSpans(broken, { onFault: (fault) => faults.push(fault) });
  expect(tracer.begin(HEAD, "/score", performance.now())).toBeUndefined();
  expect(faults).toHaveLength(1);

  const all = tracing();
  const one = request(all);
  const { events } = createSpans(broken, {
    onFault: (fault) => faults.push(fault),
    onRequestSpan: () => {
      throw new Error("broken too");
    },
  });
  events.requestAnswered!({
    request: HEAD,
    ids: { requestId: "", clientRequestId: "", deprecatedId: false, trace: one.trace } as RequestAnswered["ids"],
    route: "/score",
    isLogged: true,
    response: OK,
    requestBytes: 0,
    wasReceived: true,
    startedAt: 0,
    endedAt: 0,
  });
  expect(faults).toHaveLength(2);
});
