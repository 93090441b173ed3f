// Answers that a script makes itself, and streams. Loaded with the first of them, for most scripts return values.
import { abandon } from "../core/cancel.ts";
import type { Events } from "../core/events.ts";
import { NOT_FAILED, type RequestIds } from "../core/headers.ts";
import { mergeScriptHeaders } from "../core/script-headers.ts";
import type { HeaderList, RunOutcome, ScoreRequest, ScoreResponse, ScoreRuntime } from "../core/types.ts";
import { badResponse, type ResponseSettings } from "./respond.ts";

/** @throws ScoreError when the script built a response that cannot be sent */
export function scriptResponse(
  outcome: Extract<RunOutcome, { readonly kind: "response" }>,
  request: ScoreRequest,
  ids: RequestIds,
  { serverVersion }: ResponseSettings,
  { facts }: Pick<ScoreRuntime, "facts">,
  events: Events,
): ScoreResponse {
  const { status, headers, body, execMs, fromScript } = outcome;
  // A model's answer is as plain a result as a value, whatever it is made of.
  const isModel = facts?.takes === "model";
  if (fromScript && !isModel) events.responseFromScript?.({ request, ids });
  const { trace } = ids;
  if (!fromScript) {
    const plain: HeaderList = [...headers, NOT_FAILED];
    return {
      status,
      headers: mergeScriptHeaders(plain, ids, serverVersion, status, execMs),
      body,
      ran: outcome,
      trace,
    };
  }
  try {
    checkScriptResponse(status, headers);
  } catch (error) {
    abandon(body);
    throw badResponse(error);
  }
  const own = headers.filter(([name]) => !SERVER_OWNED.has(name.toLowerCase()));
  if (isModel) own.push(NOT_FAILED);
  return { status, headers: mergeScriptHeaders(own, ids, serverVersion, status, execMs), body, ran: outcome, trace };
}

/** Headers that describe the connection or the body's framing, which is the host's business. */
const SERVER_OWNED: ReadonlySet<string> = new Set(["connection", "content-length", "keep-alive", "transfer-encoding"]);

// RFC 9110: a name is a token, a value has no control characters; what Node and the clouds take.
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function checkScriptResponse(status: number, headers: HeaderList): void {
  if (!Number.isInteger(status) || status < 200 || status > 999) {
    throw new TypeError(`run() returned a response with status ${status}; it must be a whole number from 200 to 999`);
  }
  for (const [name, value] of headers) {
    if (!HEADER_NAME.test(name))
      throw new TypeError(`run() returned a response with header name ${JSON.stringify(name)}`);
    if (!HEADER_VALUE.test(value)) {
      throw new TypeError(
        `run() returned header ${name} with characters that HTTP does not allow: ${JSON.stringify(value)}`,
      );
    }
  }
}
