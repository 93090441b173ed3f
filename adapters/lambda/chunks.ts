import { type BodyStream, type CancelSignal, ScoreError, type ScoreResponse } from "../../src/host.ts";

/** Hands over the chunks of a streamed answer one by one, and stops the script when nobody waits for them any longer.
 *  @throws what the script or `take` throws; the signal's reason */
export async function eachChunk(
  body: BodyStream,
  signal: CancelSignal,
  take: (chunk: Uint8Array) => Promise<unknown> | undefined,
): Promise<void> {
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const item = await unlessAborted(chunks.next(), signal);
      if (item.done) return;
      const taking = take(item.value);
      if (taking !== undefined) await unlessAborted(taking, signal);
    }
  } catch (error) {
    // Not waited for: a script that is stuck would hold the request.
    void Promise.resolve(chunks.return?.()).catch(() => undefined);
    throw error;
  }
}

/** Nobody reads the answer: what streams it may stop. */
export function abandon({ body }: ScoreResponse): void {
  if (typeof body === "string" || body instanceof Uint8Array) return;
  void Promise.resolve(body[Symbol.asyncIterator]().return?.()).catch(() => undefined);
}

/** The promise's outcome, or the signal's reason when that comes first. Leaves nothing on the signal: a reaction for each
 *  chunk would keep all of them alive. */
function unlessAborted<T>(promise: Promise<T>, signal: CancelSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void =>
      reject(signal.reason ?? new ScoreError("ERR_CLIENT_GONE", "the client left before the answer was complete"));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    void promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
