// What the core and its hosts log through; src/log/ makes one.
import type { RecordFields } from "./record-fields.ts";

/** How records are written: `text` in the lines of contract LOG-1, which show no fields, or as JSON objects. */
export type LogFormat = "text" | "json";

/** What a record says besides its message, by name; what is undefined or null is not known. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes records of one logger; a record below the threshold costs one comparison. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  critical(message: string, fields?: LogFields): void;
}

/** The loggers of contract LOG-2 that the server itself writes to. */
export interface Log {
  /** `azmlinfsrv` */
  readonly server: Logger;
  /** `azmlinfsrv.user_script` */
  readonly script: Logger;
  /** `azmlinfsrv.swagger` */
  readonly swagger: Logger;
  /** `azmlinfsrv.print` */
  readonly print: Logger;
  /** `azmlinfsrv.trace` */
  readonly trace: Logger;
  /** `gunicorn.access` */
  readonly access: Logger;
  /** A bare line on stdout, in order with the records. */
  line(text: string): void;
  /** What it was set up by; null: the built-in configuration. */
  readonly file: LoggingFile | null;
  /** How it writes what no `logging.json` sets up. */
  readonly format: LogFormat;
  /** Collects what its records show besides their messages; undefined with `text`, which shows nothing. */
  readonly fields: RecordFields | undefined;
}

/** A `logging.json` that is in force (contract LOG-5). */
export interface LoggingFile {
  readonly path: string;
  /** Its content, as workers are to apply it. */
  readonly forWorkers: Readonly<Record<string, unknown>>;
}
