import { type IncomingMessage, request } from "node:http";
import { createInterface } from "node:readline";
import { OperationError } from "../errors.ts";
import type { Progress } from "../types.ts";
import type { Line } from "./messages.ts";

/** Nobody listens at the socket: the endpoint's process is not there. */
export class NotRunningError extends Error {}

/** The process ended before it answered. */
export class EndedError extends OperationError {
  static override readonly className: string = "EndedError";
}

export interface Call {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
}

/** Asks the process of an endpoint.
 *  @throws NotRunningError, or OperationError with what the process says */
export async function call(socketPath: string, { method, path, body }: Call, progress: Progress): Promise<unknown> {
  const answer = await send(socketPath, method, path, body);
  try {
    for await (const text of createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY })) {
      const line = JSON.parse(text) as Line;
      if ("progress" in line) progress(line.progress);
      else if ("result" in line) return line.result;
      else throw new OperationError(line.error.refusal, line.error.message);
    }
  } catch (error) {
    if (error instanceof OperationError) throw error;
  }
  throw ended();
}

function ended(cause?: unknown): EndedError {
  const message = "the process of the endpoint ended before it answered; the next command starts it anew";
  return new EndedError("failed", message, cause);
}

function explained(error: NodeJS.ErrnoException): Error {
  const { code, message } = error;
  if (code === "ENOENT" || code === "ECONNREFUSED" || code === "ENOTSOCK") return new NotRunningError(message);
  if (code === "ECONNRESET" || code === "EPIPE") return ended(error);
  return new OperationError("failed", `the process of the endpoint cannot be asked: ${message}`, error);
}

function send(socketPath: string, method: string, path: string, body: unknown): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? "" : JSON.stringify(body);
    // Node does not say so for DELETE.
    const headers = { "content-length": Buffer.byteLength(text) };
    const outgoing = request({ socketPath, method, path, headers, agent: false }, resolve);
    outgoing.on("error", (error: NodeJS.ErrnoException) => reject(explained(error)));
    outgoing.end(text);
  });
}
