// A stalled reader of our stdout must not stop us, yet starting a process with the same stdout makes it a blocking one for
// both: a write to it then waits for the reader, and Node's own stream writes from the thread that everything else runs in.
import { constants, fstatSync, openSync, write } from "node:fs";
import { Socket } from "node:net";
import { Writable } from "node:stream";

/** How soon a write is tried again that found the pipe full, in milliseconds. Only where somebody has made our stdout
 *  non-blocking; else the write itself waits. */
const RETRY_MS = 20;

/** What a log writes to. */
export interface LogStream {
  readonly writableLength: number;
  write(text: string, done?: () => void): boolean;
  once(event: "drain", listener: () => void): unknown;
}

/** Writes to a socket, which cannot be opened a second time, from one of Node's threads for files. */
class ThreadedStream extends Writable {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    super({ decodeStrings: true });
    this.#descriptor = descriptor;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#send(chunk, done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  #send(bytes: Buffer, done: () => void): void {
    write(this.#descriptor, bytes, (error, written) => {
      if (error?.code === "EAGAIN") setTimeout(() => this.#send(bytes, done), RETRY_MS);
      else if (error === null && written < bytes.length) this.#send(bytes.subarray(written), done);
      // Whoever read our output may have left; that must not end the server.
      else done();
    });
  }
}

/** A stream to stdout or stderr that a reader who reads nothing does not stop. */
export function logStream(stream: LogStream & { readonly fd: number }): LogStream {
  const { fd } = stream;
  try {
    const kind = fstatSync(fd);
    if (kind.isFIFO()) return reopened(fd);
    return kind.isSocket() ? new ThreadedStream(fd) : stream;
  } catch {
    // It is closed, or there is no /proc.
    return stream;
  }
}

/** The same pipe opened once more: whether it blocks is then nobody else's business. */
function reopened(fd: number): LogStream {
  const own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  const socket = new Socket({ fd: own, readable: false, writable: true });
  // Whoever read our output may leave; that must not end the server. Nor does its output keep it up.
  return socket.on("error", () => {}).unref();
}

/** How long the end waits for somebody to take the last lines, in milliseconds. */
const LAST_LINES_MS = 2_000;

/** Waits for all that was written to be taken, or for long enough. @param stream what `logStream` made of `origin` */
export async function lastLines(stream: LogStream, origin: { end(): unknown }): Promise<void> {
  const taken = new Promise<void>((resolve) => stream.write("", () => resolve()));
  await atMost(LAST_LINES_MS, taken);
  if (!(stream instanceof ThreadedStream) || stream.writableLength === 0) return;
  // A thread in the middle of a write would hold up the end of the process; shutting the socket down releases it.
  origin.end();
  await atMost(LAST_LINES_MS, taken);
}

async function atMost(ms: number, event: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([event, late]);
  clearTimeout(timer);
}
