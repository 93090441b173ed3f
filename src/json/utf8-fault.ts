import { BadInputError } from "../core/errors.ts";
import { decoder } from "./utf8.ts";

/** Where bytes stop being UTF-8, in the terms of Python's `UnicodeDecodeError`. */
export interface Utf8Fault {
  /** Offset of the first offending byte, from 0. */
  readonly start: number;
  /** Offset behind the last offending byte. */
  readonly end: number;
  readonly reason: "invalid start byte" | "invalid continuation byte" | "unexpected end of data";
}

/** A request body as text; a byte order mark stays as U+FEFF (contract IN-6).
 *  @throws BadInputError `ERR_BAD_INPUT` with Python's reason (contract IN-7) */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const fault = findUtf8Fault(bytes, 0);
    if (fault === undefined) throw cause;
    throw new BadInputError("ERR_BAD_INPUT", `Input cannot be decoded as UTF-8: ${describe(fault, bytes)}`);
  }
}

/** The first fault at or after `from`, which must be the start of a character; undefined when there is none. */
export function findUtf8Fault(bytes: Uint8Array, from: number): Utf8Fault | undefined {
  let position = from;
  while (position < bytes.length) {
    const lead = bytes[position]!;
    if (lead < 0x80) {
      position++;
      continue;
    }
    const length = sequenceLength(lead);
    if (length === 0) return { start: position, end: position + 1, reason: "invalid start byte" };
    for (let offset = 1; offset < length; offset++) {
      const end = position + offset;
      const byte = bytes[end];
      if (byte === undefined) return { start: position, end, reason: "unexpected end of data" };
      const isValid = offset === 1 ? isSecondByte(lead, byte) : (byte & 0xc0) === 0x80;
      if (!isValid) return { start: position, end, reason: "invalid continuation byte" };
    }
    position += length;
  }
  return undefined;
}

/** 0 for bytes no sequence begins with. */
function sequenceLength(lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

/** Overlong forms, surrogates and code points beyond U+10FFFF show in the second byte (Unicode, table 3-7). */
function isSecondByte(lead: number, byte: number): boolean {
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  return byte >= lowest && byte <= highest;
}

function describe({ start, end, reason }: Utf8Fault, bytes: Uint8Array): string {
  const where =
    end === start + 1
      ? `byte 0x${bytes[start]!.toString(16).padStart(2, "0")} in position ${start}`
      : `bytes in position ${start}-${end - 1}`;
  return `'utf-8' codec can't decode ${where}: ${reason}`;
}
