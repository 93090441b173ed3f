import { appendFile, rename, stat } from "node:fs/promises";

/** A log of this size becomes the old one, and the old one before it is removed: 8 MiB each, some 50,000 lines. */
const MAX_BYTES = 8_388_608;

/** How much waits for a slow disk, in characters; lines beyond it are dropped and counted. */
const MAX_BACKLOG = 4_194_304;

const FILE_MODE = 0o600;

export interface BoundedLog {
  /** @param text whole lines */
  write(text: string): void;
  /** Resolves when everything written so far is in the file, or cannot be. */
  flush(): Promise<void>;
}

/** A log file of limited size that never delays the writer. */
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
        // A full disk has no room for a line that says so.
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
        pending += `${dropped} lines of this log are missing: they could not be written\n`;
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
