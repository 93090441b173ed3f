import type { Log, LogFormat } from "../core/log.ts";
import { JSON_STYLE } from "./json-style.ts";
import type { LogLevel } from "./levels.ts";
import { createStyledLog } from "./logger.ts";
import { type RecordStyle, TEXT_STYLE } from "./style.ts";

export function styleOf(format: LogFormat): RecordStyle {
  return format === "json" ? JSON_STYLE : TEXT_STYLE;
}

/** What collects the fields of records; undefined: the format shows none. */
export function fieldsOf(format: LogFormat): Log["fields"] {
  return styleOf(format).fields;
}

/** The log with the built-in configuration.
 *  @param write gets whole lines, each ending with a newline, and the level of each */
export function createLog(
  write: (text: string, level: LogLevel) => void,
  threshold: LogLevel,
  format: LogFormat = "text",
  pid?: number,
): Log {
  return createStyledLog(write, threshold, styleOf(format), pid);
}
