// Streamed bodies, seen as they pass.
import type { BodyStream } from "../src/host.ts";

/** The stream; tells of its end once: read to its end, failed or given up. A stream that is read twice, which none is, would
 *  tell once. */
export function watched(body: BodyStream, onEnd: (bytes: number) => void): BodyStream {
  let bytes = 0;
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    onEnd(bytes);
  };
  return {
    [Symbol.asyncIterator]() {
      const chunks = body[Symbol.asyncIterator]();
      return {
        async next() {
          try {
            const item = await chunks.next();
            if (item.done === true) end();
            else bytes += item.value.length;
            return item;
          } catch (error) {
            end();
            throw error;
          }
        },
        async return(value?: unknown) {
          end();
          return (await chunks.return?.(value)) ?? { done: true, value };
        },
      };
    },
  };
}

/** The body with a text behind it. */
export function withText(body: string | Uint8Array | BodyStream, text: string): string | Uint8Array | BodyStream {
  if (typeof body === "string") return body + text;
  if (body instanceof Uint8Array) return Buffer.concat([body, Buffer.from(text)]);
  return {
    [Symbol.asyncIterator]() {
      const chunks = body[Symbol.asyncIterator]();
      let isOver = false;
      return {
        async next() {
          if (isOver) return { done: true, value: undefined };
          const item = await chunks.next();
          if (item.done !== true) return item;
          isOver = true;
          return { done: false, value: Buffer.from(text) };
        },
        async return(value?: unknown) {
          isOver = true;
          return (await chunks.return?.(value)) ?? { done: true, value };
        },
      };
    },
  };
}
