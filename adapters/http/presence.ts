// Is a client that has ended its half of the connection still there? Its end looks the same whether it waits for the answer
// or has closed the connection altogether; only when something is sent to it does a closed one say so. What can be sent
// without harm is the beginning of what will be sent anyway: the status line's first letters, all of them the same for every
// answer, or leading zeros of the next chunk's size.
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { rewriteStatusLine } from "./status-line.ts";

/** The second byte is what meets the refusal of the first, so it is sent when that has had time to come back. */
const SECOND_BYTE_MS = 100;

/** Each further pause is so many times the last: a client that stays costs a byte now and then, one that leaves later is
 *  noticed in about the time it had waited by then. */
const PAUSE_GROWTH = 2;

/** Sends as many bytes as the beginning of a status line has: with these pauses, for about half a minute. */
const MAX_BYTES = "HTTP/1.1 ".length;

/** Looks after the answer of a client that has ended its half.
 *  @param current the response that is the next on this connection; undefined: none */
export function watchPresence(socket: Socket, current: () => ServerResponse | undefined): void {
  const begun = new Map<ServerResponse, { bytes: number }>();
  let pauseMs = SECOND_BYTE_MS;
  let sent = 0;
  let timer: NodeJS.Timeout | undefined;
  socket.once("close", () => clearTimeout(timer));
  sendNext();

  function sendNext(): void {
    const response = current();
    if (response === undefined || socket.destroyed || sent === MAX_BYTES) return;
    sent++;
    sendByte(response);
    timer = setTimeout(sendNext, pauseMs);
    pauseMs *= PAUSE_GROWTH;
  }

  function sendByte(response: ServerResponse): void {
    // Not its turn yet, or all of it is on its way.
    if (response.socket !== socket || response.writableEnded) return;
    if (response.headersSent) {
      if (!response.chunkedEncoding) return;
      response.flushHeaders();
      socket.write("0");
      return;
    }
    const start = `HTTP/${response.req.httpVersion} `;
    let ahead = begun.get(response);
    if (ahead === undefined) {
      const line = { bytes: 0 };
      ahead = line;
      begun.set(response, line);
      rewriteStatusLine(response, (text) => text.slice(line.bytes));
    }
    if (ahead.bytes < start.length) socket.write(start.charAt(ahead.bytes++));
  }
}
