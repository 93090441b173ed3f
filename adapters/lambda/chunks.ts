import { type BodyStream, type CancelSignal, endEarly, unlessAborted } from "../../src/host.ts";

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
    endEarly(chunks);
    throw error;
  }
}
