// Requests that never become an exchange, because node:http's parser cannot read them or hands the bare socket over.
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { BadInputError, type ScoreResponse, type Scorer } from "../../src/host.ts";
import { type Connection, LINGER_MS } from "./connection.ts";
import { toTarget } from "./incoming.ts";

/** All headers together may be so large before the parser itself refuses them; the finer limits are ours. */
export const MAX_HEAD_BYTES = 262_144;

/** Where in the packet the parser stopped: `bytesParsed`. */
export type ParseError = NodeJS.ErrnoException & { rawPacket?: Buffer; bytesParsed?: number };

const EMPTY = new Uint8Array(0);

/** Answers what the parser could not read (contract PROC-11); the connection ends with it. */
export function answerBroken(scorer: Scorer, error: ParseError, connection: Connection): void {
  const { socket, last } = connection;
  // What comes after the last answer is read away.
  if (connection.isEnding) return;
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  if (last !== undefined && !last.request.complete) {
    if (!last.response.headersSent) last.refuse(brokenRequest(error));
    connection.endAfterAnswers();
    return;
  }
  const line = /^(?<method>[!#$%&'*+.^_`|~0-9A-Za-z-]+) (?<url>\S+) HTTP\/1\.[01]\r\n/.exec(
    error.rawPacket?.subarray(0, 8_192).toString("latin1") ?? "",
  )?.groups;
  // The packet may begin with a request that was read, and is answered, without fault: its line is not the broken one.
  const isAtFault = line !== undefined && (error.bytesParsed ?? 0) <= line.method!.length;
  if (error.code === "HPE_INVALID_METHOD" && isAtFault && last === undefined) {
    // A method the parser does not know is still a method that a route does not take.
    answerBare(scorer, connection, { method: line.method!, ...toTarget(line.url!), headers: {} });
    return;
  }
  const target = { method: line?.method ?? "-", path: "", query: "", headers: {} };
  const refusal = scorer.refuse(target, brokenRequest(error));
  // Answers that are owed are not spoilt by what comes behind their requests: it ends the connection, no more.
  if (last === undefined) writeBare(connection, refusal);
  else connection.endAfterAnswers();
}

/** Answers on the bare socket, behind the answers that are owed; the connection ends with it. */
export function answerBare(
  scorer: Scorer,
  connection: Connection,
  request: { method: string; path: string; query: string; headers: Record<string, string> },
): void {
  connection.whenIdle(
    () => void scorer.handle({ ...request, body: EMPTY }).then((answer) => writeBare(connection, answer)),
  );
}

function brokenRequest(error: NodeJS.ErrnoException): BadInputError {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return new BadInputError("ERR_HEADER_LIMIT", `The request head is larger than ${MAX_HEAD_BYTES} bytes.`);
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new BadInputError("ERR_REQUEST_TIMEOUT", "The request did not arrive completely in time.");
    case "HPE_INVALID_EOF_STATE":
      return new BadInputError("ERR_BAD_REQUEST", "The client left in the middle of its request.");
    default:
      return new BadInputError("ERR_BAD_REQUEST", `The request is not valid HTTP: ${error.message}.`);
  }
}

function writeBare(connection: Connection, { status, headers, body }: ScoreResponse): void {
  const text = Buffer.from(String(body));
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${text.length}`,
    "Connection: close",
  ];
  const { socket }: { socket: Socket } = connection;
  if (socket.writable) socket.write(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), text]));
  // A client that is still sending sees the answer only when what it sends is taken.
  connection.end(LINGER_MS);
}
