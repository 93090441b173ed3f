import { request as httpRequest, type IncomingMessage } from "node:http";
import { DEADLINE_MS } from "../setup/deadline.ts";

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  /** In wire order; a name may occur more than once. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Uint8Array;
}

/** What came back, as it stood on the wire; chunks are joined. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** False when the connection was cut off within the body. */
  readonly complete: boolean;
}

/** Sends one request over a connection of its own. @returns undefined when the server hung up without an answer */
export function exchange(port: number, request: WireRequest): Promise<WireAnswer | undefined> {
  const { method, path, headers = [], body } = request;
  const length = body === undefined ? [] : [["Content-Length", String(Buffer.byteLength(body))] as const];
  const lines = [["Host", "localhost"] as const, ["Connection", "close"] as const, ...length, ...headers];
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: "127.0.0.1", port, method, path, agent: false, headers: lines.flat() });
    const timer = setTimeout(() => sent.destroy(new Error(`no answer to ${method} ${path} in time`)), DEADLINE_MS);
    sent.once("close", () => clearTimeout(timer));
    sent.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET") resolve(undefined);
      else if (error.code?.startsWith("HPE_")) resolve(unreadable(error));
      else reject(error);
    });
    sent.once("response", (answer) => {
      readAll(answer).then(resolve, reject);
    });
    sent.end(body);
  });
}

/** What is no HTTP, for example a header that may occur once and occurs twice. */
function unreadable({ message }: Error): WireAnswer {
  return { status: 0, headers: [], body: message, complete: false };
}

async function readAll(answer: IncomingMessage): Promise<WireAnswer> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of answer) pieces.push(piece);
  } catch {
    // Cut off; `complete` says so.
  }
  return {
    status: answer.statusCode ?? 0,
    headers: pairs(answer.rawHeaders),
    body: Buffer.concat(pieces).toString("utf8"),
    complete: answer.complete,
  };
}

function pairs(flat: readonly string[]): (readonly [string, string])[] {
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? ""] as const] : []));
}
