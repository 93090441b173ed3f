import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameError } from "../../../src/core/errors.ts";
import { FrameReader, FrameWriter, frameHead } from "../../../src/protocol/frame.ts";

type Seen = { type: number; id: number; beginBy: number; payload: string };

function collect(): { seen: Seen[]; reader: FrameReader } {
  const seen: Seen[] = [];
  const reader = new FrameReader((type, id, payload, beginBy) =>
    seen.push({ type, id, beginBy, payload: payload.toString("hex") }),
  );
  return { seen, reader };
}

const frames = fc.array(
  fc.record({
    type: fc.integer({ min: 1, max: 255 }),
    id: fc.integer({ min: 0, max: 0xffff_ffff }),
    beginBy: fc.integer({ min: 0, max: 0xff_ffff }),
    payload: fc.uint8Array({ maxLength: 40_000 }),
  }),
  { maxLength: 12 },
);

function encode(list: readonly { type: number; id: number; beginBy?: number; payload: Uint8Array }[]): Buffer {
  const written: Uint8Array[] = [];
  const writer = new FrameWriter(
    (buffers) => written.push(...buffers),
    () => {},
  );
  for (const { type, id, payload, beginBy } of list) writer.send(type, id, payload, undefined, beginBy);
  writer.flush();
  return Buffer.concat(written);
}

describe("frames", () => {
  test("come out as they went in, wherever the bytes are cut", () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(50_000), { maxLength: 30 }), (list, cuts) => {
        const bytes = encode(list);
        const { seen, reader } = collect();
        let start = 0;
        for (const cut of cuts) {
          reader.feed(bytes.subarray(start, start + cut));
          start += cut;
        }
        reader.feed(bytes.subarray(Math.min(start, bytes.length)));
        expect(seen).toEqual(list.map((frame) => ({ ...frame, payload: Buffer.from(frame.payload).toString("hex") })));
        expect(reader.atBoundary).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test("come out when every byte arrives alone", () => {
    const bytes = encode([
      { type: 2, id: 7, payload: Buffer.from("abc") },
      { type: 6, id: 0, payload: Buffer.alloc(0) },
    ]);
    const { seen, reader } = collect();
    for (const byte of bytes) reader.feed(Buffer.of(byte));
    expect(seen).toEqual([
      { type: 2, id: 7, beginBy: 0, payload: "616263" },
      { type: 6, id: 0, beginBy: 0, payload: "" },
    ]);
  });

  test("of one turn leave in one write, in order", () => {
    const writes: number[] = [];
    let flush: (() => void) | undefined;
    const writer = new FrameWriter(
      (buffers) => writes.push(Buffer.concat(buffers).length),
      (later) => {
        flush = later;
      },
    );
    for (let id = 1; id <= 10; id++) writer.send(2, id, Buffer.from("x"));
    expect(writes).toEqual([]);
    flush?.();
    expect(writes).toEqual([10 * 13]);
  });

  test("with a long payload hand the payload over uncopied", () => {
    const body = Buffer.alloc(100_000);
    let handed: readonly Uint8Array[] = [];
    const writer = new FrameWriter(
      (buffers) => {
        handed = buffers;
      },
      () => {},
    );
    writer.send(2, 1, body);
    writer.flush();
    expect(handed[1]).toBe(body);
  });

  test("with a length past the limit are refused before memory is taken for them", () => {
    const { reader } = collect();
    expect(() => reader.feed(frameHead(2, 1, 0xffff_ffff))).toThrow(FrameError);
  });
});
