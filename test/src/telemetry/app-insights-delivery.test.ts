import { resourceFromAttributes } from "@opentelemetry/resources";
import { expect, onTestFinished, test } from "vitest";
import { Delivery, type DeliveryTimes } from "../../../src/telemetry/app-insights-delivery.ts";
import { Losses } from "../../../src/telemetry/app-insights-losses.ts";
import { createInsights } from "../../../src/telemetry/app-insights-sender.ts";
import { freePort } from "../../setup/server.ts";
import { until } from "../../setup/service.ts";
import {
  envelopesOf,
  type SinkAnswer,
  type SinkRequest,
  startTelemetrySink,
  TAKEN,
  type TelemetrySink,
} from "../../setup/telemetry-sink.ts";

const KEY = "12345678-abcd-ABCD-1234-123456789abc";
/** Pauses that a test can wait for, and patience that it cannot outlive. */
const TIMES: DeliveryTimes = {
  attemptMs: 60_000,
  patienceMs: 120_000,
  firstPauseMs: 5,
  longestPauseMs: 50,
  quotaPauseMs: 240_000,
};
const INFO = 9;
const NAMES = { hostname: "host1", workspaceName: "ws", serviceName: "svc" };

async function sinkWith(answer: (request: SinkRequest, index: number) => SinkAnswer = () => TAKEN) {
  const sink = await startTelemetrySink();
  sink.answer = (request) => answer(request, sink.requests.length - 1);
  onTestFinished(() => sink.close());
  return sink;
}

/** Answers the first request so, and takes all others. */
const firstly = (answer: SinkAnswer) => sinkWith((_request, index) => (index === 0 ? answer : TAKEN));

function open(url: string, times: Partial<DeliveryTimes> = {}) {
  const told: string[] = [];
  const tell = {
    warning: (message: string) => void told.push(`W ${message}`),
    info: (message: string) => void told.push(`I ${message}`),
  };
  const insights = createInsights({
    key: KEY,
    endpoint: url,
    env: {},
    names: NAMES,
    tell,
    times: { ...TIMES, ...times },
  });
  const processor = insights.processor(resourceFromAttributes({ "service.name": "svc" }));
  const keep = (...messages: string[]): void => {
    for (const message of messages) {
      insights.record({ time: 0, severity: INFO, message, properties: {}, place: undefined });
    }
  };
  return {
    told,
    keep,
    /** Resolves when they are taken, or given up. */
    send(...messages: string[]): Promise<void> {
      keep(...messages);
      return processor.forceFlush();
    },
    shutdown: () => processor.shutdown(),
    ended: () => insights.ended(),
  };
}

function messagesOf({ requests }: Pick<TelemetrySink, "requests">): string[][] {
  return requests.map((request) => envelopesOf([request]).map(({ data }) => data.baseData.message as string));
}

const refused = (status: number, headers: Record<string, string> = {}, body = ""): SinkAnswer => ({
  status,
  headers,
  body,
});
const ENDLESS: SinkAnswer = { status: 200, body: "x".repeat(2_000_000) };
const NOT_AFFECTED = "Requests are not affected; telemetry is kept for some minutes, then dropped. ";
const QUIET = "For ten minutes this is not said again.";

test.each<[SinkAnswer, string]>([
  [refused(401), "HTTP 401"],
  [refused(403), "HTTP 403"],
  [refused(408), "HTTP 408"],
  [refused(429, { "retry-after": "1" }), "HTTP 429"],
  [refused(429, { "retry-after": "soon" }), "HTTP 429"],
  [refused(500, {}, "<html>"), "HTTP 500"],
  [
    refused(500, {}, JSON.stringify({ errors: [{ index: 0, statusCode: 500, message: `sorry ${KEY}` }] })),
    "HTTP 500 (sorry …)",
  ],
  [refused(502), "HTTP 502"],
  [refused(503, { "retry-after": new Date(Date.now() + 1).toUTCString() }), "HTTP 503"],
  [refused(504), "HTTP 504"],
  ["close", "socket hang up"],
  ["garbage", "Parse Error: .*"],
  [refused(307), "HTTP 307 that leads nowhere"],
  [refused(308, { location: "ftp://127.0.0.1/" }), "HTTP 308 that leads nowhere"],
])("%.80j once: it is sent again, and the log is told once each way", async (answer, reason) => {
  const sink = await firstly(answer);
  const { send, told } = open(sink.url);
  await send("a", "b");
  expect(messagesOf(sink)).toEqual([
    ["a", "b"],
    ["a", "b"],
  ]);
  expect(told).toEqual([
    expect.stringMatching(
      new RegExp(`^W Application Insights: ${reason.replace(/[()]/g, "\\$&")}\\. ${NOT_AFFECTED}${QUIET}$`),
    ),
    "I Application Insights takes telemetry again; nothing was lost.",
  ]);
});

test("an answer without end is not read to its end", async () => {
  const sink = await firstly(ENDLESS);
  const { send, told } = open(sink.url);
  await send("a");
  expect(messagesOf(sink)).toEqual([["a"], ["a"]]);
  expect(told[0]).toContain("an answer without end");
});

test("an endpoint that hangs within its answer gets no more than its time", async () => {
  const sink = await firstly({ status: 200, headers: { "content-length": "10" }, body: "unfinished", cutAt: 2 });
  const { send, told } = open(sink.url, { attemptMs: 500 });
  await send("a");
  expect(messagesOf(sink)).toEqual([["a"], ["a"]]);
  expect(told[0]).toContain("no answer within 0.5 s");
});

test("an endpoint that hangs gets no more than its time, and is asked again", async () => {
  const sink = await firstly("hang");
  const { send, told } = open(sink.url, { attemptMs: 500 });
  await send("a");
  expect(messagesOf(sink)).toEqual([["a"], ["a"]]);
  expect(told[0]).toContain("no answer within 0.5 s");
});

test("an endpoint that refuses connections is asked until it is there", async () => {
  const port = await freePort();
  const { send, told } = open(`http://127.0.0.1:${port}`);
  const sent = send("a");
  await until(() => told.length > 0, "a warning");
  const sink = await startTelemetrySink(port);
  onTestFinished(() => sink.close());
  await sent;
  expect(messagesOf(sink)).toEqual([["a"]]);
  expect(told).toEqual([
    expect.stringContaining("ECONNREFUSED"),
    "I Application Insights takes telemetry again; nothing was lost.",
  ]);
});

test.each([400, 404, 405, 413, 501])("HTTP %i is final: the items are lost, which is counted", async (status) => {
  const sink = await firstly(refused(status));
  const { send, told } = open(sink.url);
  await send("a", "b", "c");
  await send("d");
  expect(messagesOf(sink)).toEqual([["a", "b", "c"], ["d"]]);
  expect(told).toEqual([
    `W Application Insights: HTTP ${status}. ${NOT_AFFECTED}${QUIET}`,
    "I Application Insights takes telemetry again; 3 items of telemetry were lost.",
  ]);
});

test.each([402, 439])(
  "HTTP %i, a quota: nothing is sent until it is time, and what is lost is counted",
  async (status) => {
    const sink = await firstly(refused(status, { "retry-after": "1" }));
    const { send, told } = open(sink.url, { patienceMs: 0 });
    await send("a");
    await send("b");
    expect(messagesOf(sink)).toEqual([["a"]]);
    let lost = 2;
    while (sink.requests.length === 1) {
      await send("c");
      if (sink.requests.length === 1) lost++;
    }
    expect(messagesOf(sink)).toEqual([["a"], ["c"]]);
    expect(told).toEqual([
      `W Application Insights: HTTP ${status}. ${NOT_AFFECTED}${QUIET}`,
      `I Application Insights takes telemetry again; ${lost} items of telemetry were lost.`,
    ]);
  },
);

test("a quota without Retry-After pauses by itself", async () => {
  const sink = await firstly(refused(439));
  const { send, told, ended } = open(sink.url);
  await send("a");
  await send("b");
  expect(messagesOf(sink)).toEqual([["a"]]);
  ended();
  expect(told.at(-1)).toBe("W Application Insights: 2 items of telemetry were lost.");
});

test("Retry-After longer than a batch is kept gives it up at once", async () => {
  const sink = await firstly(refused(429, { "retry-after": "3600" }));
  const { send, ended, told } = open(sink.url);
  await send("a");
  expect(messagesOf(sink)).toEqual([["a"]]);
  ended();
  expect(told.at(-1)).toBe("W Application Insights: 1 item of telemetry was lost.");
});

test("206: only what can be taken later is sent again, and what is refused is counted, without the key", async () => {
  const errors = [
    { index: 1, statusCode: 500, message: "later" },
    { index: 2, statusCode: 400, message: `102: bad ${KEY.toLowerCase()}` },
    { index: 3, statusCode: 429 },
    { index: 4, statusCode: 206, message: "Telemetry sampled out." },
    { index: 77, statusCode: 500 },
    { index: "x", statusCode: 500 },
    null,
  ];
  const sink = await firstly(refused(206, {}, JSON.stringify({ itemsReceived: 5, itemsAccepted: 1, errors })));
  const { send, told, ended } = open(sink.url);
  await send("a", "b", "c", "d", "e");
  expect(messagesOf(sink)).toEqual([
    ["a", "b", "c", "d", "e"],
    ["b", "d"],
  ]);
  const lost = "1 item of telemetry was lost";
  expect(told).toEqual([
    `W Application Insights: items were refused: 400 102: bad …. Requests are not affected; ${lost}. ${QUIET}`,
  ]);
  ended();
  expect(told.at(-1)).toBe(`W Application Insights: ${lost}.`);
});

test("206 that cannot be read is no reason to send all twice", async () => {
  const sink = await firstly(refused(206, {}, "{"));
  const { send, told } = open(sink.url);
  await send("a");
  await send("b");
  expect(messagesOf(sink)).toEqual([["a"], ["b"]]);
  expect(told).toEqual([
    `W Application Insights: HTTP 206 that does not say which items were taken. ${NOT_AFFECTED}${QUIET}`,
    "I Application Insights takes telemetry again; 1 item of telemetry was lost.",
  ]);
});

test.each(["", "garbage", "[]", "null", "{}"])("200 with %j is taken", async (body) => {
  const sink = await sinkWith(() => ({ status: 200, body, headers: { "content-type": "application/json" } }));
  const { send, told, ended } = open(sink.url);
  await send("a");
  ended();
  expect(messagesOf(sink)).toEqual([["a"]]);
  expect(told).toEqual([]);
});

test.each([307, 308])("HTTP %i is followed, and what comes later goes there at once", async (status) => {
  const other = await sinkWith();
  const sink = await sinkWith(() => refused(status, { location: `${other.url}/v2.1/track` }));
  const { send, told } = open(sink.url);
  await send("a");
  await send("b");
  expect(messagesOf(sink)).toEqual([["a"]]);
  expect(messagesOf(other)).toEqual([["a"], ["b"]]);
  expect(told).toEqual([]);
});

test("after a failure elsewhere the first address is asked again", async () => {
  const other = await sinkWith(() => refused(500));
  const sink = await firstly(refused(308, { location: `${other.url}/v2.1/track` }));
  const { send } = open(sink.url);
  await send("a");
  expect(messagesOf(other)).toEqual([["a"]]);
  expect(messagesOf(sink)).toEqual([["a"], ["a"]]);
});

test("redirections in a circle come to an end", async () => {
  const sink = await sinkWith(({ path }, index) => (index < 8 ? refused(307, { location: path }) : TAKEN));
  const { send, told } = open(sink.url);
  await send("a");
  expect(sink.requests.length).toBe(9);
  expect(told[0]).toContain("redirections without end");
});

test("no redirection leads from a secure address to an open one", async () => {
  const told: string[] = [];
  const losses = new Losses({ warning: (message) => void told.push(message), info: () => {} });
  const delivery = new Delivery("https://a.example/v2.1/track", KEY, losses, TIMES);
  const urls: string[] = [];
  const locations = ["http://b.example/", "https://c.example/v2.1/track", undefined];
  const request = { url: "", body: "[{}]", allowInsecureConnection: true, headers: { delete: () => {} } };
  await delivery.deliver(request, async ({ url, allowInsecureConnection }) => {
    urls.push(`${url} ${allowInsecureConnection}`);
    const location = locations.shift();
    return { status: location === undefined ? 200 : 308, headers: { get: () => location } };
  });
  expect(urls).toEqual([
    "https://a.example/v2.1/track false",
    "https://a.example/v2.1/track false",
    "https://c.example/v2.1/track false",
  ]);
});

test("what fails again and again is told once", async () => {
  const sink = await sinkWith((_request, index) => (index % 2 === 0 ? refused(500) : TAKEN));
  const { send, told } = open(sink.url);
  for (const message of ["a", "b", "c"]) await send(message);
  expect(sink.requests.length).toBe(6);
  expect(told.length).toBe(2);
});

test("while nothing is taken memory is bounded, what finds no room is counted, and the end waits for nobody", async () => {
  const sink = await sinkWith(() => refused(503, { "retry-after": "100" }));
  const { keep, shutdown, ended, told } = open(sink.url);
  const count = 20_000;
  for (let i = 0; i < count; i++) keep(String(i));
  await until(() => told.length > 0, "a warning");
  await shutdown();
  ended();
  expect(told).toHaveLength(2);
  expect(told[1]).toBe(`W Application Insights: ${count} items of telemetry were lost.`);
});

test("what is under way at the end is counted as lost when time is up", async () => {
  const sink = await sinkWith(() => "hang");
  const { keep, shutdown, ended, told } = open(sink.url);
  keep("a", "b");
  void shutdown();
  await sink.waitFor(([first]) => first);
  ended();
  expect(told).toEqual(["W Application Insights: 2 items of telemetry were lost."]);
});

test("when the thread that sends is gone nothing waits for it, and the loss is told", async () => {
  const told: string[] = [];
  const tell = { warning: (message: string) => void told.push(message), info: () => {} };
  // The exporter refuses to be made.
  const insights = createInsights({ key: "no key", endpoint: "http://127.0.0.1:1", env: {}, names: NAMES, tell });
  const processor = insights.processor(resourceFromAttributes({}));
  for (const message of ["a", "b"]) {
    insights.record({ time: 0, severity: INFO, message, properties: {}, place: undefined });
    await processor.forceFlush();
  }
  await processor.shutdown();
  insights.ended();
  expect(told).toEqual([
    expect.stringMatching(/^Application Insights: the thread that sends ended: Invalid instrumentation key/),
    "Application Insights: 2 items of telemetry were lost.",
  ]);
});

test("the largest items that there are leave without a loss", async () => {
  const sink = await sinkWith();
  const { told, send, ended } = open(sink.url);
  for (let round = 0; round < 20; round++) await send(...Array<string>(200).fill("é".repeat(32_768)));
  ended();
  expect(told).toEqual([]);
  expect(messagesOf(sink).flat().length).toBe(4_000);
});

test("it speaks to nobody else", async () => {
  const sink = await sinkWith();
  const { send } = open(sink.url);
  await send("a");
  expect(sink.requests.map(({ path }) => path)).toEqual(["/v2.1/track"]);
  expect(envelopesOf(sink.requests).map(({ name }) => name)).toEqual(["Microsoft.ApplicationInsights.Message"]);
});
