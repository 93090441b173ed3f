import type { LogFields, LogFormat } from "../core/log.ts";
import { formatRecord, utcTimestamp } from "./format.ts";
import type { LogLevel } from "./levels.ts";
import type { RecordFormat } from "./style.ts";

export function recordFormat(format: LogFormat): RecordFormat {
  return format === "json" ? formatJsonRecord : formatRecord;
}

/** Longest line in bytes, the newline included: the most that a pipe keeps together (PIPE_BUF of Linux), for the server and
 *  its workers write to the same one. A longer record comes as several. */
export const MAX_LINE_BYTES = 4_096;

/** Room for `,"part":` and `,"parts":` with numbers of up to seven digits each. */
const PART_BYTES = 32;

/** Most bytes that fields may take, so that there is room for the message. */
const MAX_FIELDS_BYTES = 2_048;

/** Characters (UTF-16) of which no line is too long, with at most 3 bytes each. */
const SURELY_SHORT = Math.floor(MAX_LINE_BYTES / 3) - 1;

/** One log record as a JSON object; a long one as several objects of a line each, which have `part` and `parts`. */
export function formatJsonRecord(
  timeMs: number,
  level: LogLevel,
  pid: number,
  logger: string,
  message: string,
  fields?: LogFields,
): string {
  const text = message.endsWith("\n") ? message.slice(0, -1) : message;
  const head = `{"time":"${rfc3339(timeMs)}","level":"${level}","logger":"${logger}","message":`;
  const tail = fields === undefined ? `,"pid":${pid}` : `,"pid":${pid}${shortMembers(fields)}`;
  if (text.length < MAX_LINE_BYTES) {
    const line = `${head}${jsonText(text)}${tail}}`;
    if (line.length <= SURELY_SHORT || Buffer.byteLength(line) < MAX_LINE_BYTES) return line;
  }
  const room = MAX_LINE_BYTES - Buffer.byteLength(head) - Buffer.byteLength(tail) - PART_BYTES;
  const pieces = cut(text, room);
  return pieces
    .map((piece, index) => `${head}${piece}${tail},"part":${index + 1},"parts":${pieces.length}}`)
    .join("\n");
}

const lastTime = { ms: Number.NaN, text: "" };

/** `2026-11-20T19:33:01.081Z`; kept, because a busy server asks for the same instant many times over. */
function rfc3339(timeMs: number): string {
  const wholeMs = Math.floor(timeMs);
  if (wholeMs !== lastTime.ms) {
    const text = utcTimestamp(timeMs);
    lastTime.text = `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20)}Z`;
    lastTime.ms = wholeMs;
  }
  return lastTime.text;
}

/** Members of a JSON object, each behind a comma; those without a value are left out. */
export function jsonMembers(fields: LogFields): string {
  let text = "";
  for (const name in fields) {
    const value = fields[name];
    if (value === undefined || value === null) continue;
    if (typeof value === "string") text += `,"${name}":${jsonText(value)}`;
    else if (typeof value === "number") text += `,"${name}":${Number.isFinite(value) ? value : null}`;
    else text += `,"${name}":${safe(JSON.stringify(value))}`;
  }
  return text;
}

function shortMembers(fields: LogFields): string {
  const text = jsonMembers(fields);
  if (text.length <= MAX_FIELDS_BYTES / 3 || Buffer.byteLength(text) <= MAX_FIELDS_BYTES) return text;
  return jsonMembers(Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, shortened(value)])));
}

/** Longest text in a field of a record whose fields are too long, in characters. */
const SHORT_FIELD = 20;

function shortened(value: unknown): unknown {
  if (typeof value === "string") return value.length <= SHORT_FIELD ? value : `${value.slice(0, SHORT_FIELD)}…`;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shortened(inner)]));
}

/** The message in JSON texts of at most `room` bytes. */
function cut(message: string, room: number): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < message.length; ) {
    let end = pieceEnd(message, start, start + room);
    let text = jsonText(message.slice(start, end));
    for (let bytes = Buffer.byteLength(text); bytes > room; bytes = Buffer.byteLength(text)) {
      end = pieceEnd(message, start, start + Math.floor(((end - start) * room) / bytes));
      text = jsonText(message.slice(start, end));
    }
    pieces.push(text);
    start = end;
  }
  return pieces;
}

/** Not between the two halves of a character. */
function pieceEnd(message: string, start: number, wanted: number): number {
  if (wanted >= message.length) return message.length;
  const isSplit = (message.codePointAt(wanted - 1) ?? 0) > 0xffff;
  return Math.max(isSplit ? wanted - 1 : wanted, start + 1);
}

// A terminal obeys U+007F to U+009F, some readers end a line at U+0085, U+2028 and U+2029, and half of a pair is no character.
const UNSAFE = /[\u007f-\u009f\u2028\u2029\ud800-\udfff]/;
const UNSAFE_ALL = /[\u007f-\u009f\u2028\u2029]/g;
const HALF_PAIR = /\\ud[89a-f][0-9a-f]{2}|\\\\/g;

/** What stands in a JSON text as it is: nearly all that is written. */
const PLAIN = /^[ !#-[\]-~]*$/;

function jsonText(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : safe(JSON.stringify(text));
}

/** @param json as `JSON.stringify` gives it: half of a pair stands there as an escape */
function safe(json: string): string {
  const text = UNSAFE.test(json)
    ? json.replace(UNSAFE_ALL, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`)
    : json;
  return text.includes("\\ud") ? text.replace(HALF_PAIR, (found) => (found === "\\\\" ? found : "\ufffd")) : text;
}
