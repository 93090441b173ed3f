// A stalled reader of our stdout must not stop us, yet starting a process with the same stdout makes it a blocking one for
// both: a write to it then waits for the reader, and Node's own stream writes from the thread that everything else runs in.
// Writes stay in order with those of other processes only if they are made at once, so no other thread can make them.
import { constants, fstatSync, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { Writable } from "node:stream";
import type { LogFormat } from "../core/log.ts";
import { MAX_LINE_BYTES } from "./json.ts";

/** What a log writes to. */
export interface LogStream {
  readonly writableLength: number;
  write(text: string, done?: () => void): boolean;
  once(event: "drain", listener: () => void): unknown;
}

type StandardStream = LogStream & { readonly fd: number };

/** libuv's stream, which Node keeps to itself. */
interface Handle {
  setBlocking?: (isBlocking: boolean) => void;
}

/** A stream to stdout or stderr that a reader who reads nothing does not stop.
 *  @param format of what is written to it: lines of JSON must arrive whole */
export function logStream(stream: StandardStream, format: LogFormat = "text"): LogStream {
  const { fd } = stream;
  const inLines = (own: Writable): LogStream => (format === "json" ? new LineStream(own) : own);
  try {
    const kind = fstatSync(fd);
    if (kind.isFIFO()) return inLines(reopened(fd));
    const { _handle: handle } = stream as { _handle?: Handle };
    return kind.isSocket() && handle?.setBlocking !== undefined ? inLines(new SocketStream(fd, handle)) : stream;
  } catch {
    // It is closed, or there is no /proc.
    return stream;
  }
}

/** The same pipe opened once more: whether it blocks is then nobody else's business. */
function reopened(fd: number): Socket {
  const own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  const socket = new Socket({ fd: own, readable: false, writable: true });
  // Whoever read our output may leave; that must not end the server. Nor does its output keep it up.
  return socket.on("error", () => {}).unref();
}

/** How soon a write is tried again that found no room, in milliseconds. */
const RETRY_MS = 20;

/** A socket cannot be opened a second time, so it is a non-blocking one only while we write to it. */
class SocketStream extends Writable {
  readonly #fd: number;
  readonly #handle: Handle;

  constructor(fd: number, handle: Handle) {
    super();
    this.#fd = fd;
    this.#handle = handle;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#send(chunk, done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  #send(bytes: Buffer, done: () => void): void {
    const rest = bytes.subarray(this.#writeNow(bytes));
    if (rest.length === 0) done();
    else setTimeout(() => this.#send(rest, done), RETRY_MS).unref();
  }

  /** @returns how many bytes there was room for */
  #writeNow(bytes: Buffer): number {
    this.#handle.setBlocking!(false);
    try {
      return writeSync(this.#fd, bytes);
    } catch (error) {
      // Whoever read our output may have left: then all of it is as good as written.
      return (error as NodeJS.ErrnoException).code === "EAGAIN" ? 0 : bytes.length;
    } finally {
      this.#handle.setBlocking!(true);
    }
  }
}

/** Hands on whole lines, and at a time no more than the system keeps together: a reader that is slow would otherwise find
 *  lines of workers in the middle of ours. */
class LineStream extends Writable {
  readonly #stream: Writable;

  constructor(stream: Writable) {
    // Not decoded here and once more below.
    super({ decodeStrings: false });
    this.#stream = stream;
  }

  override _write(text: string, _encoding: BufferEncoding, done: () => void): void {
    this.#send(text, 0, done);
  }

  override _writev(chunks: readonly { readonly chunk: string }[], done: () => void): void {
    this.#send(chunks.map(({ chunk }) => chunk).join(""), 0, done);
  }

  #send(text: string, start: number, done: () => void): void {
    const end = wholeLines(text, start);
    this.#stream.write(text.slice(start, end), () => {
      if (end === text.length) done();
      else this.#send(text, end, done);
    });
  }
}

/** Characters that may fit into the longest piece: all of one byte, and all of three. */
const PIECES = [MAX_LINE_BYTES, Math.floor(MAX_LINE_BYTES / 3)];

/** Where the last line ends that is sent together with the one at `start`. */
function wholeLines(text: string, start: number): number {
  for (const limit of PIECES) {
    const end = text.length - start <= limit ? text.length : text.lastIndexOf("\n", start + limit - 1) + 1;
    if (end > start && Buffer.byteLength(text.slice(start, end)) <= MAX_LINE_BYTES) return end;
  }
  return text.indexOf("\n", start) + 1 || text.length;
}

/** How long the end waits for somebody to take the last lines, in milliseconds. */
const LAST_LINES_MS = 2_000;

/** Waits for all that was written to be taken, or for long enough. */
export async function lastLines(stream: LogStream): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LAST_LINES_MS);
    stream.write("", resolve);
  });
  clearTimeout(timer);
}
