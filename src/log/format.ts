import type { ScoreResponse } from "../core/types.ts";
import type { LogLevel } from "./levels.ts";

/** One log record in the server's line format, without the newline (contract LOG-1).
 *  @param timeMs milliseconds since the epoch, as of `Date.now()` */
export function formatRecord(timeMs: number, level: LogLevel, pid: number, logger: string, message: string): string {
  return `${utcTimestamp(timeMs)} ${level[0]} [${pid}] ${logger} - ${message}`;
}

/** The server's own access record, the message of logger `azmlinfsrv` (contract LOG-9).
 *  @param query raw, without `?`   @param durationMs milliseconds since the request came in
 *  @param length body length in bytes; null when it is streamed */
export function accessMessage(
  method: string,
  path: string,
  query: string,
  status: number,
  durationMs: number,
  length: number | null,
): string {
  const target = query === "" ? path : `${path}?${query}`;
  return `${method} ${target} ${status} ${durationMs.toFixed(3)}ms ${length ?? "N/A"}`;
}

/** Bytes of an answer's body; null: it is streamed. */
export function lengthOf({ body }: Pick<ScoreResponse, "body">): number | null {
  return typeof body === "string" ? Buffer.byteLength(body) : body instanceof Uint8Array ? body.length : null;
}

/** What the NCSA record tells of one request. */
export interface NcsaFields {
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  readonly remoteAddress: string | undefined;
  readonly method: string;
  /** Path and query as they came. */
  readonly target: string;
  /** `1.1` */
  readonly httpVersion: string;
  readonly status: number;
  /** Bytes of the body sent. */
  readonly length: number;
  readonly referer: string | undefined;
  readonly userAgent: string | undefined;
}

/** The access record in NCSA combined style, the message of logger `gunicorn.access` (contract LOG-10).
 *  @returns null for liveness probes, which are not logged */
export function ncsaMessage(fields: NcsaFields): string | null {
  const request = `${fields.method} ${quotable(fields.target)} HTTP/${fields.httpVersion}`;
  const referer = quotable(fields.referer || "-");
  const userAgent = quotable(fields.userAgent || "-");
  const message = `${fields.remoteAddress || "-"} - - [${ncsaTime(fields.timeMs)}] "${request}" ${fields.status} ${fields.length} "${referer}" "${userAgent}"`;
  return message.includes(LIVENESS_PROBE) ? null : message;
}

const LIVENESS_PROBE = "GET / HTTP/1.1";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A value of the last call, kept because a busy server asks for the same instant many times over. */
interface Memo {
  key: number;
  text: string;
}
const secondMemo: Memo = { key: Number.NaN, text: "" };
const millisecondMemo: Memo = { key: Number.NaN, text: "" };
const ncsaMemo: Memo = { key: Number.NaN, text: "" };

/** `2026-11-20 19:33:01,081` */
export function utcTimestamp(timeMs: number): string {
  const wholeMs = Math.floor(timeMs);
  if (wholeMs !== millisecondMemo.key) {
    const second = Math.floor(wholeMs / 1000);
    if (second !== secondMemo.key) {
      secondMemo.text = `${new Date(second * 1000).toISOString().slice(0, 19).replace("T", " ")},`;
      secondMemo.key = second;
    }
    millisecondMemo.text = secondMemo.text + String(wholeMs - second * 1000).padStart(3, "0");
    millisecondMemo.key = wholeMs;
  }
  return millisecondMemo.text;
}

/** The same in the time zone of the process. */
export function localTimestamp(timeMs: number): string {
  return utcTimestamp(timeMs - new Date(timeMs).getTimezoneOffset() * 60_000);
}

function ncsaTime(timeMs: number): string {
  const second = Math.floor(timeMs / 1000);
  if (second !== ncsaMemo.key) {
    const iso = new Date(second * 1000).toISOString();
    const month = MONTHS[Number(iso.slice(5, 7)) - 1];
    ncsaMemo.text = `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
    ncsaMemo.key = second;
  }
  return ncsaMemo.text;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a client must not be able to break the line
const UNQUOTABLE = /["\u0000-\u001f\u007f-\u009f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const UNQUOTABLE_ALL = /["\u0000-\u001f\u007f-\u009f]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal obeys them; tab, CR and LF belong to records of several lines
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const UNPRINTABLE_ALL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

/** Records without the control characters that a terminal would obey: they may quote a client. */
export function printable(text: string): string {
  return UNPRINTABLE.test(text) ? text.replace(UNPRINTABLE_ALL, escapeCharacter) : text;
}

/** Text from the client made safe to stand between quotes on one line. */
function quotable(text: string): string {
  return UNQUOTABLE.test(text) ? text.replace(UNQUOTABLE_ALL, escapeCharacter) : text;
}

function escapeCharacter(character: string): string {
  if (character === '"') return '\\"';
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
