import type { BodyStream, RunOutcome } from "../core/types.ts";
import { RefusedError, renderResult } from "../json/result.ts";
import { describeRefusal } from "../json/result-fault.ts";
import type { Items } from "./stream-items.ts";

type Render = (item: unknown) => string;

/** Rejects with what a failure of the script is called. */
type Fail = (error: unknown) => Promise<never>;

const asItIs: Fail = (error) => Promise.reject(error);

/** Starts a streamed result: the first item decides the content type (docs/worker-protocol.md §6).
 *  @param render JSON of what is neither text nor bytes   @param fail for what the script throws after its first item
 *  @throws what the script throws before its first item */
export async function streamOutcome(
  items: Items,
  execMs: number,
  render: Render = renderResult,
  fail: Fail = asItIs,
): Promise<RunOutcome> {
  let first = await items.next();
  while (first.done !== true && isEmpty(first.value)) first = await items.next();
  const contentType = first.done === true ? TEXT_TYPE : contentTypeOf(first.value);
  const body = chunks(first, items, render, fail);
  await body.next();
  return { kind: "response", status: 200, headers: [["Content-Type", contentType]], body, execMs, fromScript: false };
}

/** Its first value is empty and is to be taken at once: a generator that is closed before it was begun runs none of its
 *  code, and the script's would never learn that nobody reads on. */
async function* chunks(first: IteratorResult<unknown>, items: Items, render: Render, fail: Fail): BodyStreamGenerator {
  let finished = false;
  try {
    yield NOTHING;
    let item = first;
    while (item.done !== true) {
      const chunk = toChunk(item.value, render);
      if (chunk.length > 0) yield chunk;
      item = await items.next();
    }
    finished = true;
  } catch (error) {
    await fail(error);
  } finally {
    if (!finished) await items.return?.();
  }
}

type BodyStreamGenerator = AsyncGenerator<Uint8Array, void, undefined> & BodyStream;

const NOTHING = new Uint8Array(0);
const TEXT_TYPE = "text/plain; charset=utf-8";
const encoder = new TextEncoder();

function contentTypeOf(item: unknown): string {
  if (typeof item === "string") return TEXT_TYPE;
  return item instanceof Uint8Array ? "application/octet-stream" : "application/x-ndjson";
}

function isEmpty(item: unknown): boolean {
  return (item instanceof Uint8Array || typeof item === "string") && item.length === 0;
}

function toChunk(item: unknown, render: Render): Uint8Array {
  if (item instanceof Uint8Array) return item;
  return encoder.encode(typeof item === "string" ? item : `${rendered(item, render)}\n`);
}

/** @throws ResultError in full: nobody describes what a stream fails with later */
function rendered(item: unknown, render: Render): string {
  try {
    return render(item);
  } catch (error) {
    throw error instanceof RefusedError ? describeRefusal(error) : error;
  }
}
