import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { OverloadError, ScoreError } from "../../../src/core/errors.ts";
import type { RunCall } from "../../../src/core/types.ts";
import { Job } from "../../../src/pool/job.ts";
import { type QueueOptions, WaitingRoom } from "../../../src/pool/queue.ts";

function job(bytes = 2): Job {
  const call = { body: Buffer.alloc(bytes), method: "POST", path: "/score", query: "", headers: {}, requestId: "r" };
  const made = new Job(call satisfies RunCall, performance.now());
  made.outcome.catch(() => {});
  return made;
}

function room(options: Partial<QueueOptions> = {}) {
  const onLeft = vi.fn();
  const made = new WaitingRoom({ maxQueue: 10, maxQueueBytes: 0, queueTimeoutMs: 0, ...options }, onLeft);
  return { room: made, onLeft };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test("a request that has begun meanwhile is not given up by a process that stood still and now comes to read of it", async () => {
  const { room: waiting } = room({ queueTimeoutMs: 100 });
  const begun = job();
  const late = job();
  for (const one of [begun, late]) waiting.enter(one);
  // As after SIGCONT: the timer is over, and then the pipe is read.
  setTimeout(() => waiting.leave(begun), 100);
  vi.advanceTimersByTime(100);
  await new Promise((resolve) => setImmediate(resolve));
  expect([begun.settled, late.settled]).toEqual([false, true]);
});

describe("the bound on requests", () => {
  test("counts those in the queue and those in a worker's pipe alike", async () => {
    const { room: waiting } = room({ maxQueue: 2 });
    const [queued, inPipe, third] = [job(), job(), job()];
    expect(waiting.enter(queued)).toBe(true);
    waiting.push(queued);
    expect(waiting.enter(inPipe)).toBe(true);
    expect(waiting.enter(third)).toBe(false);
    await expect(third.outcome).rejects.toThrow("2 requests are waiting already");
    inPipe.room?.leave(inPipe);
    expect(waiting.refusal(0)).toBeUndefined();
  });

  test("does not hold for what comes back", () => {
    const { room: waiting } = room({ maxQueue: 1 });
    const [first, second] = [job(), job()];
    waiting.enter(first);
    waiting.push(first);
    waiting.putBack([second]);
    expect([waiting.size, waiting.length, waiting.first]).toEqual([2, 2, second]);
  });
});

describe("the bound on bytes", () => {
  test("turns away what does not fit, and takes one body of any size", () => {
    const { room: waiting } = room({ maxQueueBytes: 1_000 });
    const big = job(5_000);
    expect(waiting.enter(big)).toBe(true);
    expect(waiting.refusal(1)).toBeInstanceOf(OverloadError);
    waiting.leave(big);
    expect(waiting.enter(job(600))).toBe(true);
    expect(waiting.refusal(400)).toBeUndefined();
    expect(waiting.refusal(401)).toBeInstanceOf(OverloadError);
    expect(waiting.bytes).toBe(600);
  });
});

describe("the bound on time", () => {
  test("holds wherever a request waits, from when it came", async () => {
    const { room: waiting, onLeft } = room({ queueTimeoutMs: 100 });
    const [queued, inPipe] = [job(), job()];
    const holder = vi.fn();
    inPipe.holder = { givenUp: holder };
    for (const each of [queued, inPipe]) waiting.enter(each);
    waiting.push(queued);
    await vi.advanceTimersByTimeAsync(60);
    const late = job();
    waiting.enter(late);
    await vi.advanceTimersByTimeAsync(41);
    for (const each of [queued, inPipe]) {
      await expect(each.outcome).rejects.toThrow("No worker was free within 100 ms");
    }
    expect(holder).toHaveBeenCalledOnce();
    expect(onLeft).toHaveBeenCalledOnce();
    expect([late.settled, waiting.size, waiting.length]).toEqual([false, 1, 0]);
    await vi.advanceTimersByTimeAsync(60);
    expect([late.settled, waiting.size, waiting.bytes]).toEqual([true, 0, 0]);
  });

  test("does not begin anew for what comes back from a worker", async () => {
    const { room: waiting } = room({ queueTimeoutMs: 100 });
    const early = job();
    await vi.advanceTimersByTimeAsync(50);
    const later = job();
    waiting.enter(later);
    waiting.push(later);
    waiting.putBack([early]);
    await vi.advanceTimersByTimeAsync(51);
    expect([early.settled, later.settled]).toEqual([true, false]);
  });
});

test("a request is answered once, whatever comes after", async () => {
  const { room: waiting } = room();
  const one = job();
  waiting.enter(one);
  const gone = new ScoreError("ERR_CLIENT_GONE", "left");
  one.giveUp(gone);
  one.giveUp(new ScoreError("ERR_INTERNAL", "again"));
  one.resolve({ kind: "json", body: "1", execMs: 1 });
  await expect(one.outcome).rejects.toBe(gone);
  expect([waiting.size, waiting.bytes, one.room]).toEqual([0, 0, undefined]);
});

test("what is wanted no longer does not come back", () => {
  const { room: waiting } = room();
  const one = job();
  one.reject(new ScoreError("ERR_CLIENT_GONE", "left"));
  waiting.putBack([one]);
  expect(waiting.length).toBe(0);
});
