import type { Log, LogFields, LogFormat, Logger, LoggingFile } from "../core/log.ts";
import { printable } from "./format.ts";
import type { LogLevel } from "./levels.ts";
import { LEVEL_NUMBERS } from "./levels.ts";
import type { RecordStyle } from "./style.ts";

/** The log with the built-in configuration.
 *  @param write gets whole lines, each ending with a newline, and the level of each */
export function createStyledLog(
  write: (text: string, level: LogLevel) => void,
  threshold: LogLevel,
  style: RecordStyle,
  pid: number = process.pid,
): Log {
  const writerOf = (logger: string, level: LogLevel): RecordSink => {
    const from = logger === ACCESS_LOGGER ? "INFO" : threshold;
    if (LEVEL_NUMBERS[level] < LEVEL_NUMBERS[from]) return belowThreshold;
    return builtInSink(write, style, level, pid, logger);
  };
  return assembleLog(writerOf, (text) => write(`${text}\n`, "INFO"), null, style);
}

/** Writes records as nothing but the style says. */
export function builtInSink(
  write: (text: string, level: LogLevel) => void,
  { toLine }: RecordStyle,
  level: LogLevel,
  pid: number,
  logger: string,
): RecordSink {
  return (message, fields) => write(`${toLine(Date.now(), level, pid, logger, message, fields)}\n`, level);
}

export type RecordSink = (message: string, fields?: LogFields) => void;

export const writeNothing: RecordSink = () => {};

/** Takes what is no record at all, so that nobody else is told of it either. */
export const belowThreshold: RecordSink = () => {};

const ACCESS_LOGGER = "gunicorn.access";

/** @param writerOf asked once for each logger and level */
export function assembleLog(
  writerOf: (logger: string, level: LogLevel) => RecordSink,
  line: (text: string) => void,
  file: LoggingFile | null,
  { format, fields }: RecordStyle,
): Log {
  const logger = (name: string): Logger => ({
    debug: writerOf(name, "DEBUG"),
    info: writerOf(name, "INFO"),
    warning: writerOf(name, "WARNING"),
    error: writerOf(name, "ERROR"),
    critical: writerOf(name, "CRITICAL"),
  });
  const server = logger("azmlinfsrv");
  return {
    server,
    script: logger("azmlinfsrv.user_script"),
    swagger: logger("azmlinfsrv.swagger"),
    print: logger("azmlinfsrv.print"),
    trace: logger("azmlinfsrv.trace"),
    access: logger(ACCESS_LOGGER),
    // A line that is no object would be one that a reader of objects cannot read.
    line: format === "json" ? (text) => server.info(text) : line,
    file,
    format,
    fields,
  };
}

/** Collects what one turn of the event loop writes and hands it over in one piece, without control characters: JSON has
 *  none.
 *  @returns `write` for whole lines, `flush` to hand over at once (before the process ends) */
export function batchLines(
  sink: (text: string) => void,
  format: LogFormat = "text",
): { write: (text: string) => void; flush: () => void } {
  let pending = "";
  const flush = (): void => {
    if (pending === "") return;
    const text = pending;
    pending = "";
    sink(format === "text" ? printable(text) : text);
  };
  const write = (text: string): void => {
    if (pending === "") setImmediate(flush);
    pending += text;
  };
  return { write, flush };
}
