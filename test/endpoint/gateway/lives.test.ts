// The life of a request in the gateway: what ends it, in any order, and that nothing of it is left.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GUIDE } from "../../../endpoint/gateway/refusals.ts";
import {
  type BodyStream,
  type CancelSignal,
  DeadlineError,
  ScoreError,
  type ScoreResponse,
} from "../../../src/host.ts";
import { DEADLINE_MS } from "../../setup/deadline.ts";
import { until } from "../../setup/service.ts";
import { headerOf, house, ok, requestWith, textOf } from "./neighbours.ts";

/** A signal that a test aborts, and that tells how many listen. */
function ownSignal() {
  const listeners = new Set<() => void>();
  const state = {
    aborted: false,
    reason: undefined as unknown,
    addEventListener: (_type: "abort", listener: () => void) => void listeners.add(listener),
    removeEventListener: (_type: "abort", listener: () => void) => void listeners.delete(listener),
  };
  const abort = (reason?: unknown): void => {
    state.aborted = true;
    state.reason = reason;
    for (const listener of listeners) listener();
  };
  return { signal: state as CancelSignal, abort };
}

/** A stream that a test feeds. */
function fedStream() {
  const waiting: { resolve: (item: IteratorResult<Uint8Array>) => void; reject: (error: unknown) => void }[] = [];
  const state = { returned: 0, begun: false };
  const body: BodyStream = {
    [Symbol.asyncIterator]: () => {
      state.begun = true;
      return {
        next: () => new Promise((resolve, reject) => waiting.push({ resolve, reject })),
        return: () => {
          state.returned++;
          for (const { resolve } of waiting.splice(0)) resolve({ done: true, value: undefined });
          return Promise.resolve({ done: true as const, value: undefined });
        },
      };
    },
  };
  return {
    body,
    state,
    feed: (text: string) => waiting.shift()?.resolve({ done: false, value: Buffer.from(text) }),
    end: () => waiting.shift()?.resolve({ done: true, value: undefined }),
    fail: () => waiting.shift()?.reject(new Error("broke")),
  };
}

describe("time limits", () => {
  test("the work really ends: its signal says that the time is over, and how long it was (contract GW-15)", async () => {
    const { gateway, blue } = house();
    blue.requestTimeoutMs = 20;
    let reason: unknown;
    blue.answer = ({ signal }) =>
      new Promise((resolve) =>
        signal!.addEventListener("abort", () => {
          reason = signal!.reason;
          resolve(ok());
        }),
      );
    const response = await gateway.handle(requestWith());
    expect(response.status).toBe(408);
    await until(() => blue.inFlight === 0, "the work has ended");
    expect(reason).toBeInstanceOf(DeadlineError);
    expect((reason as DeadlineError).limitMs).toBe(20);
  });

  test("a deployment that asks late whether to go on hears so", async () => {
    const { gateway, blue } = house();
    blue.requestTimeoutMs = 1;
    let goOn = (): void => {};
    let isAborted: boolean | undefined;
    blue.answer = async (request) => {
      await new Promise<void>((resolve) => (goOn = resolve));
      isAborted = request.signal!.aborted;
      return ok();
    };
    expect((await gateway.handle(requestWith())).status).toBe(408);
    goOn();
    await until(() => isAborted !== undefined, "it has asked");
    expect(isAborted).toBe(true);
  });

  test("one that does not heed the signal keeps its place, and no client waits for it", async () => {
    const { gateway, blue } = house();
    blue.capacity = 1;
    blue.requestTimeoutMs = 1;
    const late = fedStream();
    let answer = (): void => {};
    blue.answer = () => new Promise((resolve) => (answer = () => resolve(ok(late.body))));
    expect((await gateway.handle(requestWith())).status).toBe(408);
    expect((await gateway.handle(requestWith())).status).toBe(429);
    answer();
    await until(() => late.state.returned > 0, "the late stream is given up");
    blue.answer = () => ok();
    expect((await gateway.handle(requestWith())).status).toBe(200);
  });

  test("limits of different lengths, each in its time", async () => {
    const at = house();
    at.blue.answer = () => new Promise(() => {});
    at.green.answer = () => new Promise(() => {});
    at.blue.requestTimeoutMs = DEADLINE_MS;
    at.green.requestTimeoutMs = 30;
    const order: string[] = [];
    // A limit that comes later may end sooner.
    void at.gateway.handle(requestWith()).then(() => order.push("blue"));
    const pin = { headers: { "azureml-model-deployment": "green" } };
    const green = [at.gateway.handle(requestWith(pin)), at.gateway.handle(requestWith(pin))];
    for (const { status } of await Promise.all(green)) expect(status).toBe(408);
    at.green.requestTimeoutMs = 5;
    expect((await at.gateway.handle(requestWith(pin))).status).toBe(408);
    expect(order).toEqual([]);
    for (const { totalMs } of at.records) expect(totalMs).toBeGreaterThanOrEqual(5);
  });

  test("they count until the head: a stream that has begun goes on", async () => {
    const { gateway, blue, records } = house();
    blue.requestTimeoutMs = 1;
    const stream = fedStream();
    blue.answer = () => ok(stream.body);
    const response = await gateway.handle(requestWith());
    const text = textOf(response);
    // Later than the limit by the clock that it goes by.
    blue.answer = () => new Promise(() => {});
    expect((await gateway.handle(requestWith())).status).toBe(408);
    stream.feed("still ");
    await new Promise(setImmediate);
    stream.feed("there");
    await new Promise(setImmediate);
    stream.end();
    expect([response.status, await text]).toEqual([200, "still there"]);
    expect(records.map(({ status, responseBytes }) => [status, responseBytes])).toEqual([
      [408, "upstream request timeout".length],
      [200, 11],
    ]);
  });
});

describe("streams", () => {
  test("each chunk comes when it is there, also under 424 and before the cloud's text", async () => {
    for (const [form, cloudErrorText] of [
      ["managed", false],
      ["managed", true],
      ["kubernetes", true],
    ] as const) {
      const { gateway, blue } = house(form, { cloudErrorText });
      const stream = fedStream();
      blue.answer = () => ({ status: 406, headers: [["Content-Length", "2"]], body: stream.body });
      const response = await gateway.handle(requestWith());
      const isManaged = form === "managed";
      expect(response.status).toBe(isManaged ? 424 : 406);
      expect(headerOf(response, "content-length")).toBe(isManaged && cloudErrorText ? undefined : "2");
      const chunks = (response.body as BodyStream)[Symbol.asyncIterator]();
      const first = chunks.next();
      stream.feed("a");
      expect(Buffer.from((await first).value).toString()).toBe("a");
      const second = chunks.next();
      stream.end();
      if (isManaged && cloudErrorText) {
        expect(Buffer.from((await second).value).toString()).toBe(GUIDE);
        expect(await chunks.next()).toEqual({ done: true, value: undefined });
      } else expect((await second).done).toBe(true);
    }
  });

  test("a client that leaves before the first chunk ends the stream, and is told of once", async () => {
    const { gateway, blue, records } = house();
    const stream = fedStream();
    blue.answer = () => ok(stream.body);
    const { body } = await gateway.handle(requestWith());
    expect(records).toEqual([]);
    const chunks = (body as BodyStream)[Symbol.asyncIterator]();
    await chunks.return?.();
    await chunks.return?.();
    expect(stream.state.returned).toBeGreaterThan(0);
    expect(records).toHaveLength(1);
  });
});

test("neither a listener of records that fails nor credentials that cannot be read end the gateway", async () => {
  let broken = "counter";
  const at = house("managed", {
    events: {
      answered() {
        if (broken === "counter") throw new Error("the counter broke");
      },
    },
    credentials: {
      accepts() {
        if (broken === "keys") throw new Error("the keys broke");
        return true;
      },
    },
  });
  expect((await at.gateway.handle(requestWith())).status).toBe(200);
  expect((await at.gateway.handle(requestWith({ headers: { "azureml-model-deployment": "red" } }))).status).toBe(404);
  expect(at.logged.join("")).toContain("the counter broke");
  broken = "keys";
  expect((await at.gateway.handle(requestWith())).status).toBe(500);
  expect(at.logged.join("")).toContain("the keys broke");
  broken = "";
  expect((await at.gateway.handle(requestWith())).status).toBe(200);
  expect(at.blue.inFlight).toBe(0);
});

/** What can happen to a request, in any order, and to any number of them. */
type Step = "arrive" | "answer" | "stream" | "feed" | "end" | "fail" | "cancel" | "abort" | "throw" | "refuse";
const STEPS: readonly Step[] = [
  "arrive",
  "answer",
  "stream",
  "feed",
  "end",
  "fail",
  "cancel",
  "abort",
  "throw",
  "refuse",
];

interface Live {
  settle: { resolve: (answer: ScoreResponse) => void; reject: (error: unknown) => void } | undefined;
  stream: ReturnType<typeof fedStream> | undefined;
  chunks: AsyncIterator<Uint8Array> | undefined;
  abort: () => void;
  isCounted: boolean;
}

test("whatever happens to requests in whatever order, each is told of once, and the deployment is full when it is full", async () => {
  const steps = fc.array(fc.tuple(fc.constantFrom(...STEPS), fc.nat(5)), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const at = house();
      at.blue.capacity = 3;
      const lives: Live[] = [];
      let arriving: Live | undefined;
      let answered = 0;
      const statuses: number[] = [];
      // Counts itself, as deployments do: until the end of the answer, or of its stream.
      at.blue.handle = (request) => {
        const life = arriving!;
        at.blue.inFlight++;
        life.isCounted = true;
        request.signal!.addEventListener("abort", () =>
          life.settle?.resolve({ status: 499, headers: [], body: "", errorCode: "ERR_CLIENT_GONE" }),
        );
        return new Promise((resolve, reject) => (life.settle = { resolve, reject })) as Promise<ScoreResponse>;
      };
      const uncount = (life: Live): void => {
        if (life.isCounted) at.blue.inFlight--;
        life.isCounted = false;
      };
      let asked = 0;
      for (const [step, index] of all) {
        const life = lives[index % Math.max(lives.length, 1)];
        if (step === "arrive" || step === "refuse") {
          const { signal, abort } = ownSignal();
          const isFull = at.blue.inFlight >= at.blue.capacity;
          const fresh: Live = { settle: undefined, stream: undefined, chunks: undefined, abort, isCounted: false };
          arriving = fresh;
          asked++;
          const headers: Record<string, string> = step === "refuse" ? { "azureml-model-deployment": "red" } : {};
          const response = at.gateway.handle(requestWith({ signal, headers }));
          const expected = step === "refuse" ? 404 : isFull ? 429 : undefined;
          if (expected === undefined) lives.push(fresh);
          void response.then((answer) => {
            answered++;
            statuses.push(answer.status);
            if (expected !== undefined) expect(answer.status).toBe(expected);
            if (typeof answer.body !== "string") {
              fresh.chunks = (answer.body as BodyStream)[Symbol.asyncIterator]();
            } else uncount(fresh);
          });
        } else if (life === undefined) continue;
        else if (step === "answer") life.settle?.resolve(ok());
        else if (step === "stream") {
          if (life.stream === undefined && life.settle !== undefined) life.stream = fedStream();
          if (life.stream !== undefined) life.settle?.resolve(ok(life.stream.body));
        } else if (step === "throw") life.settle?.reject(new ScoreError("ERR_INTERNAL", "thrown"));
        else if (step === "abort") life.abort();
        else if (life.chunks !== undefined) {
          const next = life.chunks.next().then(
            ({ done }) => done && uncount(life),
            () => uncount(life),
          );
          if (step === "feed") life.stream?.feed("x");
          else if (step === "end") life.stream?.end();
          else if (step === "fail") life.stream?.fail();
          else await life.chunks.return?.();
          if (step === "cancel") uncount(life);
          await Promise.race([next, new Promise(setImmediate)]);
        }
        await new Promise(setImmediate);
      }
      // Whatever is left ends.
      for (const life of lives) {
        life.settle?.resolve(ok());
        await new Promise(setImmediate);
        await life.chunks?.return?.();
        uncount(life);
      }
      await new Promise(setImmediate);
      expect(answered).toBe(asked);
      expect(at.records).toHaveLength(asked);
      expect(new Set(at.records.map(({ requestId }) => requestId)).size).toBe(asked);
      expect(at.blue.inFlight).toBe(0);
      expect(statuses.every((status) => [200, 404, 429, 499, 500].includes(status))).toBe(true);
    }),
    { numRuns: 150 },
  );
});
