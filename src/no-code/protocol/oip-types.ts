// What the Open Inference Protocol's datatypes are in memory and on the wire.
import { BadInputError } from "../../core/errors.ts";
import type { Datatype, TensorData } from "../types.ts";

export { shown } from "../shown.ts";

/** Data of all types but BYTES. */
export type NumericData = Exclude<TensorData, readonly string[]>;

interface NumericType {
  /** Bytes of an element, in memory and on the wire. */
  readonly bytes: number;
  readonly make: (elements: number) => NumericData;
  /** The elements that lie in so many bytes, which must begin at a multiple of the element's size. */
  readonly view: (buffer: ArrayBufferLike, byteOffset: number, elements: number) => NumericData;
}

interface NumericArray {
  readonly BYTES_PER_ELEMENT: number;
  new (elements: number): NumericData;
  new (buffer: ArrayBufferLike, byteOffset: number, elements: number): NumericData;
}

function numeric(Type: NumericArray): NumericType {
  return {
    bytes: Type.BYTES_PER_ELEMENT,
    make: (elements) => new Type(elements),
    view: (buffer, byteOffset, elements) => new Type(buffer, byteOffset, elements),
  };
}

/** All but BYTES. */
const NUMERIC: Readonly<Partial<Record<string, NumericType>>> = Object.assign(Object.create(null), {
  BOOL: numeric(Uint8Array),
  UINT8: numeric(Uint8Array),
  UINT16: numeric(Uint16Array),
  UINT32: numeric(Uint32Array),
  UINT64: numeric(BigUint64Array),
  INT8: numeric(Int8Array),
  INT16: numeric(Int16Array),
  INT32: numeric(Int32Array),
  INT64: numeric(BigInt64Array),
  FP16: numeric(Uint16Array),
  FP32: numeric(Float32Array),
  FP64: numeric(Float64Array),
} satisfies Record<Exclude<Datatype, "BYTES">, NumericType>);

export function numericType(datatype: Exclude<Datatype, "BYTES">): NumericType {
  return NUMERIC[datatype]!;
}

export function isDatatype(text: unknown): text is Datatype {
  return typeof text === "string" && (text === "BYTES" || NUMERIC[text] !== undefined);
}

/** Smallest and largest value of the integers that a number can hold. */
export const INTEGER_RANGES: Readonly<Partial<Record<Datatype, readonly [min: number, max: number]>>> = {
  UINT8: [0, 0xff],
  UINT16: [0, 0xffff],
  UINT32: [0, 0xffff_ffff],
  INT8: [-0x80, 0x7f],
  INT16: [-0x8000, 0x7fff],
  INT32: [-0x8000_0000, 0x7fff_ffff],
};

export function badInput(message: string, cause?: unknown): BadInputError {
  return new BadInputError("ERR_BAD_INPUT", message, { cause });
}
