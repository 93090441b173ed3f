// Ids of traces and spans, in half the time of the SDK's own. They need not be hard to guess.
import { hexBits } from "../core/request-id.ts";

/** 32 hexadecimal digits, not all of them 0. */
export function newTraceId(): string {
  return newSpanId() + newSpanId();
}

/** 16 hexadecimal digits, not all of them 0. */
export function newSpanId(): string {
  const id = hexBits() + hexBits();
  return id === NONE ? newSpanId() : id;
}

const NONE = "0".repeat(16);
