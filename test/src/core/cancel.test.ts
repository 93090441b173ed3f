import { describe, expect, test } from "vitest";
import { abandon, unlessAborted } from "../../../src/core/cancel.ts";
import { ScoreError } from "../../../src/core/errors.ts";

const never = new Promise<never>(() => {});

describe("unlessAborted", () => {
  test("gives the promise's outcome, with and without a signal", async () => {
    const { signal } = new AbortController();
    expect(await unlessAborted(Promise.resolve(1), signal)).toBe(1);
    expect(await unlessAborted(Promise.resolve(2), undefined)).toBe(2);
    await expect(unlessAborted(Promise.reject(new Error("no")), signal)).rejects.toThrow("no");
  });

  test.for([
    ["before", true],
    ["after", false],
  ] as const)("gives the signal's reason when it aborts %s the call", async ([, early]) => {
    const reason = new ScoreError("ERR_DEADLINE", "too late");
    const controller = new AbortController();
    if (early) controller.abort(reason);
    const outcome = unlessAborted(never, controller.signal);
    if (!early) controller.abort(reason);
    await expect(outcome).rejects.toBe(reason);
  });

  test("takes another reason for a client that has left", async () => {
    await expect(unlessAborted(never, AbortSignal.abort("gone"))).rejects.toMatchObject({ code: "ERR_CLIENT_GONE" });
  });

  test("leaves nothing on the signal", async () => {
    let listeners = 0;
    const signal = {
      aborted: false,
      addEventListener: () => void listeners++,
      removeEventListener: () => void listeners--,
    };
    for (let chunk = 0; chunk < 3; chunk++) await unlessAborted(Promise.resolve(), signal);
    await new Promise((resolve) => setImmediate(resolve));
    expect(listeners).toBe(0);
  });
});

test("abandon ends a stream, and a script that fails at that is nobody's unhandled rejection", async () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", onUnhandled);
  let ended = 0;
  const body = {
    [Symbol.asyncIterator]: () => ({
      next: () => never,
      return: () => {
        ended++;
        return Promise.reject(new Error("a bad finally"));
      },
    }),
  };
  abandon(body);
  abandon("text");
  abandon(new Uint8Array(1));
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", onUnhandled);
  expect({ ended, unhandled }).toEqual({ ended: 1, unhandled: [] });
});
