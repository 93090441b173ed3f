import { writeSync } from "node:fs";

const STDOUT = 1;

/** How soon a write is tried again that found no room, in milliseconds. */
const RETRY_MS = 1;

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Writes each line with one write, which is as much as the system keeps together, and waits for the reader where it must, as
 *  a Python worker does. A stream would gather what found no room, and write it in pieces. */
export function writeLines(text: string): void {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf("\n", start) + 1 || text.length;
    writeLine(text.slice(start, end));
    start = end;
  }
}

function writeLine(line: string): void {
  const bytes = Buffer.from(line);
  for (let sent = 0; sent < bytes.length; ) {
    try {
      // A socket may take a part of it.
      sent += writeSync(STDOUT, bytes, sent);
    } catch (error) {
      // A line that cannot be written is not worth a worker.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
      Atomics.wait(pause, 0, 0, RETRY_MS);
    }
  }
}
