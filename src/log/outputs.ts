import { appendFileSync, closeSync, openSync } from "node:fs";
import type { FileTarget } from "./dict-config.ts";
import type { LogLevel } from "./levels.ts";
import { batchLines } from "./logger.ts";

/** Where a configured log writes. Each function takes whole lines. */
export interface LogOutputs {
  readonly stdout: (text: string, level: LogLevel) => void;
  readonly stderr: WriteLines;
  /** @throws the error of opening the file */
  readonly file: (target: FileTarget) => WriteLines;
}

export type WriteLines = (text: string) => void;

/** The process's own streams, and files.
 *  @param stdout stands in for the process's */
export function processOutputs(stdout: LogOutputs["stdout"]): LogOutputs {
  return { stdout, stderr: (text) => process.stderr.write(text), file: openFile };
}

/** Always appends, for workers write to the same file. */
function openFile({ path, truncate }: FileTarget): WriteLines {
  if (truncate) closeSync(openSync(path, "w"));
  const descriptor = openSync(path, "a");
  const { write, flush } = batchLines((text) => {
    try {
      appendFileSync(descriptor, text);
    } catch {
      // A full disk must not end the server.
    }
  });
  process.once("exit", flush);
  return write;
}
