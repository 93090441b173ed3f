import { renderResult } from "../json/result.ts";
import type { BodyStream, RunOutcome } from "../types.ts";

type Items = Iterator<unknown> | AsyncIterator<unknown>;

/** The iterator of a result that is to be streamed: a generator, an async generator or a web ReadableStream. */
export function streamItems(value: unknown): Items | undefined {
  switch (Object.prototype.toString.call(value)) {
    case "[object Generator]":
      return value as Iterator<unknown>;
    case "[object AsyncGenerator]":
      return value as AsyncIterator<unknown>;
    case "[object ReadableStream]":
      return (value as ReadableStream<unknown>)[Symbol.asyncIterator]();
    default:
      return undefined;
  }
}

/** Starts a streamed result: the first item decides the content type (docs/worker-protocol.md §6).
 *  @throws what the script throws before its first item */
export async function streamOutcome(items: Items, execMs: number): Promise<RunOutcome> {
  let first = await items.next();
  while (first.done !== true && toChunk(first.value).length === 0) first = await items.next();
  const contentType = first.done === true ? TEXT_TYPE : contentTypeOf(first.value);
  const body = chunks(first, items);
  return { kind: "response", status: 200, headers: [["Content-Type", contentType]], body, execMs, fromScript: false };
}

async function* chunks(first: IteratorResult<unknown>, items: Items): BodyStreamGenerator {
  let finished = false;
  try {
    let item = first;
    while (item.done !== true) {
      const chunk = toChunk(item.value);
      if (chunk.length > 0) yield chunk;
      item = await items.next();
    }
    finished = true;
  } finally {
    if (!finished) await items.return?.();
  }
}

type BodyStreamGenerator = AsyncGenerator<Uint8Array, void, undefined> & BodyStream;

const TEXT_TYPE = "text/plain; charset=utf-8";
const encoder = new TextEncoder();

function contentTypeOf(item: unknown): string {
  if (typeof item === "string") return TEXT_TYPE;
  return item instanceof Uint8Array ? "application/octet-stream" : "application/x-ndjson";
}

function toChunk(item: unknown): Uint8Array {
  if (item instanceof Uint8Array) return item;
  return encoder.encode(typeof item === "string" ? item : `${renderResult(item)}\n`);
}
