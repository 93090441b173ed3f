import type { LogFields, LogFormat } from "../core/log.ts";
import type { RecordFields } from "../core/record-fields.ts";
import { formatRecord } from "./format.ts";
import type { LogLevel } from "./levels.ts";

/** Writes one record without the newline at its end.
 *  @param timeMs milliseconds since the epoch, as of `Date.now()` */
export type RecordFormat = (
  timeMs: number,
  level: LogLevel,
  pid: number,
  logger: string,
  message: string,
  fields?: LogFields,
) => string;

/** How a log writes its records. */
export interface RecordStyle {
  readonly format: LogFormat;
  readonly toLine: RecordFormat;
  /** Undefined: the style shows none. */
  readonly fields: RecordFields | undefined;
}

export const TEXT_STYLE: RecordStyle = { format: "text", toLine: formatRecord, fields: undefined };
