import { isUtf8 } from "node:buffer";

/** Longest value of a property that Application Insights keeps, in bytes. */
const MAX_VALUE_BYTES = 8_192;

/** The first 8,192 bytes, cut between two characters, and nothing that keeps the rest in memory.
 *  @returns undefined: these bytes are no text */
export function shortText(body: string | Uint8Array): string | undefined {
  if (typeof body === "string") {
    // A character takes up to three bytes for each unit of a string.
    if (body.length * 3 <= MAX_VALUE_BYTES) return body;
    return cut(Buffer.from(body.slice(0, MAX_VALUE_BYTES)));
  }
  return isUtf8(body) ? cut(body) : undefined;
}

function cut(bytes: Uint8Array): string {
  let end = Math.min(bytes.length, MAX_VALUE_BYTES);
  while (end < bytes.length && isContinuation(bytes[end]!)) end--;
  return Buffer.from(bytes.buffer, bytes.byteOffset, end).toString("utf8");
}

/** A byte of a character that has begun before. */
function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

const MS_PER_SECOND = 1_000;
const MS_PER_MINUTE = 60_000;
const MS_PER_HOUR = 3_600_000;
const MS_PER_DAY = 86_400_000;

/** `HH:MM:SS.mmm`, with days in front where there are any (contract TEL-5). */
export function durationText(milliseconds: number): string {
  const ms = Math.floor(milliseconds);
  const part = (unit: number, whole: number, digits = 2): string =>
    String(Math.floor((ms % whole) / unit)).padStart(digits, "0");
  const days = ms >= MS_PER_DAY ? `${Math.floor(ms / MS_PER_DAY)}.` : "";
  const time = [part(MS_PER_HOUR, MS_PER_DAY), part(MS_PER_MINUTE, MS_PER_HOUR), part(MS_PER_SECOND, MS_PER_MINUTE)];
  return `${days}${time.join(":")}.${part(1, MS_PER_SECOND, 3)}`;
}

const NANOSECONDS_PER_MICROSECOND = 1_000;
const NANOSECONDS_PER_MS = 1_000_000;
const NANOSECONDS_PER_SECOND = 1_000_000_000;

type Time = readonly [seconds: number, nanoseconds: number];

/** UTC with microseconds (contract TEL-4). */
export function timeText([seconds, nanoseconds]: Time): string {
  const micros = String(Math.floor(nanoseconds / NANOSECONDS_PER_MICROSECOND)).padStart(6, "0");
  return `${secondText(seconds)}.${micros}Z`;
}

/** As the exporter writes when an item came about: UTC with milliseconds. */
export function isoTime([seconds, nanoseconds]: Time): string {
  const ms = Math.trunc((seconds * NANOSECONDS_PER_SECOND + nanoseconds) / NANOSECONDS_PER_MS);
  const second = Math.floor(ms / MS_PER_SECOND);
  return `${secondText(second)}.${String(ms - second * MS_PER_SECOND).padStart(3, "0")}Z`;
}

/** As the exporter writes how long something took.   @returns undefined: it took a minute or more */
export function shortTimeSpan([seconds, nanoseconds]: Time): string | undefined {
  const ms = seconds * MS_PER_SECOND + nanoseconds / NANOSECONDS_PER_MS;
  if (!(ms >= 0 && ms < MS_PER_MINUTE)) return undefined;
  const text = (ms / MS_PER_SECOND).toFixed(7).replace(/0{0,4}$/, "");
  return `00:00:${text.indexOf(".") < 2 ? "0" : ""}${text}`;
}

const lastSecond = { second: Number.NaN, text: "" };

/** `2026-11-26T09:59:36`; kept, for many come one after another. */
function secondText(second: number): string {
  if (second !== lastSecond.second) {
    lastSecond.text = new Date(second * MS_PER_SECOND).toISOString().slice(0, -5);
    lastSecond.second = second;
  }
  return lastSecond.text;
}
