import { expect, test } from "vitest";
import { Outbox } from "../../../src/telemetry/app-insights-outbox.ts";

/** Batches end when the test says so. */
function createOutbox() {
  const sent: { readonly items: readonly number[]; end(): void }[] = [];
  const state = { isSlow: false, dropped: 0 };
  const outbox = new Outbox<number>({
    send: (items) => new Promise((end) => sent.push({ items, end })),
    onDropped: (count) => {
      state.dropped += count;
    },
    isSlow: () => state.isSlow,
  });
  const add = (count: number, bytes = 1): void => {
    for (let i = 0; i < count; i++) outbox.add(i, bytes);
  };
  const endAll = async (): Promise<void> => {
    for (let index = 0; index < sent.length; index++) {
      sent[index]!.end();
      await Promise.resolve().then(() => {});
      await new Promise(setImmediate);
    }
  };
  return { outbox, sent, state, add, endAll };
}

test("a full batch leaves at once, a few at a time", async () => {
  const { sent, add, endAll } = createOutbox();
  add(249);
  expect(sent.length).toBe(0);
  add(1);
  expect(sent.map(({ items }) => items.length)).toEqual([250]);
  add(2_000);
  expect(sent.length).toBe(4);
  await endAll();
  expect(sent.map(({ items }) => items.length)).toEqual([...Array(9).fill(250)]);
});

test("one at a time while the service is slow", () => {
  const { sent, state, add } = createOutbox();
  state.isSlow = true;
  add(1_000);
  expect(sent.length).toBe(1);
});

test("bytes make a batch, too, and an item that is bigger than one is sent alone", () => {
  const { sent, add } = createOutbox();
  add(2, 600_000);
  add(1, 2_000_000);
  expect(sent.map(({ items }) => items.length)).toEqual([2, 1]);
});

test.each([
  [20_000, 1, 4_096],
  [20, 1_000_000, 8],
])("%i items of %i bytes: %i are kept, under way or not, and the rest is counted", (count, bytes, kept) => {
  const { outbox, state, add } = createOutbox();
  add(count, bytes);
  expect(outbox.size).toBe(kept);
  expect(state.dropped).toBe(count - kept);
});

test("there is room again for what has been sent", async () => {
  const { outbox, state, add, endAll } = createOutbox();
  add(5_000);
  await endAll();
  const { dropped } = state;
  add(100);
  expect(state.dropped).toBe(dropped);
  expect(outbox.size).toBeLessThanOrEqual(4_096);
});

test("a flush sends all that is there, and does not wait for what comes later", async () => {
  const { outbox, sent, add, endAll } = createOutbox();
  await outbox.flush();
  add(1_100);
  let isDone = false;
  const flushed = outbox.flush().then(() => {
    isDone = true;
  });
  expect(sent.length).toBe(4);
  await new Promise(setImmediate);
  expect(isDone).toBe(false);
  await endAll();
  await flushed;
  expect(sent.map(({ items }) => items.length)).toEqual([250, 250, 250, 250, 100]);
  expect(outbox.size).toBe(0);
});

test("flushing again and again does not put more under way", () => {
  const { outbox, sent, add } = createOutbox();
  for (let i = 0; i < 100; i++) {
    add(3);
    void outbox.flush();
  }
  expect(sent.length).toBe(4);
});
