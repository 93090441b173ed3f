import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { HeaderList } from "../../src/core/types.ts";

/** What came back over one connection. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

/** A connection whose bytes are the test's business. */
export async function openConnection(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** Sends bytes as they are and reads until the server closes. */
export async function exchange(port: number, ...pieces: (string | Uint8Array)[]): Promise<RawAnswer> {
  const socket = await openConnection(port);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  for (const piece of pieces) socket.write(piece);
  await once(socket, "close");
  return parseAnswer(Buffer.concat(chunks));
}

/** Reads the last answer in what a connection brought; interim ones (100 Continue) come before it. */
function parseAnswer(bytes: Buffer): RawAnswer {
  const end = bytes.indexOf("\r\n\r\n");
  const [first = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const status = Number(first.split(" ")[1]);
  const body = bytes.subarray(end + 4);
  if (status === 100) return parseAnswer(body);
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { status, headers, body };
}
