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
