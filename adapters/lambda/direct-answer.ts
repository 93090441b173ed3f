// What a direct invocation results in. Loaded with the first one.
import { type HeaderList, ScoreError } from "../../src/host.ts";
import { InvocationError, isFailure } from "./direct.ts";
import { asText, bytesOf, type WholeAnswer } from "./result.ts";

/** @returns an InvocationError when the answer is a failure
 *  @throws ScoreError `ERR_ANSWER` when the answer is neither JSON nor text */
export function toValue({ status, headers, body }: WholeAnswer): unknown {
  if (isFailure(status)) return invocationError(status, headers, bytesOf(body).toString());
  if (body.length === 0) return null;
  const text = asText(headers, body);
  if (text === undefined) throw new ScoreError("ERR_ANSWER", "The answer is bytes; a direct invocation returns JSON.");
  const type = headerOf(headers, "content-type") ?? "";
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new ScoreError("ERR_ANSWER", `The answer is not JSON that AWS Lambda can carry: ${why}`, { cause });
  }
}

/** @param text the answer's body: `{"message": …}`, with `error` where the setting allows it, or what a script wrote */
export function invocationError(status: number, headers: HeaderList, text: string): InvocationError {
  const code = headerOf(headers, "x-ms-error-code") ?? `ERR_STATUS_${status}`;
  try {
    const { message, error } = JSON.parse(text) as { message?: unknown; error?: { type?: string; message?: string } };
    const detail = error?.message === undefined ? "" : ` ${error.type}: ${error.message}`;
    if (typeof message === "string") return new InvocationError(code, message + detail);
  } catch {
    // A script's own answer may be anything.
  }
  return new InvocationError(code, text);
}

function headerOf(headers: HeaderList, wanted: string): string | undefined {
  return headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
}
