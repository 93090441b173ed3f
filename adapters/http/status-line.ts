import type { ServerResponse } from "node:http";

/** node:http's own way of putting a head together. It always says HTTP/1.1, and nothing public changes that. */
interface HeadWriter {
  _storeHeader?: (firstLine: string, headers: unknown) => void;
}

type Rewrite = (line: string) => string;

const rewrites = new WeakMap<ServerResponse, Rewrite[]>();

/** Changes the status line that a response will have, after whatever has been asked for before. Where node:http has no such
 *  place, the line stays as it is. */
export function rewriteStatusLine(response: ServerResponse, rewrite: Rewrite): void {
  const known = rewrites.get(response);
  if (known !== undefined) {
    known.push(rewrite);
    return;
  }
  const writer = response as unknown as HeadWriter;
  const store = writer._storeHeader;
  if (store === undefined) return;
  const all = [rewrite];
  rewrites.set(response, all);
  writer._storeHeader = function (firstLine, headers) {
    let line = firstLine;
    for (const change of all) line = change(line);
    store.call(this, line, headers);
  };
}

/** A client of HTTP/1.0 is answered as such: in its version, and the connection ends with the answer (contract PROC-10). */
export function answerAsHttp10(response: ServerResponse): void {
  response.shouldKeepAlive = false;
  rewriteStatusLine(response, (line) => line.replace("HTTP/1.1", "HTTP/1.0"));
}
