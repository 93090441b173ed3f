// Elements of JSON as elements of tensors.
import type { Datatype, TensorData } from "../types.ts";
import { toHalf } from "./half.ts";
import { integerFill, LONG_RANGES } from "./integers.ts";
import { INTEGER_RANGES, numericType } from "./oip-types.ts";

/** How the elements of one datatype are made. */
interface Elements {
  /** For messages. */
  readonly expected: string;
  create(count: number): TensorData;
  /** Writes a list of values from `at` on. @returns index of the first that is none; -1: all are written */
  fill(values: readonly unknown[], data: TensorData, at: number): number;
}

/** A bigint is an integer that was too long for a number. Null is a missing number. */
const FLOATS = {
  fill(values: readonly unknown[], data: TensorData, at: number): number {
    const numbers = data as Float64Array;
    for (let index = 0; index < values.length; index++) {
      const value = values[index];
      if (typeof value === "number") numbers[at + index] = value;
      else if (value === null) numbers[at + index] = Number.NaN;
      else if (typeof value === "bigint") numbers[at + index] = Number(value);
      else return index;
    }
    return -1;
  },
};

const HALVES: Elements = {
  expected: "a number (FP16)",
  create: (count) => new Uint16Array(count),
  fill(values, data, at) {
    const bits = data as Uint16Array;
    for (let index = 0; index < values.length; index++) {
      const value = values[index];
      if (typeof value === "number") bits[at + index] = toHalf(value);
      else if (value === null) bits[at + index] = toHalf(Number.NaN);
      else if (typeof value === "bigint") bits[at + index] = toHalf(Number(value));
      else return index;
    }
    return -1;
  },
};

function integers(datatype: Exclude<Datatype, "BYTES">): Elements {
  const [min, max] = datatype === "INT64" || datatype === "UINT64" ? LONG_RANGES[datatype] : INTEGER_RANGES[datatype]!;
  return {
    expected: `an integer from ${min} to ${max} (${datatype})`,
    create: numericType(datatype).make,
    fill: (values, data, at) => integerFill(datatype, data, true)(values, at),
  };
}

/** 0 and 1 are what the engine itself makes of them. */
const BOOLEANS: Elements = {
  expected: "true or false (BOOL)",
  create: (count) => new Uint8Array(count),
  fill(values, data, at) {
    const bytes = data as Uint8Array;
    for (let index = 0; index < values.length; index++) {
      const value = values[index];
      if (value === true || value === 1) bytes[at + index] = 1;
      else if (value !== false && value !== 0) return index;
    }
    return -1;
  },
};

const TEXTS: Elements = {
  expected: "a string (BYTES)",
  create: () => [],
  fill(values, data) {
    const texts = data as string[];
    for (let index = 0; index < values.length; index++) {
      const value = values[index];
      if (typeof value !== "string") return index;
      texts.push(value);
    }
    return -1;
  },
};

export const ELEMENTS: Readonly<Record<Datatype, Elements>> = {
  BOOL: BOOLEANS,
  UINT8: integers("UINT8"),
  UINT16: integers("UINT16"),
  UINT32: integers("UINT32"),
  UINT64: integers("UINT64"),
  INT8: integers("INT8"),
  INT16: integers("INT16"),
  INT32: integers("INT32"),
  INT64: integers("INT64"),
  FP16: HALVES,
  FP32: { ...FLOATS, expected: "a number (FP32)", create: (count) => new Float32Array(count) },
  FP64: { ...FLOATS, expected: "a number (FP64)", create: (count) => new Float64Array(count) },
  BYTES: TEXTS,
};
