import { appendFile, rename, stat } from "node:fs/promises";

/** A full log is put aside, and the one before it goes: 8 MiB each, some 50,000 lines. */
const MAX_BYTES = 8_388_608;

/** How much is kept for a disk that does not keep up, in characters; lines beyond it are dropped and counted. */
const MAX_BACKLOG = 4_194_304;

const FILE_MODE = 0o600;

export interface BoundedLog {
  /** @param text whole lines */
  write(text: string): void;
  /** Resolves when everything written so far is in the file, or cannot be. */
  flush(): Promise<void>;
}

/** A log file that does not grow without end, and that delays nobody who writes to it. */
export function openBoundedLog(path: string, maxBytes: number = MAX_BYTES): BoundedLog {
  let pending = "";
  let dropped = 0;
  let bytes: number | undefined;
  let writing: Promise<void> | undefined;

  async function writeAll(): Promise<void> {
    while (pending !== "") {
      const text = pending;
      pending = "";
      try {
        bytes ??= await stat(path).then(
          ({ size }) => size,
          () => 0,
        );
        if (bytes > 0 && bytes + text.length > maxBytes) {
          await rename(path, `${path}.1`);
          bytes = 0;
        }
        await appendFile(path, text, { mode: FILE_MODE });
        bytes += Buffer.byteLength(text);
      } catch {
        // A full disk takes no line that would say so.
        dropped += countLines(text);
      }
    }
    writing = undefined;
  }

  return {
    write(text) {
      if (pending.length > MAX_BACKLOG) {
        dropped += countLines(text);
        return;
      }
      if (dropped > 0) {
        pending += `${dropped} lines of this log were dropped, because the disk did not take them\n`;
        dropped = 0;
      }
      pending += text;
      writing ??= writeAll();
    },
    async flush() {
      await writing;
    },
  };
}

function countLines(text: string): number {
  return text.split("\n").length - 1;
}
