// The `data` of an input as JSON has it, to the elements of a tensor.
import type { Datatype, TensorData } from "../types.ts";
import { countElements, eachRow, isNested, kindOf } from "./oip-shape.ts";
import { badInput, INTEGER_RANGES, numericType, shown } from "./oip-types.ts";

/** Thrown when a number has more digits than JavaScript's own JSON reader keeps, and the type would hold them. */
export const NOT_EXACT: unique symbol = Symbol("not exact");

/** @param exact the values come from the reader that gives large integers as bigints
 *  @throws BadInputError that names the input; NOT_EXACT */
export function readData(
  value: unknown,
  datatype: Datatype,
  shape: readonly number[],
  input: string,
  exact: boolean,
): TensorData {
  if (datatype === "FP16") {
    throw badInput(
      `receiving FP16 data via JSON is not supported. Please use the binary data format for input ${clipped(input)}`,
    );
  }
  if (!Array.isArray(value)) {
    throw badInput(`Unable to parse 'data' of input ${shown(input)}: expected a list, got ${kindOf(value)}`);
  }
  // Before anything is allocated: it finds as many values as the shape says.
  const nested = isNested(value, shape, input);
  if (datatype === "BYTES") return readTexts(value, nested, shape, input);
  const data = numericType(datatype).make(nested ? countElements(shape) : value.length);
  const fill = fillerOf(datatype, data);
  const take = (row: readonly unknown[], at: number): void => {
    const wrong = fill(row, at);
    if (wrong !== -1) refuse(row[wrong], at + wrong, datatype, input, exact);
  };
  if (nested) eachRow(value, shape.length, take);
  else take(value, 0);
  return data;
}

function readTexts(
  value: readonly unknown[],
  nested: boolean,
  shape: readonly number[],
  input: string,
): readonly string[] {
  const texts = nested ? value.flat(shape.length - 1) : value;
  const wrong = texts.findIndex((text) => typeof text !== "string");
  if (wrong !== -1) refuse(texts[wrong], wrong, "BYTES", input, true);
  return texts as readonly string[];
}

/** Puts a list's values into a tensor, from `at` on. @returns the index of the first that does not fit; -1: all do */
type Fill = (row: readonly unknown[], at: number) => number;

function fillerOf(datatype: Datatype, data: TensorData): Fill {
  switch (datatype) {
    case "FP32":
    case "FP64":
      return (row, at) => fillFloats(data as Float32Array, row, at);
    case "BOOL":
      return (row, at) => fillBooleans(data as Uint8Array, row, at);
    case "INT64":
      return (row, at) => fillLong(data as BigInt64Array, row, at, Number.MIN_SAFE_INTEGER, MIN_INT64, MAX_INT64);
    case "UINT64":
      return (row, at) => fillLong(data as BigUint64Array, row, at, 0, 0n, MAX_UINT64);
    default: {
      const [min, max] = INTEGER_RANGES[datatype]!;
      return (row, at) => fillIntegers(data as Int32Array, row, at, min, max);
    }
  }
}

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

function fillFloats(data: Float32Array | Float64Array, row: readonly unknown[], at: number): number {
  for (let index = 0; index < row.length; index++) {
    const value = row[index];
    if (typeof value === "number") data[at + index] = value;
    else if (typeof value === "bigint") data[at + index] = Number(value);
    else return index;
  }
  return -1;
}

function fillIntegers(data: Int32Array, row: readonly unknown[], at: number, min: number, max: number): number {
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
  minSafe: number,
  min: bigint,
  max: bigint,
): number {
  const words = new Int32Array(data.buffer);
  for (let index = 0; index < row.length; index++) {
    const value = row[index];
    if (typeof value === "number") {
      if (!Number.isSafeInteger(value) || value < minSafe) return index;
      words[2 * (at + index)] = value | 0;
      words[2 * (at + index) + 1] = Math.floor(value / WORD);
    } else if (typeof value === "bigint" && value >= min && value <= max) data[at + index] = value;
    else return index;
  }
  return -1;
}

function fillBooleans(data: Uint8Array, row: readonly unknown[], at: number): number {
  for (let index = 0; index < row.length; index++) {
    const value = row[index];
    if (typeof value !== "boolean") return index;
    data[at + index] = value ? 1 : 0;
  }
  return -1;
}

const TAKES: Readonly<Partial<Record<Datatype, string>>> = {
  FP32: "numbers",
  FP64: "numbers",
  BOOL: "true and false",
  BYTES: "strings",
};

function refuse(value: unknown, index: number, datatype: Datatype, input: string, exact: boolean): never {
  const isInteger = typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));
  const isLong = datatype === "INT64" || datatype === "UINT64";
  if (isLong && !exact && isInteger && !Number.isSafeInteger(value)) throw NOT_EXACT;
  const takes = TAKES[datatype] ?? "integers";
  const reason =
    isInteger && takes === "integers"
      ? `the value at index ${index} is out of range for ${datatype}`
      : `${datatype} takes ${takes}, got ${describe(value)} at index ${index}`;
  throw badInput(`Unable to parse 'data' of input ${shown(input)}: ${reason}`);
}

function describe(value: unknown): string {
  return typeof value === "number" && !Number.isInteger(value) ? "a number with a fraction" : kindOf(value);
}

function clipped(name: string): string {
  return shown(name).slice(1, -1);
}
