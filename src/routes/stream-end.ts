import { type ScoreError, toScoreError } from "../core/errors.ts";
import type { RequestAnswered, StreamEnded } from "../core/events.ts";
import type { BodyStream, ScoreResponse } from "../core/types.ts";

/** The answer; when its body is a stream, one that tells of its end, once: whole, failed or given up. */
export function countedStream(answered: RequestAnswered, onEnd: (record: StreamEnded) => void): ScoreResponse {
  const { response } = answered;
  const { body } = response;
  if (typeof body === "string" || body instanceof Uint8Array) return response;
  return { ...response, body: counted(body, answered, onEnd) };
}

function counted(body: BodyStream, answered: RequestAnswered, onEnd: (record: StreamEnded) => void): BodyStream {
  return {
    [Symbol.asyncIterator]() {
      const chunks = body[Symbol.asyncIterator]();
      let bytes = 0;
      let isOver = false;
      const end = (failure?: ScoreError): void => {
        if (isOver) return;
        isOver = true;
        onEnd({ answered, bytes, failure, endedAt: performance.now() });
      };
      return {
        async next() {
          try {
            const item = await chunks.next();
            if (item.done) end();
            else bytes += item.value.length;
            return item;
          } catch (error) {
            end(toScoreError(error));
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
