import { expect, test } from "vitest";
import { fromHalf, toHalf } from "../../../../src/no-code/protocol/half.ts";

test("every half is itself", () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = fromHalf(bits);
    const expected = Number.isNaN(value) ? 0x7e00 : bits;
    // An assertion for each takes seconds.
    if (toHalf(value) !== expected) expect([bits, toHalf(value)]).toEqual([bits, expected]);
  }
});

test("between two halves the nearer is taken, and the even one of two as near", () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    const [low, high] = [fromHalf(bits), fromHalf(bits + 1)];
    const middle = (low + high) / 2;
    const found = [
      toHalf(middle),
      toHalf(middle - (high - low) / 1e6),
      toHalf(middle + (high - low) / 1e6),
      toHalf(-middle),
    ];
    const even = bits % 2 === 0 ? bits : bits + 1;
    if (found.join() !== [even, bits, bits + 1, even | 0x8000].join())
      expect(found).toEqual([even, bits, bits + 1, even | 0x8000]);
  }
});

// As numpy.float16 has them.
test.each([
  [0, 0],
  [-0, 0x8000],
  [1, 0x3c00],
  [0.1, 0x2e66],
  [65504, 0x7bff],
  [65519.99, 0x7bff],
  [65520, 0x7c00],
  [-1e9, 0xfc00],
  [Number.POSITIVE_INFINITY, 0x7c00],
  [2 ** -24, 1],
  [2 ** -25, 0],
  [2 ** -25 * 1.0000001, 1],
  [5e-324, 0],
  // A float32 in between would round it to a tie, and that up.
  [1.000488281250001, 0x3c01],
  [1.00048828125, 0x3c00],
])("%d is %d", (value, bits) => {
  expect(toHalf(value)).toBe(bits);
});
