// The `data` of an input as JSON has it, to the elements of a tensor.
import type { Datatype, TensorData } from "../types.ts";
import { type Fill, integerFill } from "./integers.ts";
import { countElements, eachRow, isNested, kindOf } from "./oip-shape.ts";
import { badInput, numericType, shown } from "./oip-types.ts";

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

function fillerOf(datatype: Datatype, data: TensorData): Fill {
  switch (datatype) {
    case "FP32":
    case "FP64":
      return (row, at) => fillFloats(data as Float32Array, row, at);
    case "BOOL":
      return (row, at) => fillBooleans(data as Uint8Array, row, at);
    default:
      return integerFill(datatype, data, false);
  }
}

function fillFloats(data: Float32Array | Float64Array, row: readonly unknown[], at: number): number {
  for (let index = 0; index < row.length; index++) {
    const value = row[index];
    if (typeof value === "number") data[at + index] = value;
    else if (typeof value === "bigint") data[at + index] = Number(value);
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
