import { appendFileSync, closeSync, openSync } from "node:fs";
import type { LogFormat } from "../core/log.ts";
import type { FileTarget } from "./dict-config.ts";
import { printable } from "./format.ts";
import { recordFormat } from "./json.ts";
import type { LogLevel } from "./levels.ts";
import { batchLines } from "./logger.ts";
import { type LogStream, logStream } from "./stream.ts";

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
export function processOutputs(stdout: LogOutputs["stdout"], format: LogFormat): LogOutputs {
  const stderr = boundedLines(logStream(process.stderr, format), format);
  return { stdout, stderr: (text) => stderr(printable(text)), file: openFile };
}

/** How much of a stream that its reader does not take is kept for it, in characters; several seconds of a busy server. */
const MAX_BACKLOG = 4_194_304;

/** Writes lines to a stream of the process. A reader that has stalled can neither stop the server nor fill its memory: lines
 *  beyond the backlog are dropped and counted, and one record says how many when the stream flows again. */
export function boundedLines(
  stream: LogStream,
  format: LogFormat = "text",
  maxBacklog: number = MAX_BACKLOG,
): WriteLines {
  let dropped = 0;

  function tell(): void {
    const message = `${dropped} lines of the log were dropped, because nobody read them`;
    dropped = 0;
    stream.write(`${recordFormat(format)(Date.now(), "WARNING", process.pid, "azmlinfsrv", message)}\n`);
  }

  return (text) => {
    if (stream.writableLength <= maxBacklog) {
      stream.write(text);
      return;
    }
    if (dropped === 0) stream.once("drain", tell);
    dropped += text.split("\n").length - 1;
  };
}

/** Opens each file once, for logs that follow one another in this process: what the one before has written stays. */
export function keptFiles(): LogOutputs["file"] {
  const open = new Map<string, WriteLines>();
  return (target) => {
    const write = open.get(target.path) ?? openFile(target);
    open.set(target.path, write);
    return write;
  };
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
