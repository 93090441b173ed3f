import { expect, test } from "vitest";
import type { RunOutcome, ScoreRuntime } from "../../../src/core/types.ts";
import { scoreRoute } from "../../../src/routes/score.ts";

test("a stream that is dropped because of a bad header ends, so that its script's finally runs", async () => {
  let hasEnded = false;
  async function* items(): AsyncGenerator<Uint8Array> {
    try {
      yield Buffer.from("first");
      yield Buffer.from("second");
    } finally {
      hasEnded = true;
    }
  }
  const body = items();
  await body.next();
  const outcome: RunOutcome = {
    kind: "response",
    status: 200,
    headers: [["a b", "c"]],
    body,
    execMs: 1,
    fromScript: true,
  };
  const runtime = { facts: { takes: "json" }, run: async () => outcome } as unknown as ScoreRuntime;
  const settings = { errorDetail: "full" } as unknown as Parameters<typeof scoreRoute>[0];
  const route = scoreRoute(settings, runtime, {});
  const request = { method: "POST", path: "/score", query: "", headers: {}, body: Buffer.from("{}") };
  const ids = { requestId: "id" } as unknown as Parameters<typeof route.handle>[1];
  await expect(route.handle(request, ids)).rejects.toThrow('header name "a b"');
  expect(hasEnded).toBe(true);
});

test.each([
  ["a model", "model", "application/x-www-form-urlencoded", 200],
  ["a model", "model", "text/plain", 415],
  ["a model", "model", undefined, 415],
  ["a script with a declared input", "body", "application/x-www-form-urlencoded", 415],
] as const)("%s that gets JSON (%s) as %s: %d", async (_, takes, type, status) => {
  const outcome: RunOutcome = { kind: "json", body: "[1]", execMs: 1 };
  const runtime = { facts: { takes, input: "json" }, run: async () => outcome } as unknown as ScoreRuntime;
  const route = scoreRoute({ errorDetail: "full", serverVersion: null }, runtime, {});
  const headers: Record<string, string> = type === undefined ? {} : { "content-type": type };
  const request = { method: "POST", path: "/score", query: "", headers, body: Buffer.from("{}") };
  const ids = { requestId: "id" } as unknown as Parameters<typeof route.handle>[1];
  const answered = Promise.resolve(route.handle(request, ids)).then(
    (response) => response.status,
    (error: { status: number }) => error.status,
  );
  expect(await answered).toBe(status);
});
