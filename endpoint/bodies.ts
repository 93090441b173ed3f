import type { BodyStream } from "../src/host.ts";

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
