import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { FrameReader, FrameWriter } from "../../../src/protocol/frame.ts";
import { Frame, parseJson, splitMeta } from "../../../src/protocol/messages.ts";

interface Golden {
  readonly name: string;
  readonly type: number;
  readonly id: number;
  /** Default: 0. */
  readonly beginBy?: number;
  readonly payloadHex: string;
  readonly frameHex: string;
  readonly decoded: {
    readonly json?: unknown;
    readonly meta?: unknown;
    readonly bodyHex?: string;
    readonly execMs?: number;
    readonly credit?: number;
  };
}

// The Python worker's tests read the same file, which is what keeps the two codecs one protocol.
const file = new URL("../../fixtures/frames/frames.json", import.meta.url);
const golden = JSON.parse(readFileSync(file, "utf8")) as Golden[];

describe("the golden frames", () => {
  test("cover every frame type of the protocol", () => {
    expect(new Set(golden.map(({ type }) => type))).toEqual(new Set(Object.values(Frame)));
  });

  test.each(golden)("$name is written byte for byte", ({ type, id, beginBy, payloadHex, frameHex }) => {
    const written: Uint8Array[] = [];
    const writer = new FrameWriter(
      (buffers) => written.push(...buffers),
      () => {},
    );
    writer.send(type, id, Buffer.from(payloadHex, "hex"), undefined, beginBy);
    writer.flush();
    expect(Buffer.concat(written).toString("hex")).toBe(frameHex);
  });

  test.each(golden)("$name is read back", ({ type, id, beginBy = 0, payloadHex, frameHex, decoded }) => {
    const seen: unknown[] = [];
    let payload: Buffer = Buffer.alloc(0);
    const reader = new FrameReader((...frame) => {
      seen.push([frame[0], frame[1], frame[3]]);
      payload = frame[2];
    });
    reader.feed(Buffer.from(frameHex, "hex"));
    expect(seen).toEqual([[type, id, beginBy]]);
    expect(payload.toString("hex")).toBe(payloadHex);
    if (decoded.json !== undefined) expect(parseJson(payload)).toEqual(decoded.json);
    if (decoded.credit !== undefined) expect(payload.readUInt32LE(0)).toBe(decoded.credit);
    if (decoded.execMs !== undefined) expect(payload.readDoubleLE(0)).toBe(decoded.execMs);
    if (decoded.meta !== undefined) {
      const { meta, body } = splitMeta(payload);
      expect(meta).toEqual(decoded.meta);
      expect(body.toString("hex")).toBe(decoded.bodyHex);
    }
  });
});
