import fc from "fast-check";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { requestItems } from "../../../src/telemetry/app-insights-exporter.ts";
import { Requests } from "../../../src/telemetry/app-insights-requests.ts";
import { packRows, type RequestRow, ROW_WIDTH, rowAt } from "../../../src/telemetry/app-insights-row.ts";
import { type RowContext, Rows, spanOf } from "../../../src/telemetry/app-insights-rows.ts";
import type { Envelope } from "../../setup/telemetry-sink.ts";

const KEY = "11111111-2222-3333-4444-555555555555";
const OTHER_KEY = "99999999-2222-3333-4444-555555555555";
const ENDPOINT = "http://127.0.0.1:9";
const CONTEXT: RowContext = {
  names: { hostname: 'host "1"', workspaceName: "ws", serviceName: "svc" },
  resource: { attributes: { "service.name": "svc", "service.version": "1.0", "service.instance.id": "host" } },
};
const ROW: RequestRow = {
  spanName: "POST /score",
  spanStatus: 0,
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  parentSpanId: undefined,
  startTime: [1_795_687_176, 628_038_999],
  duration: [0, 1_234_567],
  rate: undefined,
  knownMethod: "POST",
  route: "/score",
  requestBytes: 30,
  responseBytes: 7,
  clientAddress: "127.0.0.1",
  userAgent: undefined,
  requestId: "7f3c2c84-1a1e-4d5e-8a30-0123456789ab",
  clientRequestId: "",
  method: "POST",
  path: "/score",
  url: "http://127.0.0.1:5001/score",
  status: 200,
  execMs: 0.1234,
  queueMs: 0.01,
  worker: 77,
  responseText: '{"n": 1}',
};

beforeAll(() => {
  // As in the thread: the exporter reports on itself to nobody.
  vi.stubEnv("APPLICATION_INSIGHTS_NO_STATSBEAT", "true");
  vi.stubEnv("APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED", "true");
});

/** What the exporter itself makes of them. */
async function made(rows: readonly RequestRow[], items = requestItems(KEY, ENDPOINT)): Promise<string> {
  let text = "";
  const spans = rows.map((row) => spanOf(row, CONTEXT));
  await items.make(spans, async ({ body }) => {
    text = body as string;
  });
  return text;
}

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('"', "\\", "\n", "\ud800", "é", "\u2028") }),
);
const long = fc.oneof(
  text,
  fc.tuple(text, fc.nat(9_000)).map(([some, count]) => `${some}${"é".repeat(count)}`),
);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const ROWS = fc.record<RequestRow>({
  spanName: fc.constantFrom("POST /score", "PUT /score", "HTTP /score"),
  spanStatus: fc.constantFrom(0, 2),
  traceId: hex(32),
  spanId: hex(16),
  parentSpanId: optional(hex(16)),
  startTime: fc.tuple(fc.integer({ min: 1, max: 4_000_000_000 }), fc.nat(999_999_999)),
  duration: fc.oneof(
    fc.tuple(fc.constant(0), fc.nat(999_999_999)),
    fc.tuple(fc.nat(200_000), fc.nat(999_999_999)),
    fc.constant([59, 999_999_999] as const),
  ),
  rate: fc.constantFrom(undefined, 10, 33.3),
  knownMethod: fc.constantFrom("POST", "_OTHER"),
  route: fc.constantFrom("/score", "/score", "/swagger.json", undefined),
  requestBytes: optional(fc.nat()),
  responseBytes: optional(fc.nat()),
  clientAddress: optional(text),
  userAgent: optional(long),
  requestId: text,
  clientRequestId: text,
  method: fc.constantFrom("POST", "PUT", "BREW"),
  path: long,
  url: text.map((some) => `http://host/${some}`),
  status: fc.constantFrom(200, 404, 500),
  execMs: optional(fc.double({ min: 0, max: 1e6, noNaN: true })),
  queueMs: optional(fc.double({ min: 0, max: 1e6, noNaN: true })),
  worker: optional(fc.nat()),
  responseText: optional(long),
});

test("rows come out of a message as they went in", () => {
  fc.assert(
    fc.property(fc.array(ROWS, { maxLength: 5 }), (rows) => {
      const list = structuredClone(packRows(rows));
      expect(list.length).toBe(rows.length * ROW_WIDTH);
      expect(rows.map((_, index) => rowAt(list, index * ROW_WIDTH))).toEqual(rows);
    }),
  );
});

test("TEL-4, TEL-7: a row that is put together has every byte of the exporter's own", async () => {
  const items = requestItems(KEY, ENDPOINT);
  const render = { text: "" };
  let filled = 0;
  await fc.assert(
    fc.asyncProperty(ROWS, ROWS, async (shown, other) => {
      const rows = new Rows(CONTEXT, async (spans) => {
        await items.make(spans, async ({ body }) => {
          render.text = body as string;
        });
        return render.text;
      });
      await rows.learn([shown]);
      // One of the same kind, with texts of its own.
      const { traceId, spanId, startTime, duration, requestId, clientRequestId, path, url } = other;
      const alike = { ...shown, traceId, spanId, startTime, duration, requestId, clientRequestId, path, url };
      for (const row of [shown, alike, other]) {
        const own = rows.textOf(row);
        if (own === undefined) continue;
        filled++;
        expect(`[${own}]`).toBe(await made([row], items));
      }
    }),
    { numRuns: 300 },
  );
  // Half of what is drawn has a text too long for that.
  expect(filled).toBeGreaterThan(0);
});

test("usual rows need no exporter once it has shown one, unusual ones do", async () => {
  const items = requestItems(KEY, ENDPOINT);
  const rows = new Rows(CONTEXT, (spans) => {
    let json = "";
    return items
      .make(spans, async ({ body }) => {
        json = body as string;
      })
      .then(() => json);
  });
  expect(rows.textOf(ROW)).toBeUndefined();
  await rows.learn([{ ...ROW, duration: [60, 0] }]);
  expect(rows.textOf(ROW)).toBeUndefined();
  await rows.learn([ROW]);
  expect(rows.textOf(ROW)).toBeDefined();
  expect(
    rows.textOf({ ...ROW, requestId: "a", clientRequestId: "b", path: "/score/", responseBytes: 9 }),
  ).toBeDefined();
  expect(rows.textOf({ ...ROW, status: 500 })).toBeUndefined();
  expect(rows.textOf({ ...ROW, parentSpanId: "b7ad6b7169203331" })).toBeUndefined();
  expect(rows.textOf({ ...ROW, duration: [60, 0] })).toBeUndefined();
  expect(rows.textOf({ ...ROW, path: `/${"é".repeat(5_000)}` })).toBeUndefined();
});

test("an exporter that fails to show a row makes all of that kind", async () => {
  const rows = new Rows(CONTEXT, () => Promise.reject(new Error("no")));
  await rows.learn([ROW]);
  expect(rows.textOf(ROW)).toBeUndefined();
});

describe("batches", () => {
  const batch = (count: number): RequestRow[] =>
    Array.from({ length: count }, (_, index) => ({
      ...ROW,
      requestId: `r${index}`,
      status: index % 5 === 4 ? 500 : 200,
    }));

  /** @param shownKey of the exporter that shows what rows look like */
  function open(shownKey: string) {
    const bodies: string[] = [];
    const requests = new Requests(
      requestItems(KEY, ENDPOINT),
      requestItems(shownKey, ENDPOINT),
      CONTEXT,
      async ({ body }) => {
        bodies.push(typeof body === "string" ? body : Buffer.from(body as Uint8Array).toString());
      },
    );
    const idsOf = (body: string) =>
      (JSON.parse(body) as Envelope[]).map(({ data }) => data.baseData.properties["Request Id"] as string);
    return { bodies, send: (rows: readonly RequestRow[]) => requests.send(packRows(rows)), idsOf };
  }

  test("the first one and those behind it have the same rows, each once", async () => {
    const { bodies, send, idsOf } = open(KEY);
    const rows = batch(20);
    for (let round = 0; round < 3; round++) await send(rows);
    await send([...rows, { ...ROW, requestId: "new", status: 404 }]);
    const wanted = await made(rows);
    expect(bodies.length).toBe(4);
    expect(bodies.slice(0, 3)).toEqual([wanted, wanted, wanted]);
    expect(idsOf(bodies[3]!).sort()).toEqual([...rows.map(({ requestId }) => requestId), "new"].sort());
  });

  test("what the exporter shows is not what it sends: it makes all rows itself", async () => {
    const { bodies, send, idsOf } = open(OTHER_KEY);
    const rows = batch(20);
    for (let round = 0; round < 4; round++) await send(rows);
    expect(bodies.length).toBe(4);
    for (const body of bodies.slice(1)) {
      expect(body.includes(OTHER_KEY)).toBe(false);
      expect(idsOf(body).sort()).toEqual(rows.map(({ requestId }) => requestId).sort());
    }
  });

  test("several at a time do not mix", async () => {
    const { bodies, send, idsOf } = open(KEY);
    const batches = Array.from({ length: 8 }, (_, index) => [{ ...ROW, requestId: `only-${index}` }]);
    await Promise.all(batches.map(send));
    await Promise.all(batches.map(send));
    expect(bodies.flatMap((body) => idsOf(body)).sort()).toEqual(
      [...batches, ...batches].map(([row]) => row!.requestId).sort(),
    );
  });
});
