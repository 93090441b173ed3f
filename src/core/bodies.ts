// Streamed bodies, seen as they pass.
import type { BodyStream } from "./types.ts";

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
