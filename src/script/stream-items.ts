export type Items = Iterator<unknown> | AsyncIterator<unknown>;

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
