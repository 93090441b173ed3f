// Answers as Lambda has to return them, one shape for each kind of door.
import { isUtf8 } from "node:buffer";
import { type HeaderList, ScoreError, type ScoreResponse } from "../../src/host.ts";
import type { Door } from "./event.ts";

/** A door for HTTP. */
export type HttpDoor = Exclude<Door, "direct">;

/** An answer whose body is complete. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: string | Uint8Array;
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

/** A result without its body. */
export type ResultHead = Omit<LambdaResult, "body" | "isBase64Encoded">;

/** The result with that head.
 *  @throws ScoreError `ERR_ANSWER` when it is larger than the door takes, which would otherwise be a bare 502 */
export function withBody(head: ResultHead, door: HttpDoor, { headers, body }: WholeAnswer): LambdaResult {
  const text = body.length > 0 ? asText(headers, body) : "";
  const isBase64Encoded = text === undefined;
  const result = { ...head, body: text ?? bytesOf(body).toString("base64"), isBase64Encoded };
  if (body.length > SURELY_SMALL_BYTES) checkSize(door, result);
  return result;
}

export function headersOfV2(list: HeaderList): { headers: Record<string, string>; cookies?: string[] } {
  const headers = members<string>();
  let cookies: string[] | undefined;
  for (const [name, value] of list) {
    if (isSetCookie(name)) {
      cookies ??= [];
      cookies.push(value);
    } else add(headers, name, value);
  }
  return cookies === undefined ? { headers } : { headers, cookies };
}

/** Without a prototype: a header may have the name of what others inherit. */
export function members<Value>(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>;
}

export function add(headers: Record<string, string>, name: string, value: string): void {
  const own = sameName(headers, name);
  const before = headers[own];
  headers[own] = before === undefined ? value : `${before}, ${value}`;
}

/** The spelling a header was first given in. */
export function sameName(headers: Readonly<Record<string, unknown>>, name: string): string {
  if (headers[name] !== undefined) return name;
  const lower = name.toLowerCase();
  for (const other in headers) if (other.length === name.length && other.toLowerCase() === lower) return other;
  return name;
}

export function isSetCookie(name: string): boolean {
  return name.length === 10 && name.toLowerCase() === "set-cookie";
}

// ---- what a door does not take ----------------------------------------------------------------------------------------

const PLAIN_VALUE = /^[\t\x20-\x7e]*$/;

/** Headers that say again what the request says. */
const REPEATED: ReadonlySet<string> = new Set([
  "x-request-id",
  "x-ms-request-id",
  "x-ms-client-request-id",
  "traceid",
  "access-control-allow-origin",
  "access-control-allow-headers",
]);

/** The answer with a head that every door takes: what repeats the request and is not ASCII is left out.
 *  @throws ScoreError `ERR_ANSWER` when the status or another header cannot be sent */
export function checkedHead(answer: ScoreResponse): ScoreResponse {
  const { status, headers } = answer;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new ScoreError("ERR_ANSWER", `The answer has status ${status}; AWS Lambda takes 200 to 599.`);
  }
  let isPlain = true;
  for (const [name, value] of headers) {
    if (PLAIN_VALUE.test(value)) continue;
    isPlain = false;
    if (REPEATED.has(name.toLowerCase())) continue;
    const shown = JSON.stringify(value.slice(0, 64));
    throw new ScoreError("ERR_ANSWER", `The answer's header ${name} is ${shown}; AWS Lambda takes ASCII only.`);
  }
  return isPlain ? answer : sendableHead(answer);
}

/** The answer without the headers that cannot be sent. */
export function sendableHead(answer: ScoreResponse): ScoreResponse {
  return { ...answer, headers: answer.headers.filter(([, value]) => PLAIN_VALUE.test(value)) };
}

/** Whether a body follows the head. */
export function isBodyless(method: string, status: number): boolean {
  return method === "HEAD" || status === 204 || status === 304;
}

/** As node:http frames a body whose length is known. */
export function framed(status: number, headers: HeaderList, length: number): HeaderList {
  return status === 204 || status === 304 ? headers : [...headers, ["Content-Length", String(length)]];
}

function checkSize(door: HttpDoor, result: LambdaResult): void {
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

/** Text travels as it is, everything else as base64. What calls itself text but is not UTF-8 would be spoilt.
 *  @returns undefined for bytes */
export function asText(headers: HeaderList, body: string | Uint8Array): string | undefined {
  let type = "";
  for (const [name, value] of headers) {
    const lower = name.length === 12 || name.length === 16 ? name.toLowerCase() : "";
    if (lower === "content-type") type = value;
    else if (lower === "content-encoding" && value !== "identity") return undefined;
  }
  if (!isTextType(type)) return undefined;
  // Half a surrogate pair stands for no bytes.
  if (typeof body === "string") return HALF_PAIR.test(body) ? bytesOf(body).toString() : body;
  return isUtf8(body) ? bytesOf(body).toString() : undefined;
}

export function isTextType(type: string): boolean {
  return TEXT_TYPE.test(type);
}

const HALF_PAIR = /[\ud800-\udfff]/;

export function sizeOf(body: string | Uint8Array): number {
  return typeof body === "string" ? Buffer.byteLength(body) : body.length;
}

export function bytesOf(body: string | Uint8Array): Buffer {
  return typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
