import type { InvocationContext } from "@azure/functions";
import { createLog, type Log, type LogFields, type LogFormat, type Logger, type LogLevel } from "../../src/host.ts";

type ContextLog = Pick<InvocationContext, "debug" | "info" | "warn" | "error">;

/** Where records go that belong to no invocation: start, end, streamed answers. */
export type WriteOutside = (line: string, level: LogLevel) => void;

/** The invocation that a record is being written for. Writing is synchronous, so one variable is enough, and costs less
 *  than an AsyncLocalStorage, which slows every promise of the process down. */
let writing: ContextLog | undefined;

/** The log of a function app. What comes through the `InvocationLog` of a request goes to its invocation, so that the host
 *  files it under that; everything else goes outside.
 *  @param writeOutside gets a line without its newline; default: the console, which the host logs as well */
export function createAppLog(
  threshold: LogLevel,
  writeOutside: WriteOutside = toConsole,
  format: LogFormat = "text",
): Log {
  return createLog(
    (text, level) => {
      const line = text.trimEnd();
      if (writing === undefined) writeOutside(line, level);
      else toContext(writing, line, level);
    },
    threshold,
    format,
  );
}

/** An app's log, as seen by one invocation. */
export class InvocationLog implements Log {
  readonly #log: Log;
  #context: ContextLog | undefined;

  constructor(log: Log, context: ContextLog) {
    this.#log = log;
    this.#context = context;
  }

  get server(): Logger {
    return new InvocationLogger(this, this.#log.server);
  }
  get script(): Logger {
    return new InvocationLogger(this, this.#log.script);
  }
  get swagger(): Logger {
    return new InvocationLogger(this, this.#log.swagger);
  }
  get print(): Logger {
    return new InvocationLogger(this, this.#log.print);
  }
  get trace(): Logger {
    return new InvocationLogger(this, this.#log.trace);
  }
  get access(): Logger {
    return new InvocationLogger(this, this.#log.access);
  }
  get file(): Log["file"] {
    return this.#log.file;
  }

  get format(): LogFormat {
    return this.#log.format;
  }
  get fields(): Log["fields"] {
    return this.#log.fields;
  }

  line(text: string): void {
    this.write(() => this.#log.line(text));
  }

  write(log: () => void): void {
    const outer = writing;
    writing = this.#context;
    try {
      log();
    } finally {
      writing = outer;
    }
  }

  /** Further records go outside: after its handler has returned, an invocation's log only earns a warning of the host's. */
  close(): void {
    this.#context = undefined;
  }
}

class InvocationLogger implements Logger {
  readonly #invocation: InvocationLog;
  readonly #logger: Logger;

  constructor(invocation: InvocationLog, logger: Logger) {
    this.#invocation = invocation;
    this.#logger = logger;
  }

  debug(message: string, fields?: LogFields): void {
    this.#invocation.write(() => this.#logger.debug(message, fields));
  }
  info(message: string, fields?: LogFields): void {
    this.#invocation.write(() => this.#logger.info(message, fields));
  }
  warning(message: string, fields?: LogFields): void {
    this.#invocation.write(() => this.#logger.warning(message, fields));
  }
  error(message: string, fields?: LogFields): void {
    this.#invocation.write(() => this.#logger.error(message, fields));
  }
  critical(message: string, fields?: LogFields): void {
    this.#invocation.write(() => this.#logger.critical(message, fields));
  }
}

function toContext(context: ContextLog, line: string, level: LogLevel): void {
  if (level === "DEBUG") context.debug(line);
  else if (level === "INFO") context.info(line);
  else if (level === "WARNING") context.warn(line);
  else context.error(line);
}

function toConsole(line: string, level: LogLevel): void {
  if (level === "DEBUG" || level === "INFO") console.log(line);
  else if (level === "WARNING") console.warn(line);
  else console.error(line);
}
