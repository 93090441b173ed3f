import type { HttpResponseInit } from "@azure/functions";
import {
  abandon,
  type BodyStream,
  type CancelSignal,
  type HeaderList,
  type Log,
  ScoreError,
  type ScoreResponse,
  ScriptRunError,
  toScoreError,
} from "../../src/host.ts";
import { toCookies } from "./cookies.ts";

/** What is needed besides an answer to send it. */
export interface ToResponse {
  readonly method: string;
  readonly log: Log;
  /** Turns aborted when the time is over. */
  readonly signal: CancelSignal;
  /** The answer in place of one that failed. */
  readonly failed: (error: ScoreError) => ScoreResponse;
}

/** What is answered when everything else has failed. */
export const INTERNAL_ERROR: HttpResponseInit = {
  status: 500,
  headers: { "content-type": "application/json", "x-ms-run-function-failed": "False" },
  body: '{"message": "An unexpected internal error occurred. Check the logs for more info."}',
};

/** Statuses that the web's Response knows no body for. */
const BODYLESS: ReadonlySet<number> = new Set([204, 205, 304]);

// RFC 9110, as node:http checks them when the library hands them over.
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** @throws ScoreError `ERR_ANSWER` when the library could not send the head */
function checkHead({ status, headers }: ScoreResponse): void {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new ScoreError("ERR_ANSWER", `Azure Functions takes statuses from 200 to 599; this is ${status}`);
  }
  for (const [name, value] of headers) {
    if (HEADER_NAME.test(name) && HEADER_VALUE.test(value)) continue;
    const header = `${JSON.stringify(name)}: ${JSON.stringify(value)}`;
    throw new ScoreError("ERR_ANSWER", `HTTP does not allow the characters of the header ${header}`);
  }
}

/** Largest streamed answer that is collected, in bytes: as much as the host takes of a request. */
const MAX_WHOLE_BYTES = 104_857_600;

/** Collects a streamed answer; one that fails becomes the error it failed with.
 *  @throws ScoreError `ERR_ANSWER` when there is no end of it */
export async function toWholeAnswer(answer: ScoreResponse, to: ToResponse): Promise<ScoreResponse> {
  const { body, status } = answer;
  if (!isStream(body) || isUnsent(status, to)) return answer;
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
      length += chunk.length;
      if (length > MAX_WHOLE_BYTES || to.signal.aborted) break;
      chunks.push(chunk);
    }
  } catch (error) {
    return to.failed(streamFailure(error));
  }
  if (to.signal.aborted) throw toScoreError(to.signal.reason);
  if (length <= MAX_WHOLE_BYTES) return { ...answer, body: Buffer.concat(chunks, length) };
  throw new ScoreError("ERR_ANSWER", `The answer is larger than ${MAX_WHOLE_BYTES} bytes, and HTTP streaming is off`);
}

/** What a stream fails with after its first piece is the script's. */
function streamFailure(error: unknown): ScoreError {
  if (error instanceof ScoreError) return error;
  return new ScriptRunError("ERR_SCRIPT_RUN", toScoreError(error).message, { cause: error });
}

function isUnsent(status: number, { method }: ToResponse): boolean {
  return method === "HEAD" || BODYLESS.has(status);
}

/** The answer as the library takes it. @throws ScoreError `ERR_ANSWER` when it takes no such status or header */
export function toResponseInit(answer: ScoreResponse, to: ToResponse): HttpResponseInit {
  checkHead(answer);
  const { status, body } = answer;
  const { headers, cookies } = splitCookies(answer.headers, to.log);
  const init: HttpResponseInit = { status, headers };
  if (cookies !== undefined) init.cookies = cookies;
  if (isStream(body)) {
    if (isUnsent(status, to)) abandon(body);
    else init.body = untilFailure(body, answer, to);
    return init;
  }
  if (BODYLESS.has(status)) return init;
  // As bytes: the library labels text without a content type.
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  headers.push(["content-length", String(bytes.length)]);
  if (bytes.length > 0 && to.method !== "HEAD") init.body = bytes;
  return init;
}

function isStream(body: ScoreResponse["body"]): body is BodyStream {
  return typeof body !== "string" && !(body instanceof Uint8Array);
}

/** The stream, ended where it fails: the library would leave the client waiting for the rest. Only rows of JSON have room
 *  for a last one that tells of the failure. */
async function* untilFailure(
  body: BodyStream,
  { headers }: ScoreResponse,
  { failed, log }: ToResponse,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } catch (error) {
    const failure = streamFailure(error);
    log.server.error(`A streamed answer ended early: ${failure.report?.traceback ?? failure.message}\n`);
    if (headers.some(([name, value]) => name.toLowerCase() === "content-type" && value === "application/x-ndjson")) {
      yield Buffer.from(`${failed(failure).body}\n`);
    }
  }
}

interface SplitHeaders {
  readonly headers: [string, string][];
  readonly cookies: HttpResponseInit["cookies"];
}

/** One cookie stays a header, byte for byte. Of several headers of that name only the last would be sent, so they become
 *  the library's own cookies. */
function splitCookies(list: HeaderList, log: Log): SplitHeaders {
  const headers: [string, string][] = [];
  const texts: string[] = [];
  let first: [string, string] | undefined;
  for (const [name, value] of list) {
    if (name.length === SET_COOKIE.length && name.toLowerCase() === SET_COOKIE) {
      texts.push(value);
      first ??= [name, value];
    } else headers.push([name, value]);
  }
  if (first === undefined) return { headers, cookies: undefined };
  if (texts.length === 1) return { headers: [...headers, first], cookies: undefined };
  const { cookies, lost } = toCookies(texts);
  for (const text of lost) log.server.warning(`A cookie cannot be sent beside others: ${JSON.stringify(text)}`);
  return { headers, cookies };
}

const SET_COOKIE = "set-cookie";
