// Protocol buffers on the wire, as far as a message is taken apart and put together again: nothing is known of its schema.

/** One field of a message, as a place in the bytes. */
export interface Field {
  readonly number: number;
  readonly wireType: number;
  /** Of the whole field with its tag. */
  readonly from: number;
  /** Of the value: for `LENGTH` without the length. */
  readonly start: number;
  readonly end: number;
}

export const VARINT = 0;
export const LENGTH = 2;
const FIXED64 = 1;
const FIXED32 = 5;
const FIXED_BYTES: Readonly<Record<number, number>> = { [FIXED64]: 8, [FIXED32]: 4 };

const PAYLOAD_BITS = 7;
const PAYLOAD_MASK = 0x7f;
const MORE = 0x80;
const WIRE_TYPE_BITS = 3;
const WIRE_TYPE_MASK = 0b111;
/** Bytes of the longest number: 64 bits, 7 in each. */
const MAX_VARINT_BYTES = 10;
const BITS = 64;

/** The bytes are no message. */
export class WireError extends Error {}

/** @param part a message among the bytes; default: all   @throws WireError from the iteration */
export function* fieldsOf(bytes: Uint8Array, part: Pick<Field, "start" | "end"> = all(bytes)): Generator<Field> {
  let at = part.start;
  while (at < part.end) {
    const from = at;
    const tag = readVarint(bytes, at, part.end);
    const wireType = Number(tag.value) & WIRE_TYPE_MASK;
    const number = Number(tag.value >> BigInt(WIRE_TYPE_BITS));
    let start = tag.end;
    let end: number;
    if (wireType === VARINT) end = readVarint(bytes, start, part.end).end;
    else if (wireType === LENGTH) {
      const length = readVarint(bytes, start, part.end);
      start = length.end;
      end = start + Number(length.value);
    } else {
      const fixed = FIXED_BYTES[wireType];
      if (fixed === undefined) throw new WireError(`wire type ${wireType} at byte ${from}`);
      end = start + fixed;
    }
    if (end > part.end) throw new WireError(`a field at byte ${from} ends behind its message`);
    yield { number, wireType, from, start, end };
    at = end;
  }
}

/** The number behind a `VARINT` field, as int64. */
export function intOf(bytes: Uint8Array, { start, end }: Pick<Field, "start" | "end">): bigint {
  return BigInt.asIntN(BITS, readVarint(bytes, start, end).value);
}

/** Numbers of a repeated int64, each by itself or packed. */
export function intsOf(bytes: Uint8Array, field: Field): bigint[] {
  if (field.wireType === VARINT) return [intOf(bytes, field)];
  const values: bigint[] = [];
  for (let at = field.start; at < field.end; ) {
    const { value, end } = readVarint(bytes, at, field.end);
    values.push(BigInt.asIntN(BITS, value));
    at = end;
  }
  return values;
}

export function textOf(bytes: Uint8Array, { start, end }: Pick<Field, "start" | "end">): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
}

/** A field that holds bytes, a text or another message. */
export function lengthField(number: number, value: Uint8Array | string | readonly Uint8Array[]): Uint8Array[] {
  const parts = Array.isArray(value) ? value : [typeof value === "string" ? Buffer.from(value) : (value as Uint8Array)];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return [varint((number << WIRE_TYPE_BITS) | LENGTH), varint(length), ...parts];
}

export function varintField(number: number, value: number): Uint8Array[] {
  return [varint((number << WIRE_TYPE_BITS) | VARINT), varint(value)];
}

/** @param value a safe integer from 0 on */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  // No shifts: a length may have more than 31 bits.
  for (; rest >= MORE; rest = Math.floor(rest / MORE)) bytes.push((rest % MORE) + MORE);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function readVarint(bytes: Uint8Array, start: number, end: number): { readonly value: bigint; readonly end: number } {
  let value = 0n;
  for (let at = start; at < Math.min(end, start + MAX_VARINT_BYTES); at++) {
    const byte = bytes[at]!;
    value |= BigInt(byte & PAYLOAD_MASK) << BigInt((at - start) * PAYLOAD_BITS);
    if (byte < MORE) return { value: BigInt.asUintN(BITS, value), end: at + 1 };
  }
  throw new WireError(`a number at byte ${start} does not end`);
}

function all(bytes: Uint8Array): Pick<Field, "start" | "end"> {
  return { start: 0, end: bytes.length };
}
