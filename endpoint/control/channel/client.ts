import { type IncomingMessage, request } from "node:http";
import { OperationError } from "../errors.ts";
import type { Progress } from "../types.ts";
import type { Line } from "./messages.ts";

/** Nobody listens at the socket: the process of the endpoint does not run. */
export class NotRunningError extends Error {}

/** The process ended before it answered. */
export class EndedError extends OperationError {
  static override readonly className: string = "EndedError";
}

/** The process runs, but does not answer: somebody has stopped it, for example. */
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

/** Takes lines of a log. @returns false: no more are wanted */
export type TakeLines = (lines: readonly string[]) => Promise<boolean>;

/** Asks the process of an endpoint.
 *  @param takeLines nothing more is read until it is done
 *  @throws NotRunningError, or OperationError with what the process says */
export async function call(
  socketPath: string,
  asked: Call,
  progress: Progress,
  takeLines: TakeLines = async () => true,
): Promise<unknown> {
  const { timeoutMs } = asked;
  const signal = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  try {
    return await ask(socketPath, asked, progress, takeLines, signal);
  } catch (error) {
    if (!signal?.aborted) throw error;
    throw new SilentError("failed", `the process of the endpoint has not answered for ${timeoutMs! / 1000} s`, error);
  }
}

async function ask(
  socketPath: string,
  asked: Call,
  progress: Progress,
  takeLines: TakeLines,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const answer = await send(socketPath, asked, signal);
  try {
    for await (const text of linesOf(answer)) {
      const line = JSON.parse(text) as Line;
      if ("progress" in line) progress(line.progress);
      else if ("lines" in line) {
        if (!(await takeLines(line.lines))) return null;
      } else if ("result" in line) return line.result;
      else throw new OperationError(line.error.refusal, line.error.message);
    }
  } catch (error) {
    if (error instanceof OperationError) throw error;
  }
  throw ended();
}

/** Reads no further than is asked for, which the lines of node:readline do. */
async function* linesOf(answer: IncomingMessage): AsyncGenerator<string> {
  let begun: string[] = [];
  answer.setEncoding("utf8");
  for await (const chunk of answer as AsyncIterable<string>) {
    const [first = "", ...more] = chunk.split("\n");
    begun.push(first);
    for (const next of more) {
      yield begun.join("");
      begun = [next];
    }
  }
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
    // For DELETE, Node does not send the length by itself.
    const headers = { "content-length": Buffer.byteLength(text) };
    const outgoing = request({ socketPath, method, path, headers, agent: false, ...(signal && { signal }) }, resolve);
    outgoing.on("error", (error: NodeJS.ErrnoException) => reject(explained(error)));
    outgoing.end(text);
  });
}
