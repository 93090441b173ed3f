// What the Node loop does beyond the scenarios.
import { expect, test } from "vitest";
import { metaPrefix, Frame as Type } from "../../../src/protocol/messages.ts";
import type { LoadedScript } from "../../../src/script/javascript.ts";
import { frame, LoopHarness } from "./loop-harness.ts";

const facts = { takes: "request", concurrent: true } as const;
const texts = (harness: LoopHarness): string[] => harness.said.map(({ text }) => text);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function scriptOf(run: LoadedScript["run"]): LoadedScript {
  return { facts, init: async () => {}, run };
}

test("what was said has left before a run() that may block", () => {
  let seen: string[] = [];
  const harness = new LoopHarness(
    scriptOf(() => {
      seen = texts(harness);
      return { kind: "json", body: "1", execMs: 0 };
    }),
    1,
  );
  harness.feed(Buffer.concat(["RECALL 0", "RUN 1 x"].map((text) => harness.encode(text))));
  expect(seen).toEqual(["RECALLED"]);
  expect(texts(harness)).toEqual(["RECALLED", "RESULT 1"]);
});

test("for HEAD the body of a stream is closed and not sent", async () => {
  let closed = false;
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      yield new Uint8Array(0);
      yield Buffer.from("never sent");
    } finally {
      closed = true;
    }
  }
  const stream = body();
  await stream.next();
  const outcome = { kind: "response", status: 200, headers: [], body: stream, execMs: 0, fromScript: true } as const;
  const harness = new LoopHarness(
    scriptOf(() => outcome),
    1,
  );
  harness.feed(frame(Type.RUN_META, 1, metaPrefix({ headers: {}, requestId: "r", method: "HEAD" })));
  await turn();
  expect(texts(harness)).toEqual(["RESPONSE 1", "END 1"]);
  expect(closed).toBe(true);
});

test.each(["before", "after"])("the signal aborts when it is asked for %s the INTERRUPT", async (when) => {
  let ask = (): AbortSignal => new AbortController().signal;
  const harness = new LoopHarness(
    scriptOf((input) => {
      ask = () => input.signal();
      return new Promise(() => {});
    }),
    1,
  );
  harness.feed(harness.encode("RUN 1 x"));
  const early = when === "before" ? ask() : undefined;
  harness.feed(harness.encode("INTERRUPT 1 deadline"));
  expect((early ?? ask()).aborted).toBe(true);
  expect(((early ?? ask()).reason as DOMException).name).toBe("TimeoutError");
});

test("an outcome that cannot be sent is an error, and the next request is answered", () => {
  const bodies: unknown[] = [{ nothing: true }, "fine"];
  const harness = new LoopHarness(
    scriptOf(() => ({ kind: "json", body: bodies.shift() as string, execMs: 0 })),
    1,
  );
  for (const id of [1, 2]) harness.feed(harness.encode(`RUN ${id} x`));
  expect(texts(harness)).toEqual(["ERROR 1 run", "RESULT 2"]);
});
