import { once } from "node:events";
import { chmod, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { describe, invalid, OperationError } from "../errors.ts";
import type { Progress } from "../types.ts";
import type { Line } from "./messages.ts";

/** Documents of endpoints are small; so large is no command of ours: 16 MiB. */
const MAX_BODY_BYTES = 16_777_216;

/** How long the last answers may take to leave, in milliseconds. */
const LAST_ANSWER_MS = 1_000;

const SOCKET_MODE = 0o600;

export interface ControlRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly progress: Progress;
  /** Answers now; what is done meanwhile goes on. */
  readonly answer: (result: unknown) => void;
  /** A part of the answer. Resolves when whoever asked has room for more, or has left. */
  readonly send: (line: Line) => Promise<void>;
  /** Aborts when whoever asked has left. */
  readonly left: AbortSignal;
}

/** @returns the result, for whoever still waits for it */
export type Control = (request: ControlRequest) => Promise<unknown>;

/** Takes commands at a socket of the file system.
 *  @param path nobody else's: a socket that a killed process has left there is removed */
export async function listenForControl(
  path: string,
  control: Control,
): Promise<{ readonly close: () => Promise<void> }> {
  const server = createServer((request, response) => void take(request, response, control));
  if (process.platform !== "win32") await rm(path, { force: true });
  await listen(server, path);
  if (process.platform !== "win32") await chmod(path, SOCKET_MODE);
  return {
    close: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), LAST_ANSWER_MS);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => resolve());
  });
}

async function take(request: IncomingMessage, response: ServerResponse, control: Control): Promise<void> {
  // Whoever asked may have left; what was begun goes on.
  response.on("error", () => {});
  const left = new AbortController();
  response.once("close", () => left.abort());
  let isAnswered = false;
  const say = (line: Line): void => {
    if (!isAnswered) response.write(`${JSON.stringify(line)}\n`);
  };
  const end = (line: Line): void => {
    say(line);
    if (!isAnswered) response.end();
    isAnswered = true;
  };
  response.writeHead(200, { "content-type": "application/x-ndjson", connection: "close" });
  try {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://control");
    const result = await control({
      method: request.method ?? "GET",
      path: pathname,
      query: searchParams,
      body: await readJson(request),
      progress: (progress) => say({ progress }),
      answer: (value) => end({ result: value ?? null }),
      send: async (line) => {
        say(line);
        if (response.writableNeedDrain) await once(response, "drain", { signal: left.signal }).catch(() => {});
      },
      left: left.signal,
    });
    end({ result: result ?? null });
  } catch (error) {
    end({ error: { refusal: error instanceof OperationError ? error.refusal : "failed", message: describe(error) } });
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw invalid("the command is too large");
    chunks.push(chunk);
  }
  if (bytes === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    throw invalid("the command is not JSON");
  }
}
