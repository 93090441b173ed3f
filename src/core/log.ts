// What the core and its hosts log through; src/log/ makes one.
/** Writes records of one logger; a record below the threshold costs one comparison. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warning(message: string): void;
  error(message: string): void;
  critical(message: string): void;
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
}

/** A `logging.json` that is in force (contract LOG-5). */
export interface LoggingFile {
  readonly path: string;
  /** Its content, as workers are to apply it. */
  readonly forWorkers: Readonly<Record<string, unknown>>;
}
