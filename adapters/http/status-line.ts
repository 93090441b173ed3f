import type { ServerResponse } from "node:http";

/** node:http's own way of putting a head together. It always says HTTP/1.1, and nothing public changes that. */
interface HeadWriter {
  _storeHeader?: (firstLine: string, headers: unknown) => void;
}

/** Changes the status line that a response will have. Where node:http has no such place, the line stays as it is. */
export function rewriteStatusLine(response: ServerResponse, rewrite: (line: string) => string): void {
  const writer = response as unknown as HeadWriter;
  const store = writer._storeHeader;
  if (store === undefined) return;
  writer._storeHeader = function (firstLine, headers) {
    store.call(this, rewrite(firstLine), headers);
  };
}

/** A client of HTTP/1.0 is answered as such: in its version, and the connection ends with the answer (contract PROC-10). */
export function answerAsHttp10(response: ServerResponse): void {
  response.shouldKeepAlive = false;
  rewriteStatusLine(response, (line) => line.replace("HTTP/1.1", "HTTP/1.0"));
}
