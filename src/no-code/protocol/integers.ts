// Integers of JSON as elements of tensors.
import type { Datatype, TensorData } from "../types.ts";
import { INTEGER_RANGES } from "./oip-types.ts";

/** Puts a list's values into a tensor, from `at` on. @returns the index of the first that does not fit; -1: all do */
export type Fill = (row: readonly unknown[], at: number) => number;

/** Smallest and largest value of the integers that take a bigint. */
export const LONG_RANGES: Readonly<Record<"INT64" | "UINT64", readonly [min: bigint, max: bigint]>> = {
  INT64: [-(2n ** 63n), 2n ** 63n - 1n],
  UINT64: [0n, 2n ** 64n - 1n],
};

/** 1.0 is an integer, for JSON does not tell it from 1; 1.5 is none.
 *  @param takesLarge true: numbers beyond 2^53 are integers, too, 1e18 for example, where large integers come as bigints */
export function integerFill(datatype: Datatype, data: TensorData, takesLarge: boolean): Fill {
  if (datatype === "INT64" || datatype === "UINT64") {
    const [min, max] = LONG_RANGES[datatype];
    return (row, at) => fillLong(data as BigInt64Array | BigUint64Array, row, at, [min, max], takesLarge);
  }
  const [min, max] = INTEGER_RANGES[datatype]!;
  return (row, at) => fillNumbers(data as Int32Array, row, at, min, max);
}

function fillNumbers(data: Int32Array, row: readonly unknown[], at: number, min: number, max: number): number {
  for (let index = 0; index < row.length; index++) {
    const value = row[index];
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) return index;
    data[at + index] = value;
  }
  return -1;
}

const WORD = 2 ** 32;

/** Writes the two halves of what is no bigint, which saves making one for each. */
function fillLong(
  data: BigInt64Array | BigUint64Array,
  row: readonly unknown[],
  at: number,
  [min, max]: readonly [min: bigint, max: bigint],
  takesLarge: boolean,
): number {
  const words = new Int32Array(data.buffer);
  const minSafe = min === 0n ? 0 : Number.MIN_SAFE_INTEGER;
  for (let index = 0; index < row.length; index++) {
    const value = row[index];
    if (typeof value === "number" && Number.isSafeInteger(value)) {
      if (value < minSafe) return index;
      words[2 * (at + index)] = value | 0;
      words[2 * (at + index) + 1] = Math.floor(value / WORD);
      continue;
    }
    const long = takesLarge && Number.isInteger(value) ? BigInt(value as number) : value;
    if (typeof long !== "bigint" || long < min || long > max) return index;
    data[at + index] = long;
  }
  return -1;
}
