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

/** The process is there, and says nothing: it was stopped, for example. */
export class SilentError extends OperationError {
  static override readonly className: string = "SilentError";
}

export interface Call {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  /** For the whole answer. Undefined: there is no limit. */
  readonly timeoutMs?: number;
}

/** Asks the process of an endpoint.
 *  @throws NotRunningError, or OperationError with what the process says */
export async function call(socketPath: string, asked: Call, progress: Progress): Promise<unknown> {
  const { timeoutMs } = asked;
  const signal = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  try {
    return await ask(socketPath, asked, progress, signal);
  } catch (error) {
    if (!signal?.aborted) throw error;
    throw new SilentError("failed", `the process of the endpoint says nothing for ${timeoutMs! / 1000} s`, error);
  }
}

async function ask(
  socketPath: string,
  asked: Call,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const answer = await send(socketPath, asked, signal);
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

function send(
  socketPath: string,
  { method, path, body }: Call,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? "" : JSON.stringify(body);
    // Node does not say so for DELETE.
    const headers = { "content-length": Buffer.byteLength(text) };
    const outgoing = request({ socketPath, method, path, headers, agent: false, ...(signal && { signal }) }, resolve);
    outgoing.on("error", (error: NodeJS.ErrnoException) => reject(explained(error)));
    outgoing.end(text);
  });
}
