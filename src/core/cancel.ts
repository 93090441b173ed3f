// What becomes of work that nobody waits for any longer.
import { abortError } from "./errors.ts";
import type { BodyStream, CancelSignal } from "./types.ts";

/** The promise's outcome, or the reason why nobody waits for it, when that comes first. Leaves nothing on the signal: a
 *  reaction for each chunk of a stream would keep all of them alive. */
export function unlessAborted<T>(promise: Promise<T>, signal: CancelSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortError(signal.reason));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    void promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Ends a stream that nobody reads, so that the script's `finally` runs. Not waited for: a script may be stuck. */
export function abandon(body: string | Uint8Array | BodyStream): void {
  if (typeof body === "string" || body instanceof Uint8Array) return;
  endEarly(body[Symbol.asyncIterator]());
}

/** The same for a stream that somebody has begun to read. */
export function endEarly(chunks: AsyncIterator<Uint8Array>): void {
  void Promise.resolve(chunks.return?.()).catch(() => {});
}
