import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FrameError, WorkerExitError } from "../../../src/core/errors.ts";
import type { ErrorReport, RunCall, RunOutcome } from "../../../src/core/types.ts";
import { INTERRUPT_GRACE_MS } from "../../../src/pool/deadlines.ts";
import { Job } from "../../../src/pool/job.ts";
import { WINDOW_BYTES, WINDOW_REQUESTS } from "../../../src/pool/window.ts";
import { Worker } from "../../../src/pool/worker.ts";
import type { WorkerOptions } from "../../../src/pool/worker-link.ts";
import { monotonicMs } from "../../../src/protocol/clock.ts";
import { FrameReader } from "../../../src/protocol/frame.ts";
import {
  execMsPrefix,
  Frame,
  isInTime,
  jsonPayload,
  LEASE_MS,
  metaPrefix,
  parseJson,
  STREAM_CREDIT_BYTES,
  splitMeta,
  TICK_MS,
} from "../../../src/protocol/messages.ts";

const DIED = new WorkerExitError("ERR_WORKER_EXIT", "worker process 1 was killed by SIGKILL");

/** A worker whose process is this test: what it is sent is listed, what it answers is fed back. */
function setUp(options: Partial<WorkerOptions> = {}) {
  const sent: { type: number; id: number; payload: Buffer; beginBy: number }[] = [];
  const reader = new FrameReader((type, id, payload, beginBy) => {
    sent.push({ type, id, payload: Buffer.from(payload), beginBy });
  });
  const link = {
    write: (buffers: readonly Uint8Array[]) => {
      for (const buffer of buffers) reader.feed(Buffer.from(buffer));
    },
    nudge: vi.fn(),
    kill: vi.fn(),
  };
  const recalled: Job[] = [];
  const interrupted: ErrorReport[] = [];
  let nextId = 1;
  const worker = new Worker(
    link,
    { takes: "body", concurrency: 1, timeoutMs: 0, ...options },
    {
      newId: () => nextId++,
      onFree: () => {},
      onRecalled: (jobs) => recalled.push(...jobs),
      onInterrupted: (report) => interrupted.push(report),
    },
  );
  const send = (body = "{}", more: Partial<RunCall> = {}): Job => {
    const call: RunCall = {
      body: Buffer.from(body),
      method: "POST",
      path: "/score",
      query: "",
      headers: {},
      requestId: "r",
      ...more,
    };
    const job = new Job(call, performance.now());
    job.outcome.catch(() => {});
    worker.send(job);
    return job;
  };
  const result = (id: number, execMs = 0.1, body = `"${id}"`): void =>
    worker.receive(Frame.RESULT, id, Buffer.concat([execMsPrefix(execMs), Buffer.from(body)]));
  /** The worker says that a waiting request begins. */
  const begun = (...ids: number[]): void => {
    for (const id of ids) worker.receive(Frame.BEGUN, id, Buffer.alloc(0));
  };
  const types = async (): Promise<number[]> => {
    await vi.advanceTimersToNextTimerAsync();
    return sent.map(({ type }) => type);
  };
  return { worker, link, sent, send, result, begun, recalled, interrupted, types };
}

/** An immediate of the faked clock comes a millisecond later. */
const READING_MS = 1;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate", "performance", "hrtime"] });
});
afterEach(() => {
  vi.useRealTimers();
});

async function text(job: Job): Promise<string> {
  const outcome = (await job.outcome) as Extract<RunOutcome, { kind: "json" }>;
  return Buffer.from(outcome.body).toString();
}

describe("the window of one worker", () => {
  test("is closed before the first answer", () => {
    const { worker, send } = setUp();
    send();
    expect(worker.isIdle).toBe(false);
    expect(worker.hasWindow(10)).toBe(false);
  });

  test("opens when run() is short, up to its number of requests", () => {
    const { worker, send, result } = setUp();
    send();
    result(1, 0.05);
    send();
    for (let n = 0; n < WINDOW_REQUESTS; n++) {
      expect(worker.hasWindow(10)).toBe(true);
      send();
    }
    expect(worker.hasWindow(10)).toBe(false);
  });

  test("closes at once with one slow answer and opens again after quick ones", () => {
    const { worker, send, result } = setUp();
    send();
    result(1, 0.05);
    send();
    result(2, 40);
    expect(worker.hasWindow(10)).toBe(false);
    for (let id = 3; id < 30; id++) {
      send();
      result(id, 0.05);
    }
    expect(worker.hasWindow(10)).toBe(true);
  });

  test("takes no more bytes than a socket buffer holds, so that an interrupt gets through", () => {
    const { worker, send, result } = setUp();
    send();
    result(1, 0.05);
    send("x".repeat(WINDOW_BYTES - 100));
    expect(worker.hasWindow(100)).toBe(true);
    expect(worker.hasWindow(101)).toBe(false);
  });
});

describe("a worker that dies", () => {
  test("loses what it had begun and gives back the rest in order, at any concurrency and moment", async () => {
    const numbers = [fc.integer({ min: 1, max: 4 }), fc.nat(12), fc.nat(12), fc.nat(4)] as const;
    await fc.assert(
      fc.asyncProperty(...numbers, async (concurrency, sent, answered, said) => {
        const { worker, send, result, begun } = setUp({ concurrency });
        const jobs = Array.from({ length: sent }, () => send());
        let known = Math.min(concurrency, sent);
        const done = Math.min(answered, sent);
        for (let id = 1; id <= done; id++) {
          result(id);
          if (known < done) begun(++known);
        }
        // Of those that follow, the worker may have said BEGUN of as many as it has room for.
        for (let more = 0; more < said && known < sent && known - done < concurrency; more++) begun(++known);
        const back = worker.exited(DIED);
        expect(back).toEqual(jobs.slice(known));
        for (const [index, job] of jobs.entries()) {
          if (index < done) expect(await text(job)).toBe(`"${index + 1}"`);
          else if (index < known)
            await expect(job.outcome).rejects.toMatchObject({ code: DIED.code, message: DIED.message });
          else expect(job.settled).toBe(false);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("fails the stream under way with the way it died", async () => {
    const { worker, send } = setUp();
    const job = send();
    const meta = { status: 200, headers: [], execMs: 1, stream: true, fromScript: false };
    worker.receive(Frame.RESPONSE, 1, metaPrefix(meta));
    worker.receive(Frame.CHUNK, 1, Buffer.from("a"));
    const outcome = (await job.outcome) as Extract<RunOutcome, { kind: "response" }>;
    worker.exited(DIED);
    const read = async (): Promise<void> => {
      for await (const _ of outcome.body as AsyncIterable<Uint8Array>);
    };
    await expect(read()).rejects.toBe(DIED);
  });
});

describe("the scoring deadline", () => {
  test("starts when the worker begins the request, not while it waits in the pipe", async () => {
    const { send, result, begun } = setUp({ timeoutMs: 100 });
    const first = send();
    const second = send();
    await vi.advanceTimersByTimeAsync(80);
    result(1, 0.1);
    begun(2);
    await vi.advanceTimersByTimeAsync(80);
    expect(await text(first)).toBe('"1"');
    expect(second.settled).toBe(false);
    await vi.advanceTimersByTimeAsync(25);
    const ran = { queueMs: 80, execMs: 100 + READING_MS };
    await expect(second.outcome).rejects.toMatchObject({ code: "ERR_SCORE_TIMEOUT", ran });
  });

  test("answers at once, interrupts, and kills only after the grace period", async () => {
    const { send, sent, link } = setUp({ timeoutMs: 100 });
    const job = send();
    await vi.advanceTimersByTimeAsync(100 + READING_MS);
    await expect(job.outcome).rejects.toThrow("Scoring timeout after 100 ms");
    const interrupt = sent.find(({ type }) => type === Frame.INTERRUPT);
    expect(parseJson(interrupt!.payload)).toEqual({ reason: "deadline", timeoutMs: 100 });
    expect(link.nudge).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(INTERRUPT_GRACE_MS - 1);
    expect(link.kill).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1 + READING_MS);
    expect(link.kill).toHaveBeenCalledOnce();
  });

  test("counts an answer that was there in time, though the timer of a process that stood still comes first", async () => {
    const { send, result, link } = setUp({ timeoutMs: 100 });
    const job = send();
    // As after SIGCONT: the timer is over, and then the pipe is read.
    setTimeout(() => result(1), 100);
    await vi.advanceTimersByTimeAsync(100 + INTERRUPT_GRACE_MS * 2);
    expect(await text(job)).toBe('"1"');
    expect(link.nudge).not.toHaveBeenCalled();
    expect(link.kill).not.toHaveBeenCalled();
  });

  test("spares a worker that comes back in time", async () => {
    const { worker, send, link, interrupted } = setUp({ timeoutMs: 100 });
    send();
    await vi.advanceTimersByTimeAsync(100 + READING_MS);
    const error = { type: "TimeoutError", message: "", traceback: "in score.py", location: null };
    worker.receive(Frame.ERROR, 1, jsonPayload({ kind: "interrupted", error }));
    await vi.advanceTimersByTimeAsync(INTERRUPT_GRACE_MS * 2);
    expect(link.kill).not.toHaveBeenCalled();
    expect(worker.isIdle).toBe(true);
    expect(interrupted).toEqual([error]);
  });

  test("lets the other requests of a concurrent worker finish before it is killed", async () => {
    const { worker, send, result, link } = setUp({ timeoutMs: 1_000, concurrency: 2 });
    send();
    await vi.advanceTimersByTimeAsync(900);
    const other = send();
    await vi.advanceTimersByTimeAsync(100 + 800);
    expect(link.kill).not.toHaveBeenCalled();
    result(2, 700);
    expect(await text(other)).toBe('"2"');
    expect(worker.isIdle).toBe(true);
    await vi.advanceTimersByTimeAsync(INTERRUPT_GRACE_MS);
    expect(link.kill).toHaveBeenCalledOnce();
    expect(worker.isIdle).toBe(false);
  });

  test("does not apply once the answer streams, its first chunk included", async () => {
    const { worker, send } = setUp({ timeoutMs: 100 });
    const job = send();
    const meta = { status: 200, headers: [], execMs: 1, stream: true, fromScript: false };
    worker.receive(Frame.RESPONSE, 1, metaPrefix(meta));
    await vi.advanceTimersByTimeAsync(5_000);
    worker.receive(Frame.CHUNK, 1, Buffer.from("a"));
    expect((await job.outcome).kind).toBe("response");
    expect(job.expired).toBe(false);
  });

  test("of more than 24 days does not fire early", async () => {
    const { send } = setUp({ timeoutMs: 0x7fff_ffff + 10_000 });
    const job = send();
    await vi.advanceTimersByTimeAsync(0x7fff_ffff + 5_000);
    expect(job.settled).toBe(false);
    await vi.advanceTimersByTimeAsync(5_000 + READING_MS);
    expect(job.settled).toBe(true);
  });
});

describe("requests waiting in the pipe", () => {
  test("say in their frame until when they may begin; one that is sent at once does not", async () => {
    const { send, sent, types } = setUp();
    const from = monotonicMs();
    send();
    send();
    const to = monotonicMs();
    await types();
    expect(sent.map(({ beginBy }) => beginBy === 0)).toEqual([true, false]);
    expect(isInTime(sent[1]!.beginBy, to)).toBe(true);
    expect(isInTime(sent[1]!.beginBy, to + LEASE_MS)).toBe(false);
    expect(isInTime(sent[1]!.beginBy, from + LEASE_MS - 2 * TICK_MS)).toBe(true);
  });

  test("are given back on recall, and a late answer for what had begun still counts", async () => {
    const { worker, send, result, recalled, begun, types } = setUp();
    const jobs = [send(), send(), send()];
    worker.recall();
    expect(await types()).toEqual([Frame.RUN, Frame.RUN, Frame.RUN, Frame.RECALL]);
    result(1);
    begun(2);
    worker.receive(Frame.RECALLED, 0, jsonPayload({ ids: [3] }));
    expect(recalled).toEqual([jobs[2]]);
    result(2);
    expect(await text(jobs[1]!)).toBe('"2"');
    expect(worker.isIdle).toBe(true);
  });

  test("count as begun only when the worker says so, whatever it has answered", async () => {
    const { worker, send, result } = setUp();
    const [first, second] = [send(), send()];
    result(1);
    expect(await text(first)).toBe('"1"');
    expect(worker.exited(DIED)).toEqual([second]);
  });

  test("come back when their lease is over, without a word of the worker", async () => {
    const { worker, send, recalled } = setUp();
    send();
    const [second, third] = [send(), send()];
    await vi.advanceTimersByTimeAsync(LEASE_MS - 1);
    expect(recalled).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    expect(recalled).toEqual([second, third]);
    expect(worker.unanswered).toBe(1);
    expect(worker.hasWindow(1)).toBe(false);
  });

  test("that were taken back and are said to begin change nothing", async () => {
    const { worker, send, recalled, begun } = setUp();
    send();
    const second = send();
    await vi.advanceTimersByTimeAsync(LEASE_MS + 1);
    expect(recalled).toEqual([second]);
    begun(2);
    worker.receive(Frame.RECALLED, 0, jsonPayload({ ids: [2] }));
    expect(recalled).toEqual([second]);
    expect(worker.unanswered).toBe(1);
  });

  test("that began too late and were not run come back", async () => {
    const { worker, send, result, recalled, begun } = setUp();
    send();
    const second = send();
    result(1);
    begun(2);
    worker.receive(Frame.RECALLED, 0, jsonPayload({ ids: [2] }));
    expect(recalled).toEqual([second]);
    expect(worker.isIdle).toBe(true);
  });
});

describe("a worker that breaks the protocol", () => {
  const meta = { status: 200, headers: [], execMs: 1, stream: true, fromScript: false };
  const stream: [number, number, Buffer] = [Frame.RESPONSE, 1, metaPrefix(meta)];
  const report = { type: "E", message: "", traceback: "", location: null };
  const cases: [string, ...[number, number, Buffer][]][] = [
    ["answers a request that waits", [Frame.RESULT, 2, execMsPrefix(1)]],
    ["answers a request that nobody sent", [Frame.RESULT, 9, execMsPrefix(1)]],
    ["answers twice", [Frame.RESULT, 1, execMsPrefix(1)], [Frame.RESULT, 1, execMsPrefix(1)]],
    ["begins more than it may", [Frame.BEGUN, 2, Buffer.alloc(0)]],
    ["gives back what it was to begin at once", [Frame.RECALLED, 0, jsonPayload({ ids: [1] })]],
    ["sends a short RESULT", [Frame.RESULT, 1, Buffer.alloc(7)]],
    ["sends a time that is none", [Frame.RESULT, 1, execMsPrefix(Number.NaN)]],
    ["sends a RESPONSE without meta", [Frame.RESPONSE, 1, Buffer.alloc(3)]],
    ["sends a RESPONSE whose meta is null", [Frame.RESPONSE, 1, Buffer.from("\x04\0\0\0null")]],
    ["sends headers that are none", [Frame.RESPONSE, 1, metaPrefix({ ...meta, headers: [["a"]] })]],
    ["sends a status that is none", [Frame.RESPONSE, 1, metaPrefix({ ...meta, status: "ok" })]],
    ["sends an ERROR that is no JSON", [Frame.ERROR, 1, Buffer.from("{")]],
    ["sends an ERROR of an unknown kind", [Frame.ERROR, 1, jsonPayload({ kind: "x", error: report })]],
    ["sends an ERROR without a report", [Frame.ERROR, 1, jsonPayload({ kind: "run" })]],
    ["gives back without ids", [Frame.RECALLED, 0, jsonPayload({})]],
    ["sends a chunk without a RESPONSE", [Frame.CHUNK, 1, Buffer.from("a")]],
    ["ends a stream that there is not", [Frame.END, 1, Buffer.alloc(0)]],
    ["begins a stream twice", stream, stream],
    ["answers inside a stream", stream, [Frame.RESULT, 1, execMsPrefix(1)]],
    ["sends an empty chunk", stream, [Frame.CHUNK, 1, Buffer.alloc(0)]],
    [
      "sends more than its credit",
      stream,
      [Frame.CHUNK, 1, Buffer.alloc(STREAM_CREDIT_BYTES)],
      [Frame.CHUNK, 1, Buffer.from("a")],
    ],
    ["sends an unknown frame", [99, 1, Buffer.alloc(0)]],
    ["sends a frame of the front's", [Frame.RUN, 1, Buffer.alloc(0)]],
  ];
  test.each(cases)("%s: that is an error, and its end answers everybody", async (_, ...frames) => {
    const { worker, send } = setUp();
    const [first, second] = [send(), send()];
    const feed = (): void => {
      for (const [type, id, payload] of frames) worker.receive(type, id, payload);
    };
    expect(feed).toThrow(FrameError);
    const back = worker.exited(DIED);
    expect(first.settled).toBe(true);
    expect(back.includes(second) || second.settled).toBe(true);
  });
});

describe("what is framed", () => {
  test("is the body alone for a script that takes only the body", async () => {
    const { send, sent, types } = setUp();
    send('{"a": 1}');
    await types();
    expect(sent[0]).toMatchObject({ type: Frame.RUN, id: 1 });
    expect(sent[0]!.payload.toString()).toBe('{"a": 1}');
  });

  test("includes headers and id, and no more, for a script that takes headers", async () => {
    const { send, sent, types } = setUp({ takes: "headers" });
    send("x", { headers: { "x-a": "1" } });
    await types();
    const { meta, body } = splitMeta(sent[0]!.payload);
    expect(meta).toEqual({ headers: { "x-a": "1" }, requestId: "r" });
    expect(body.toString()).toBe("x");
  });

  test("includes the path and the headers that protocols know, and no more, for a model", async () => {
    const { send, sent, types } = setUp({ takes: "model" });
    const known = {
      "content-type": "application/json",
      "content-encoding": "gzip",
      "accept-encoding": "deflate",
      "inference-header-content-length": "2",
    };
    send("{}", { path: "/v2/models/m/infer", headers: { ...known, authorization: "Bearer x", "x-a": "1" } });
    await types();
    const { meta, body } = splitMeta(sent[0]!.payload);
    expect(meta).toEqual({ path: "/v2/models/m/infer", headers: known });
    expect(body.toString()).toBe("{}");
  });
});

describe("a client that leaves", () => {
  function client() {
    const listeners: (() => void)[] = [];
    const signal = {
      aborted: false,
      addEventListener: (_: string, listener: () => void) => listeners.push(listener),
      removeEventListener: () => {},
    };
    function leave(): void {
      for (const listener of listeners) listener();
    }
    return { signal, leave };
  }

  test("interrupts its request when that has begun", async () => {
    const { signal, leave } = client();
    const { send, sent, link } = setUp();
    const job = send("{}", { signal });
    leave();
    await expect(job.outcome).rejects.toThrow("the client left");
    expect(parseJson(sent.at(-1)!.payload)).toMatchObject({ reason: "client-gone" });
    expect(link.nudge).toHaveBeenCalledOnce();
  });

  test("has its request given back when that waits in the pipe", async () => {
    const { signal, leave } = client();
    const { worker, send, sent, link, recalled, types } = setUp();
    send();
    const job = send("{}", { signal });
    leave();
    await expect(job.outcome).rejects.toThrow("the client left");
    expect(await types()).toContain(Frame.RECALL);
    expect(sent.find(({ type }) => type === Frame.RECALL)!.id).toBe(job.id);
    expect(link.nudge).toHaveBeenCalledOnce();
    worker.receive(Frame.RECALLED, 0, jsonPayload({ ids: [job.id] }));
    expect(recalled).toEqual([job]);
    expect(worker.unanswered).toBe(1);
  });

  test("costs one nudge however many leave in one turn", async () => {
    const { signal, leave } = client();
    const { send, link, types } = setUp();
    for (let count = 0; count < 10; count++) send("{}", { signal });
    leave();
    await types();
    // One for the request that had begun, one for all that waited.
    expect(link.nudge).toHaveBeenCalledTimes(2);
  });

  test("interrupts its request when BEGUN crosses the RECALL", async () => {
    const { signal, leave } = client();
    const { worker, send, sent, result, begun } = setUp();
    send();
    const job = send("{}", { signal });
    leave();
    await expect(job.outcome).rejects.toThrow("the client left");
    result(1);
    begun(job.id);
    expect(sent.at(-1)).toMatchObject({ type: Frame.INTERRUPT, id: job.id });
    worker.receive(Frame.RECALLED, 0, jsonPayload({ ids: [] }));
    result(job.id);
    expect(worker.isIdle).toBe(true);
  });
});

describe("streams", () => {
  test("grant credit as their chunks are read", async () => {
    const { worker, send, sent, types } = setUp();
    const job = send();
    const meta = { status: 200, headers: [], execMs: 1, stream: true, fromScript: false };
    worker.receive(Frame.RESPONSE, 1, metaPrefix(meta));
    worker.receive(Frame.CHUNK, 1, Buffer.alloc(100_000));
    const outcome = (await job.outcome) as Extract<RunOutcome, { kind: "response" }>;
    const iterator = (outcome.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    await types();
    expect(sent.some(({ type }) => type === Frame.CREDIT)).toBe(false);
    expect((await iterator.next()).value).toHaveLength(100_000);
    await types().catch(() => {});
    const credit = sent.find(({ type }) => type === Frame.CREDIT);
    expect(credit!.payload.readUInt32LE(0)).toBe(100_000);
  });

  test("that nobody reads any more are interrupted", async () => {
    const { worker, send, sent } = setUp();
    const job = send();
    const meta = { status: 200, headers: [], execMs: 1, stream: true, fromScript: false };
    worker.receive(Frame.RESPONSE, 1, metaPrefix(meta));
    worker.receive(Frame.CHUNK, 1, Buffer.from("a"));
    const outcome = (await job.outcome) as Extract<RunOutcome, { kind: "response" }>;
    await (outcome.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]().return?.();
    expect(parseJson(sent.at(-1)!.payload)).toMatchObject({ reason: "client-gone" });
    worker.receive(Frame.END, 1, Buffer.alloc(0));
    expect(worker.isIdle).toBe(true);
  });

  test("that nobody reads any more come under the deadline again, for scripts that do not heed the interrupt", async () => {
    const { worker, send, link } = setUp({ timeoutMs: 100 });
    const job = send();
    const meta = { status: 200, headers: [], execMs: 1, stream: true, fromScript: false };
    worker.receive(Frame.RESPONSE, 1, metaPrefix(meta));
    worker.receive(Frame.CHUNK, 1, Buffer.from("a"));
    const outcome = (await job.outcome) as Extract<RunOutcome, { kind: "response" }>;
    await vi.advanceTimersByTimeAsync(1_000);
    await (outcome.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]().return?.();
    await vi.advanceTimersByTimeAsync(100 + INTERRUPT_GRACE_MS - 1);
    expect(link.kill).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1 + 2 * READING_MS);
    expect(link.kill).toHaveBeenCalledOnce();
  });

  test("that are left while their reader waits for a chunk end for that reader", async () => {
    const { worker, send } = setUp();
    const job = send();
    const meta = { status: 200, headers: [], execMs: 1, stream: true, fromScript: false };
    worker.receive(Frame.RESPONSE, 1, metaPrefix(meta));
    worker.receive(Frame.CHUNK, 1, Buffer.from("a"));
    const outcome = (await job.outcome) as Extract<RunOutcome, { kind: "response" }>;
    const chunks = (outcome.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    await chunks.next();
    const waiting = chunks.next();
    await chunks.return?.();
    expect(await waiting).toEqual({ value: undefined, done: true });
  });

  test("that fail before their first chunk are answered like any other failure", async () => {
    const { worker, send } = setUp();
    const job = send();
    const meta = { status: 200, headers: [], execMs: 1, stream: true, fromScript: true };
    worker.receive(Frame.RESPONSE, 1, metaPrefix(meta));
    const error = { type: "ValueError", message: "no", traceback: "", location: null };
    worker.receive(Frame.ERROR, 1, jsonPayload({ kind: "stream", error }));
    await expect(job.outcome).rejects.toMatchObject({ code: "ERR_SCRIPT_RUN", report: error });
    expect(worker.isIdle).toBe(true);
  });

  test("without chunks are empty", async () => {
    const { worker, send } = setUp();
    const job = send();
    worker.receive(
      Frame.RESPONSE,
      1,
      metaPrefix({ status: 202, headers: [], execMs: 1, stream: true, fromScript: true }),
    );
    worker.receive(Frame.END, 1, Buffer.alloc(0));
    const outcome = (await job.outcome) as Extract<RunOutcome, { kind: "response" }>;
    expect(outcome.status).toBe(202);
    for await (const _ of outcome.body as AsyncIterable<Uint8Array>) expect.unreachable();
  });

  test("whose client leaves before the first chunk come under the deadline again", async () => {
    const listeners: (() => void)[] = [];
    const signal = {
      aborted: false,
      addEventListener: (_: string, listener: () => void) => listeners.push(listener),
      removeEventListener: () => {},
    };
    const { worker, send, link, sent } = setUp({ timeoutMs: 100 });
    const job = send("{}", { signal });
    const meta = { status: 200, headers: [], execMs: 1, stream: true, fromScript: true };
    worker.receive(Frame.RESPONSE, 1, metaPrefix(meta));
    await vi.advanceTimersByTimeAsync(1_000);
    for (const listener of listeners) listener();
    await expect(job.outcome).rejects.toThrow("the client left");
    expect(parseJson(sent.at(-1)!.payload)).toMatchObject({ reason: "client-gone" });
    await vi.advanceTimersByTimeAsync(100 + INTERRUPT_GRACE_MS + 2 * READING_MS);
    expect(link.kill).toHaveBeenCalledOnce();
  });
});

describe("a worker that does not react", () => {
  test("is nudged again, and no more once its request has ended", async () => {
    const { send, link, result } = setUp({ timeoutMs: 100 });
    send().outcome.catch(() => {});
    await vi.advanceTimersByTimeAsync(100 + READING_MS);
    expect(link.nudge).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(50);
    expect(link.nudge).toHaveBeenCalledTimes(2);
    result(1);
    await vi.advanceTimersByTimeAsync(INTERRUPT_GRACE_MS);
    expect(link.nudge).toHaveBeenCalledTimes(2);
  });
});
