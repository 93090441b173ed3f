// Answers as Lambda has to return them, one shape for each source of events.
import { isUtf8 } from "node:buffer";
import { STATUS_CODES } from "node:http";
import { type HeaderList, ScoreError } from "../../src/host.ts";
import type { Door } from "./event.ts";

/** An answer whose body is complete. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
}

/** What a buffered handler returns; which members there are depends on the door. */
export interface LambdaResult {
  readonly statusCode: number;
  readonly statusDescription?: string;
  readonly headers?: Record<string, string>;
  readonly multiValueHeaders?: Record<string, string[]>;
  readonly cookies?: string[];
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** Head of a streamed answer. */
export interface StreamHead {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly multiValueHeaders?: Record<string, string[]>;
  readonly cookies?: string[];
}

/** Bytes of JSON a buffered function may return: 6 MB and a little for its frame, as Lambda's own error says. */
export const MAX_RESULT_BYTES = 6_291_556;

/** Bytes of JSON a load balancer takes: 1 MB. */
export const MAX_ALB_RESULT_BYTES = 1_048_576;

/** Below this size of the body no result can be too large: JSON turns a byte into six at the most, and the head is
 *  small. */
const SURELY_SMALL_BYTES = 150_000;

/** @throws ScoreError `ERR_ANSWER` when the door does not take the answer, which would otherwise be a bare 502 */
export function toResult(door: Door, answer: WholeAnswer): LambdaResult {
  const { status, headers, body } = answer;
  checkHead(status, headers);
  const isBase64Encoded = body.length > 0 && !isText(headers, body);
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const text = { body: bytes.toString(isBase64Encoded ? "base64" : "utf8"), isBase64Encoded };
  const result: LambdaResult = { statusCode: status, ...doorHeaders(door, status, headers), ...text };
  if (body.length > SURELY_SMALL_BYTES) checkSize(door, result);
  return result;
}

/** @param status and headers have passed `checkHead` */
export function toStreamHead(door: Door, status: number, headers: HeaderList): StreamHead {
  if (door === "v1") {
    const { headers: single = {}, multiValueHeaders = {} } = headersOfV1(headers);
    return { statusCode: status, headers: single, multiValueHeaders };
  }
  return { statusCode: status, ...headersOfV2(headers) };
}

/** How many cookies of an answer get lost on the way. */
export function lostCookies(door: Door, headers: HeaderList): number {
  return door === "alb" ? Math.max(0, headers.filter(([name]) => isSetCookie(name)).length - 1) : 0;
}

type DoorHeaders = Pick<LambdaResult, "statusDescription" | "headers" | "multiValueHeaders" | "cookies">;

function doorHeaders(door: Door, status: number, headers: HeaderList): DoorHeaders {
  switch (door) {
    case "v2":
      return headersOfV2(headers);
    case "v1":
      return headersOfV1(headers);
    case "alb":
      return { statusDescription: describe(status), headers: firstCookieOnly(headers) };
    case "alb-multi":
      return { statusDescription: describe(status), multiValueHeaders: grouped(headers) };
  }
}

function describe(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ""}`.trimEnd();
}

function headersOfV2(list: HeaderList): { headers: Record<string, string>; cookies?: string[] } {
  const headers: Record<string, string> = {};
  let cookies: string[] | undefined;
  for (const [name, value] of list) {
    if (isSetCookie(name)) {
      cookies ??= [];
      cookies.push(value);
    } else add(headers, name, value);
  }
  return cookies === undefined ? { headers } : { headers, cookies };
}

/** A header goes into one of the two lists, never into both: API Gateway would send it twice. */
function headersOfV1(list: HeaderList): Pick<LambdaResult, "headers" | "multiValueHeaders"> {
  const headers: Record<string, string> = {};
  const multiValueHeaders: Record<string, string[]> = {};
  for (const [name, values] of Object.entries(grouped(list))) {
    if (values.length === 1) headers[name] = values[0]!;
    else multiValueHeaders[name] = values;
  }
  return { headers, multiValueHeaders };
}

function firstCookieOnly(list: HeaderList): Record<string, string> {
  const headers: Record<string, string> = {};
  let hasCookie = false;
  for (const [name, value] of list) {
    if (isSetCookie(name)) {
      if (!hasCookie) headers[name] = value;
      hasCookie = true;
    } else add(headers, name, value);
  }
  return headers;
}

function grouped(list: HeaderList): Record<string, string[]> {
  const groups: Record<string, string[]> = {};
  for (const [name, value] of list) {
    const own = sameName(groups, name);
    const group = groups[own];
    if (group === undefined) groups[own] = [value];
    else group.push(value);
  }
  return groups;
}

function add(headers: Record<string, string>, name: string, value: string): void {
  const own = sameName(headers, name);
  const before = headers[own];
  headers[own] = before === undefined ? value : `${before}, ${value}`;
}

/** The spelling a header was first given in. */
function sameName(headers: Readonly<Record<string, unknown>>, name: string): string {
  if (headers[name] !== undefined) return name;
  const lower = name.toLowerCase();
  for (const other in headers) if (other.length === name.length && other.toLowerCase() === lower) return other;
  return name;
}

function isSetCookie(name: string): boolean {
  return name.length === 10 && name.toLowerCase() === "set-cookie";
}

// ---- what a door does not take ----------------------------------------------------------------------------------------

const PLAIN_VALUE = /^[\t\x20-\x7e]*$/;

/** @throws ScoreError `ERR_ANSWER` */
export function checkHead(status: number, headers: HeaderList): void {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new ScoreError("ERR_ANSWER", `The answer has status ${status}; AWS Lambda takes 200 to 599.`);
  }
  for (const [name, value] of headers) {
    if (!PLAIN_VALUE.test(value)) {
      const shown = JSON.stringify(value.slice(0, 64));
      throw new ScoreError("ERR_ANSWER", `The answer's header ${name} is ${shown}; AWS Lambda takes ASCII only.`);
    }
  }
}

function checkSize(door: Door, result: LambdaResult): void {
  const most = door === "alb" || door === "alb-multi" ? MAX_ALB_RESULT_BYTES : MAX_RESULT_BYTES;
  const bytes = Buffer.byteLength(JSON.stringify(result));
  if (bytes > most) throw tooLarge(`${bytes} bytes`, most);
}

export function tooLarge(size: string, most: number): ScoreError {
  return new ScoreError(
    "ERR_ANSWER",
    `The answer takes ${size} as AWS Lambda carries it, which takes ${most} at the most; a streamed answer may be larger.`,
  );
}

// ---- text or bytes ----------------------------------------------------------------------------------------------------

const TEXT_TYPE = /^(?:text\/|application\/(?:[\w.+-]+\+)?(?:json|xml|javascript|x-ndjson|x-www-form-urlencoded)\b)/i;

/** Text travels as it is, everything else as base64. What calls itself text but is not UTF-8 would be spoilt. */
function isText(headers: HeaderList, body: Uint8Array): boolean {
  let type = "";
  for (const [name, value] of headers) {
    const lower = name.length === 12 || name.length === 16 ? name.toLowerCase() : "";
    if (lower === "content-type") type = value;
    else if (lower === "content-encoding" && value !== "identity") return false;
  }
  return TEXT_TYPE.test(type) && isUtf8(body);
}
