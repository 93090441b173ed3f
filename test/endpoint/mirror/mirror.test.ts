import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMirror, type MirrorSettings, type ReportingMirror } from "../../../endpoint/mirror/index.ts";
import type { GatewayForm, GatewayRecord, MirrorReport } from "../../../endpoint/types.ts";
import type { ScoreRequest, ScoreResponse } from "../../../src/host.ts";
import { type Handled, json, promised, request, target } from "./targets.ts";

const BLUE = target("blue", () => json("[1]"));

function mirrorOfAll(more: Partial<MirrorSettings> = {}): ReportingMirror {
  return createMirror({ ...more });
}

async function reportOf(mirror: ReportingMirror): Promise<MirrorReport> {
  await mirror.settled();
  return mirror.report()!;
}

async function readAll(answer: ScoreResponse): Promise<string> {
  let text = "";
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) text += Buffer.from(chunk).toString();
  return text;
}

async function* stream(...chunks: string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn();
}

describe("the copy", () => {
  test("goes out after the live answer, with all that the request had and a signal of its own", async () => {
    const green = target("green", () => json("[1]"));
    const mirror = mirrorOfAll();
    const live = json("[1]");
    const log = { isEnabled: () => false } as unknown as NonNullable<ScoreRequest["log"]>;
    const signal = new AbortController().signal;
    const sent = request("[7]", { path: "/v1/a%20b", query: "x=1", method: "PUT", remoteAddress: "::1", log, signal });
    expect(mirror.offer(sent, BLUE, green, live, 3)).toBe(live);
    await Promise.resolve();
    expect(green.asked).toEqual([]);
    await mirror.settled();
    const [copy] = green.asked;
    const { method, path, query, headers, body, remoteAddress } = sent;
    expect(copy).toMatchObject({ method, path, query, headers, body, remoteAddress });
    expect(copy!.headers["x-request-id"]).toBe("id-1");
    expect(copy!.signal).not.toBe(signal);
    expect(copy).not.toHaveProperty("log");
    expect(mirror.report()).toMatchObject({ mirrored: 1, compared: 1, dropped: 0, different: 0, shareDifferent: 0 });
  });

  test("is told of as a request of the shadow", async () => {
    const records: GatewayRecord[] = [];
    const green = target("green", () => json('"four"', 500));
    const mirror = mirrorOfAll({ events: { answered: (record) => records.push(record) } });
    mirror.offer(request("[1]"), BLUE, green, json("[1]"), 1);
    await mirror.settled();
    expect(records).toMatchObject([
      {
        deployment: "green",
        status: 500,
        modelStatus: 500,
        reason: "model_error",
        requestId: "id-1",
        requestBytes: 3,
        responseBytes: 6,
        isMirrored: true,
      },
    ]);
  });
});

test.each<[form: GatewayForm, what: string, answer: () => ScoreResponse, record: object]>([
  ["managed", "an error", () => json("no", 500), { status: 424, modelStatus: 500, reason: "model_error" }],
  ["kubernetes", "an error", () => json("no", 500), { status: 500, modelStatus: 500, reason: "model_error" }],
  [
    "managed",
    "no room",
    () => ({ ...json("full", 503), errorCode: "ERR_OVERLOAD" }),
    { status: 429, modelStatus: undefined, reason: "too_many_pending_request" },
  ],
  [
    "managed",
    "a fault",
    () => {
      throw new Error("a fault");
    },
    { status: 500, modelStatus: undefined, reason: "internal_error" },
  ],
])("records tell what a client would have seen, %s: %s", async (form, _, answer, record) => {
  const records: GatewayRecord[] = [];
  const mirror = mirrorOfAll({ events: { answered: (told) => records.push(told) }, form: () => form });
  mirror.offer(request("[1]"), BLUE, target("green", answer), json("[1]"), 1);
  await mirror.settled();
  expect(records).toMatchObject([record]);
});

test("examples show of the query what the log shows", async () => {
  const mirror = mirrorOfAll();
  const sent = request("[1]", { query: "code=hidden&a=1", loggedQuery: "a=1" });
  const green = target("green", () => json("[2]"));
  mirror.offer(sent, BLUE, green, json("[1]"), 1);
  const { kinds } = await reportOf(mirror);
  expect(kinds[0]!.examples[0]!.request).toContain("POST /score?a=1\n");
  expect(green.asked[0]).toMatchObject({ query: "code=hidden&a=1", loggedQuery: "a=1" });
});

describe("streams", () => {
  test("pass unchanged, and their copy goes out when they are over", async () => {
    const green = target("green", () => json(stream("[1", ",2]")));
    const mirror = mirrorOfAll();
    const step = promised<void>();
    async function* live(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("[1");
      await step.promise;
      yield Buffer.from(", 2]");
    }
    const passed = mirror.offer(request(), BLUE, green, json(live()), 1);
    const chunks = (passed.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    expect(String((await chunks.next()).value)).toBe("[1");
    await turns(3);
    expect(green.asked).toEqual([]);
    step.resolve();
    expect(String((await chunks.next()).value)).toBe(", 2]");
    expect((await chunks.next()).done).toBe(true);
    expect(await reportOf(mirror)).toMatchObject({ mirrored: 1, compared: 1, different: 0 });
  });

  test("nothing is read ahead of the client", async () => {
    let made = 0;
    async function* live(): AsyncGenerator<Uint8Array> {
      for (; made < 5; made++) yield Buffer.from("x");
    }
    const passed = mirrorOfAll().offer(
      request(),
      BLUE,
      target("green", () => json("")),
      json(live()),
      1,
    );
    const chunks = (passed.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    await chunks.next();
    await turns(3);
    expect(made).toBe(0);
    await chunks.return?.();
  });

  test.each([
    ["before its first piece", 0],
    ["after it", 1],
  ])("that a client leaves %s are not compared, and end at once", async (_, pieces) => {
    const green = target("green", () => json("[1]"));
    const mirror = mirrorOfAll();
    let isEnded = false;
    async function* live(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.from("x");
      } finally {
        isEnded = true;
      }
    }
    const chunks = (mirror.offer(request(), BLUE, green, json(live()), 1).body as AsyncIterable<Uint8Array>)[
      Symbol.asyncIterator
    ]();
    for (let piece = 0; piece < pieces; piece++) await chunks.next();
    await chunks.return?.();
    // A generator that has not begun has nothing to end.
    expect(isEnded).toBe(pieces > 0);
    expect(await reportOf(mirror)).toMatchObject({ mirrored: 0, compared: 0, dropped: 0 });
    expect(green.asked).toEqual([]);
  });

  test("that fail midway fail for the client alike, and are not compared", async () => {
    const green = target("green", () => json("[1]"));
    const mirror = mirrorOfAll();
    async function* live(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("x");
      throw new Error("as told");
    }
    await expect(readAll(mirror.offer(request(), BLUE, green, json(live()), 1))).rejects.toThrow("as told");
    expect(await reportOf(mirror)).toMatchObject({ mirrored: 0, compared: 0 });
  });

  test("of the shadow that fail midway are told as cut off", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("[1");
      throw new Error("as told");
    }
    const mirror = mirrorOfAll();
    mirror.offer(
      request(),
      BLUE,
      target("green", () => json(broken())),
      json("[1]"),
      1,
    );
    expect((await reportOf(mirror)).kinds).toMatchObject([{ kind: "body: complete -> cut off", count: 1 }]);
  });

  test("too large to keep pass in full, and only their statuses are compared", async () => {
    const green = target("green", () => json(stream(..."x".repeat(100)), 201));
    const mirror = mirrorOfAll({ options: { maxBodyBytes: 64 } });
    expect(await readAll(mirror.offer(request(), BLUE, green, json(stream(..."y".repeat(100)), 201), 1))).toHaveLength(
      100,
    );
    mirror.offer(request(), BLUE, green, json("z".repeat(65), 201), 1);
    mirror.offer(request(), BLUE, green, json("z".repeat(65)), 1);
    const report = await reportOf(mirror);
    expect(report).toMatchObject({ compared: 3, notComparable: 2, different: 1, shareDifferent: 1 });
    expect(report.kinds[0]!.kind).toBe("status 200 -> 201");
    expect(report.kinds[0]!.examples[0]!.live.body).toBe("(too large to keep)");
  });
});

describe("a shadow", () => {
  test("gets at most half of what it takes at a time, the rest waits", async () => {
    const gate = promised<void>();
    const green = target("green", () => gate.promise.then(() => json("[1]")), { capacity: 4 });
    const mirror = mirrorOfAll();
    for (let count = 0; count < 10; count++) mirror.offer(request(), BLUE, green, json("[1]"), 1);
    await turns(20);
    expect(green.asked).toHaveLength(2);
    gate.resolve();
    expect(await reportOf(mirror)).toMatchObject({ mirrored: 10, compared: 10, dropped: 0 });
  });

  test("that is full, or not ready, gets nothing: the copies are dropped", async () => {
    const green = target("green", () => json("[1]"), { capacity: 2 });
    const mirror = mirrorOfAll();
    green.inFlight = 2;
    mirror.offer(request(), BLUE, green, json("[1]"), 1);
    expect(await reportOf(mirror)).toMatchObject({ mirrored: 0, dropped: 1 });
    green.inFlight = 0;
    green.isReady = false;
    mirror.offer(request(), BLUE, green, json("[1]"), 1);
    expect(await reportOf(mirror)).toMatchObject({ mirrored: 0, dropped: 2 });
    green.isReady = true;
    mirror.offer(request(), BLUE, green, json("[1]"), 1);
    expect(await reportOf(mirror)).toMatchObject({ mirrored: 1, dropped: 2, compared: 1 });
  });

  test("that hangs is left alone at its time-out, and its signal says so", async () => {
    const green = target("green", () => new Promise(() => {}), { requestTimeoutMs: 20, capacity: 2 });
    const mirror = mirrorOfAll();
    mirror.offer(request(), BLUE, green, json("[1]"), 1);
    const report = await reportOf(mirror);
    expect(report.kinds).toMatchObject([{ kind: "status 200 -> 408" }]);
    expect(report.shadowMs.max).toBeGreaterThanOrEqual(19);
    expect(green.asked[0]!.signal!.aborted).toBe(true);
    expect(green.asked[0]!.signal!.reason).toMatchObject({ code: "ERR_DEADLINE" });
    // The next one finds its place, but the deployment says that it is still at work.
    mirror.offer(request(), BLUE, green, json("[1]"), 1);
    mirror.offer(request(), BLUE, green, json("[1]"), 1);
    expect(await reportOf(mirror)).toMatchObject({ mirrored: 2, dropped: 1 });
  });

  test("whose stream hangs is cut off, and its stream ended", async () => {
    let isEnded = false;
    const body = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<Uint8Array>>(() => {}),
        return: async () => {
          isEnded = true;
          return { done: true as const, value: undefined };
        },
      }),
    };
    const mirror = mirrorOfAll();
    mirror.offer(
      request(),
      BLUE,
      target("green", () => json(body), { requestTimeoutMs: 20 }),
      json("[1]"),
      1,
    );
    expect((await reportOf(mirror)).kinds).toMatchObject([{ kind: "body: complete -> cut off" }]);
    expect(isEnded).toBe(true);
  });

  test.each<[string, () => Promise<ScoreResponse>]>([
    ["rejects", () => Promise.reject(new Error("as told"))],
    [
      "throws",
      () => {
        throw new Error("as told");
      },
    ],
  ])("that %s is one that fails", async (_, handle) => {
    const mirror = mirrorOfAll();
    mirror.offer(
      request(),
      BLUE,
      target("green", () => json(""), { handle }),
      json("[1]"),
      1,
    );
    expect((await reportOf(mirror)).kinds).toMatchObject([{ kind: "status 200 -> 500" }]);
  });

  test("that replaces another begins a report of its own; copies for the other count no more", async () => {
    const gate = promised<void>();
    const green = target("green", () => gate.promise.then(() => json("[2]")), { capacity: 2 });
    const mirror = mirrorOfAll();
    for (let count = 0; count < 3; count++) mirror.offer(request(), BLUE, green, json("[1]"), 1);
    await turns(5);
    expect(mirror.report()).toMatchObject({ shadow: "green", mirrored: 1 });
    const anew = target("green", () => json("[1]"));
    mirror.offer(request(), BLUE, anew, json("[1]"), 1);
    gate.resolve();
    expect(await reportOf(mirror)).toMatchObject({ mirrored: 1, compared: 1, different: 0, dropped: 0 });
    expect(green.asked).toHaveLength(1);
    mirror.reset();
    expect(mirror.report()).toBeNull();
  });
});

describe("room", () => {
  test.each<[string, Partial<MirrorSettings["options"]>, string, number]>([
    ["copies", { maxQueue: 3 }, "[1]", 3],
    ["bytes", { maxQueueBytes: 250 }, "x".repeat(100), 2],
  ])("%s beyond it are dropped and counted, and it is had again", async (_, options, body, fits) => {
    const gate = promised<void>();
    const green = target("green", () => gate.promise.then(() => json("")), { capacity: 2 });
    const mirror = mirrorOfAll({ options: options! });
    for (let count = 0; count < 5; count++) mirror.offer(request(body), BLUE, green, json(""), 1);
    expect(mirror.report()!.dropped).toBe(5 - fits);
    gate.resolve();
    expect(await reportOf(mirror)).toMatchObject({ mirrored: fits, compared: fits, dropped: 5 - fits });
    for (let count = 0; count < fits; count++) mirror.offer(request(body), BLUE, green, json(""), 1);
    expect(await reportOf(mirror)).toMatchObject({ mirrored: 2 * fits, dropped: 5 - fits });
  });

  test("a live stream that outgrows it passes on, its copy is dropped", async () => {
    const mirror = mirrorOfAll({ options: { maxQueueBytes: 10_000 } });
    const green = target("green", () => json(""));
    const chunks = Array.from({ length: 20 }, () => "y".repeat(1_000));
    const passed = mirror.offer(request(""), BLUE, green, json(stream(...chunks)), 1);
    expect(await readAll(passed)).toHaveLength(20_000);
    expect(await reportOf(mirror)).toMatchObject({ dropped: 1, mirrored: 0 });
    mirror.offer(request("z".repeat(9_990)), BLUE, green, json(""), 1);
    expect(await reportOf(mirror)).toMatchObject({ dropped: 1, mirrored: 1 });
  });
});

test("a live request whose client has left is not copied", async () => {
  const green = target("green", () => json("[1]"));
  const mirror = mirrorOfAll();
  mirror.offer(request("[1]", { signal: AbortSignal.abort() }), BLUE, green, json("[1]"), 1);
  await mirror.settled();
  expect(green.asked).toEqual([]);
  expect(mirror.report()).toBeNull();
});

test("closing ends what runs and what waits", async () => {
  const green = target("green", () => new Promise(() => {}), { capacity: 2 });
  const mirror = mirrorOfAll();
  for (let count = 0; count < 5; count++) mirror.offer(request(), BLUE, green, json("[1]"), 1);
  const held = mirror.offer(request(), BLUE, green, json(stream("[1]")), 1);
  await turns(10);
  mirror.close();
  expect(green.asked[0]!.signal!.aborted).toBe(true);
  expect(await readAll(held)).toBe("[1]");
  await mirror.settled();
  const live = json(stream("[1]"));
  expect(mirror.offer(request(), BLUE, green, live, 1)).toBe(live);
  expect(green.asked).toHaveLength(1);
});

test("many copies at a time are no leak to Node", async () => {
  const warnings: string[] = [];
  const listen = ({ message }: Error): number => warnings.push(message);
  process.on("warning", listen);
  const green = target("green", () => new Promise(() => {}), { capacity: 100 });
  const mirror = mirrorOfAll();
  for (let count = 0; count < 50; count++) mirror.offer(request(), BLUE, green, json("[1]"), 1);
  await turns(60);
  expect(green.asked).toHaveLength(50);
  mirror.close();
  await mirror.settled();
  process.off("warning", listen);
  expect(warnings).toEqual([]);
});

test("whatever clients send, examples and kinds stay few and small", async () => {
  let count = 0;
  const green = target("green", () =>
    json(JSON.stringify({ [`name${count++}`.padEnd(5_000, "n")]: "v".repeat(9_000) })),
  );
  const mirror = mirrorOfAll({ options: { maxExamples: 2 } });
  for (let sent = 0; sent < 300; sent++) {
    mirror.offer(request("x".repeat(9_000), { path: `/${"p".repeat(9_000)}` }), BLUE, green, json("{}"), 1);
    await mirror.settled();
  }
  const report = mirror.report()!;
  expect(report).toMatchObject({ compared: 300, different: 300, shareDifferent: 1 });
  expect(report.kinds).toHaveLength(101);
  expect(report.kinds[0]).toMatchObject({ kind: "further kinds of differences", count: 200 });
  expect(report.kinds[0]!.examples).toHaveLength(2);
  expect(JSON.stringify(report).length / 101 / 2).toBeLessThan(8_000);
});

test("in any order of events nothing is lost count of", async () => {
  type Event = "whole" | "stream" | "leave" | "answer" | "fail" | "turn" | "unready" | "ready" | "full" | "replace";
  const events = fc.array(
    fc.constantFrom<Event>("whole", "stream", "leave", "answer", "fail", "turn", "unready", "ready", "full", "replace"),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(events, async (list) => {
      const open: ReturnType<typeof promised<ScoreResponse>>[] = [];
      const make = (): Handled =>
        target(
          "green",
          () => {
            const answer = promised<ScoreResponse>();
            open.push(answer);
            return answer.promise;
          },
          { capacity: 4 },
        );
      let green = make();
      let offered = 0;
      let left = 0;
      const mirror = mirrorOfAll({ options: { maxQueue: 5 } });
      for (const event of list) {
        if (event === "whole") {
          offered++;
          mirror.offer(request(), BLUE, green, json("[1]"), 1);
        } else if (event === "stream" || event === "leave") {
          const before = mirror.report()?.dropped ?? 0;
          const passed = mirror.offer(request(), BLUE, green, json(stream("[1", "]")), 1);
          const isDropped = mirror.report()!.dropped > before;
          if (event === "stream") expect(await readAll(passed)).toBe("[1]");
          else await (passed.body as AsyncGenerator<Uint8Array>)[Symbol.asyncIterator]().return?.(undefined);
          offered++;
          if (event === "leave" && !isDropped) left++;
        } else if (event === "answer") open.shift()?.resolve(json("[2]"));
        else if (event === "fail") open.shift()?.reject(new Error("as told"));
        else if (event === "turn") await turns(2);
        else if (event === "unready") green.isReady = false;
        else if (event === "ready") green.isReady = true;
        else if (event === "full") green.inFlight += 4;
        else {
          green = make();
          mirror.reset();
          offered = 0;
          left = 0;
        }
      }
      const done = mirror.settled().then(() => true);
      while (!(await Promise.race([done, nextTurn(false)])))
        for (const answer of open.splice(0)) answer.resolve(json("[1]"));
      const report = mirror.report();
      if (report === null) {
        expect(offered).toBe(0);
        return;
      }
      expect(report.mirrored + report.dropped + left).toBe(offered);
      expect(report.compared).toBe(report.mirrored);
      expect(report.liveMs.count).toBe(report.compared);
      expect(report.shadowMs.count).toBe(report.compared);
    }),
    { numRuns: 200 },
  );
});
