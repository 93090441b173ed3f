import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BadInputError } from "../../../src/core/errors.ts";
import { decodeUtf8, findUtf8Fault } from "../../../src/json/utf8-fault.ts";

/** One character of any kind; the ready-made unit "binary" costs a second to set up. */
const character = fc
  .oneof(fc.nat(0x2ff), fc.nat(0x10ffff))
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code));

function refusal(bytes: Uint8Array): string | null {
  try {
    decodeUtf8(bytes);
    return null;
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    return error.message;
  }
}

/** For each byte string Python's UnicodeDecodeError text, or null when it is UTF-8. */
function askPython(inputs: readonly Uint8Array[]): (string | null)[] {
  const program = `
import json, sys
def refusal(hex):
    try:
        bytes.fromhex(hex).decode("utf-8")
        return None
    except UnicodeDecodeError as error:
        return str(error)
print(json.dumps([refusal(hex) for hex in json.load(sys.stdin)]))
`;
  const input = JSON.stringify(inputs.map((bytes) => Buffer.from(bytes).toString("hex")));
  return JSON.parse(execFileSync("python3", ["-c", program], { input, maxBuffer: 2 ** 28 }).toString());
}

describe("decoding a body", () => {
  test("gives the text unchanged, a byte order mark included (IN-6)", () => {
    expect(decodeUtf8(Buffer.from("\ufeff{é日😀\u0000}"))).toBe("\ufeff{é日😀\u0000}");
    expect(decodeUtf8(new Uint8Array(0))).toBe("");
  });

  test("looks only at its own part of a larger buffer", () => {
    const large = Buffer.from([0xff, 0x61, 0x62, 0xff]);
    expect(decodeUtf8(large.subarray(1, 3))).toBe("ab");
  });

  test.each([
    [[0xff], "byte 0xff in position 0: invalid start byte"],
    [[0x61, 0x80], "byte 0x80 in position 1: invalid start byte"],
    [[0xc0, 0x80], "byte 0xc0 in position 0: invalid start byte"],
    [[0x61, 0x61, 0x61, 0xe2, 0x28], "byte 0xe2 in position 3: invalid continuation byte"],
    [[0x61, 0xf0, 0x9f, 0x98, 0x28], "bytes in position 1-3: invalid continuation byte"],
    [[0x61, 0xc3], "byte 0xc3 in position 1: unexpected end of data"],
    [[0x61, 0x61, 0xe2, 0x82], "bytes in position 2-3: unexpected end of data"],
    [[0xed, 0xa0, 0x80], "byte 0xed in position 0: invalid continuation byte"],
  ])("refuses %j: %s (IN-7, ERR-1)", (bytes, reason) => {
    const message = `Input cannot be decoded as UTF-8: 'utf-8' codec can't decode ${reason}`;
    expect(() => decodeUtf8(Uint8Array.from(bytes))).toThrow(new BadInputError("ERR_BAD_INPUT", message));
  });

  test("refuses what Python refuses, with Python's reason (IN-7)", () => {
    const telling = fc.constantFrom(
      ...[0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1],
      ...[0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff],
    );
    const short = fc.array(telling, { maxLength: 6 });
    const long = fc
      .tuple(fc.string({ unit: character, maxLength: 40 }), short)
      .map(([text, end]) => [...Buffer.from(text), ...end]);
    const any = fc.array(fc.nat(255), { maxLength: 8 });
    const arbitrary = fc.oneof(short, long, any).map((bytes) => Uint8Array.from(bytes));
    const inputs = fc.sample(arbitrary, { numRuns: 4000, seed: 7 });
    const reasons = askPython(inputs);
    expect(reasons.filter((reason) => reason === null).length).toBeGreaterThan(100);
    expect(inputs.map(refusal)).toEqual(
      reasons.map((reason) => (reason === null ? null : `Input cannot be decoded as UTF-8: ${reason}`)),
    );
  });
});

describe("finding a fault", () => {
  test("goes on where it is told to", () => {
    const bytes = Uint8Array.from([0xff, 0x61, 0xc3, 0xa9, 0xe2, 0x82]);
    expect(findUtf8Fault(bytes, 1)).toEqual({ start: 4, end: 6, reason: "unexpected end of data" });
    expect(findUtf8Fault(bytes, 6)).toBeUndefined();
  });
});
