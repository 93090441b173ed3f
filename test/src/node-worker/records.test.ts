// What a JavaScript worker keeps of its script's records, and when it leaves.
import { describe, expect, test } from "vitest";
import { MAX_BYTES, MAX_RECORDS, RecordLink } from "../../../src/node-worker/records.ts";
import { FrameReader } from "../../../src/protocol/frame.ts";
import { Frame, parseJson, type Records } from "../../../src/protocol/messages.ts";
import type { ToldRecord } from "../../../src/script/recorded.ts";
import { frame } from "./loop-harness.ts";

/** A link in memory, whose pipe takes so many bytes at a time. */
function open(room = Number.POSITIVE_INFINITY) {
  const told: Records[] = [];
  const order: string[] = [];
  const turns: (() => void)[] = [];
  let writes = 0;
  const state = { room };
  const reader = new FrameReader((type, _id, payload) => {
    if (type !== Frame.RECORDS) {
      order.push("answer");
      return;
    }
    const records = parseJson<Records>(payload);
    told.push(records);
    order.push(...records.records.map(({ message }) => message));
  });
  const link = new RecordLink(
    {
      write: (buffers) => {
        writes++;
        reader.feed(Buffer.concat(buffers));
      },
    },
    (bytes) => {
      const taken = bytes.subarray(0, state.room);
      reader.feed(Buffer.from(taken));
      return taken.length;
    },
    (action) => turns.push(action),
  );
  return {
    link,
    told,
    order,
    state,
    writes: () => writes,
    reader,
    turn: () => {
      for (const action of turns.splice(0)) action();
    },
    turns,
    dropped: () => told.reduce((sum, { dropped }) => sum + dropped, 0),
  };
}

const record = (message: string): ToldRecord => ({ time: 1, level: "INFO", logger: "l", message, fields: undefined });
const answer = [frame(Frame.RESULT, 1, Buffer.alloc(8))];

describe("a link that takes records along", () => {
  test("puts them before the frames of the next write, in that write", () => {
    const { link, order, writes } = open();
    link.add(record("a"));
    link.add(record("b"));
    link.write(answer);
    link.write(answer);
    expect(order).toEqual(["a", "b", "answer", "answer"]);
    expect(writes()).toBe(2);
  });

  test("writes at the end of the turn what no other write took, and waits for no turn without records", () => {
    const { link, order, turn, turns } = open();
    link.add(record("a"));
    expect(turns).toHaveLength(1);
    turn();
    expect(order).toEqual(["a"]);
    expect(turns).toHaveLength(0);
  });

  test("keeps no more in a turn than the limits allow, whoever takes them, and counts the others", () => {
    const { link, told, order, turn, dropped } = open();
    for (let index = 0; index < MAX_RECORDS; index++) link.add(record("x"));
    link.write(answer);
    link.add(record("too many"));
    link.write(answer);
    expect(order).toHaveLength(MAX_RECORDS + 2);
    expect(dropped()).toBe(1);
    turn();
    link.add(record("next turn"));
    turn();
    expect(told.at(-1)).toEqual({
      records: [{ time: 1, level: "INFO", logger: "l", message: "next turn" }],
      dropped: 0,
    });
  });

  test("counts bytes as they are sent", () => {
    const { link, order, turn, dropped } = open();
    for (let index = 0; index < 20; index++) link.add(record("é".repeat(10_000)));
    turn();
    expect(order).toHaveLength(Math.floor(MAX_BYTES / 20_060));
    expect(order.length + dropped()).toBe(20);
  });

  test("hands nothing over while the pipe has no room, and forgets nothing that it has kept", () => {
    const { link, told, order, state, turn, turns, dropped } = open(0);
    for (let index = 0; index < 3 * MAX_RECORDS; index++) link.add(record(`${index}`));
    turn();
    turn();
    for (let index = 0; index < MAX_RECORDS; index++) link.add(record("later"));
    expect(told).toEqual([]);
    expect(turns).toHaveLength(1);
    state.room = Number.POSITIVE_INFINITY;
    turn();
    expect(order).toEqual(Array.from({ length: MAX_RECORDS }, (_, index) => `${index}`));
    expect(order.length + dropped()).toBe(3 * MAX_RECORDS);
    turn();
    expect(order.length + dropped()).toBe(4 * MAX_RECORDS);
    expect(turns).toHaveLength(0);
  });

  test.each([1, 5, 11, 12, 13, 100])("a frame that the pipe takes in pieces of %i bytes stays whole", (room) => {
    const { link, order, state, turn, reader } = open(room);
    link.add(record("a"));
    turn();
    link.add(record("b"));
    turn();
    state.room = 7;
    turn();
    link.write(answer);
    expect(reader.atBoundary).toBe(true);
    expect(order).toEqual(["a", "b", "answer"]);
    link.add(record("c"));
    link.handOver();
    while (!reader.atBoundary) turn();
    expect(order).toEqual(["a", "b", "answer", "c"]);
  });
});
