// Direct invocations: `aws lambda invoke`, an SDK, Step Functions. The event is the body, the result what run() returned.
import { ScoreError } from "../../src/host.ts";
import { asText, bytesOf, type WholeAnswer } from "./result.ts";

/** First status of an answer that makes the invocation fail. */
const FAILURE_STATUS = 400;

/** A direct invocation that has failed. Lambda shows `name` as errorType and the message as errorMessage. */
export class InvocationError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = code;
    this.code = code;
  }
}

export function isFailure(status: number): boolean {
  return status >= FAILURE_STATUS;
}

/** @returns an InvocationError when the answer is a failure
 *  @throws ScoreError `ERR_ANSWER` when the answer is neither JSON nor text */
export function toValue({ status, headers, body }: WholeAnswer): unknown {
  if (isFailure(status)) return invocationError(status, bytesOf(body).toString());
  if (body.length === 0) return null;
  const text = asText(headers, body);
  if (text === undefined) throw new ScoreError("ERR_ANSWER", "The answer is bytes; a direct invocation returns JSON.");
  const type = headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "";
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new ScoreError("ERR_ANSWER", `The answer is not JSON that AWS Lambda can carry: ${why}`, { cause });
  }
}

/** @param text the answer's body: `{"message": …}` with `code` and `error` where they are told, or what a script wrote */
export function invocationError(status: number, text: string): InvocationError {
  let told: { message?: unknown; code?: unknown; error?: { type?: unknown; message?: unknown } } = {};
  try {
    told = (JSON.parse(text) as typeof told) ?? {};
  } catch {
    // A script's own answer may be anything.
  }
  const { message, code, error } = told;
  const detail = typeof error?.message === "string" ? ` ${String(error.type)}: ${error.message}` : "";
  return new InvocationError(
    typeof code === "string" ? code : `ERR_STATUS_${status}`,
    (typeof message === "string" ? message : text) + detail,
  );
}
