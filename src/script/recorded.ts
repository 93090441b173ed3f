// What a script prints and logs, told to whoever wants to know, besides being written as ever.
import { format } from "node:util";
import type { ScriptRecord } from "../core/events.ts";
import type { Log, LogFields, Logger } from "../core/log.ts";
import { ambientFields } from "../log/ambient.ts";
import { type CallIds, callFields } from "../log/fields.ts";
import { belowThreshold } from "../log/logger.ts";

/** Longest message in characters; services that keep records take no more. */
export const MAX_MESSAGE = 32_768;

const PRINT = "azmlinfsrv.print";
const TRACE = "azmlinfsrv.trace";

export type ToldRecord = Omit<ScriptRecord, "pid">;

type Level = "info" | "warning" | "error" | "critical";

const LEVELS: readonly Level[] = ["info", "warning", "error", "critical"];

/** What the methods of a console count as. */
const CONSOLE_LEVELS = { log: "info", info: "info", debug: "info", warn: "warning", error: "error" } as const;

/** Makes records of what a script writes. Below the threshold of its log there are none. */
export class Recorder {
  readonly #tell: (record: ToldRecord) => void;
  readonly #isOn: ReadonlySet<Level>;
  #telling = false;
  #undo: readonly (() => void)[] = [];

  /** @param log decides on the threshold */
  constructor(log: Log, tell: (record: ToldRecord) => void) {
    this.#tell = tell;
    this.#isOn = new Set(LEVELS.filter((level) => log.print[level] !== belowThreshold));
  }

  /** What the records of a call say of it. */
  ofCall(call: CallIds): LogFields {
    return callFields(call);
  }

  /** A log that also tells of the records of the script's own loggers. */
  logOf(log: Log): Log {
    return new RecordedLog(log, (logger, name) => this.#loggerOf(logger, name));
  }

  /** From now on it also tells of what the console writes, until its end. */
  watchConsole(): void {
    const names = Object.keys(CONSOLE_LEVELS) as (keyof typeof CONSOLE_LEVELS)[];
    this.#undo = names.map((name) => {
      const plain = console[name];
      const level = CONSOLE_LEVELS[name];
      const watched = (...values: unknown[]): void => {
        plain.apply(console, values);
        if (this.#isOn.has(level)) this.#record(level, PRINT, format(...values));
      };
      console[name] = watched;
      return () => {
        if (console[name] === watched) console[name] = plain;
      };
    });
  }

  end(): void {
    for (const undo of this.#undo) undo();
  }

  #loggerOf(logger: Logger, name: string): Logger {
    const method = (level: Level): Logger[Level] => {
      if (!this.#isOn.has(level)) return (message, fields) => logger[level](message, fields);
      return (message, fields) => {
        logger[level](message, fields);
        this.#record(level, name, message);
      };
    };
    return {
      debug: (message, fields) => logger.debug(message, fields),
      info: method("info"),
      warning: method("warning"),
      error: method("error"),
      critical: method("critical"),
    };
  }

  #record(level: Level, logger: string, message: string): void {
    // Whoever is told may write to the console itself.
    if (this.#telling) return;
    this.#telling = true;
    try {
      this.#tell({
        time: Date.now(),
        level: level.toUpperCase() as ScriptRecord["level"],
        logger,
        message: cut(String(message)),
        fields: requestFields(),
      });
    } finally {
      this.#telling = false;
    }
  }
}

/** The same for a script in this process, its console included. */
export function recordHere(log: Log, tell: (record: ScriptRecord) => void): Recorder {
  const recorder = new Recorder(log, (record) => tell({ pid: process.pid, ...record }));
  recorder.watchConsole();
  return recorder;
}

class RecordedLog implements Log {
  readonly #log: Log;
  readonly print: Logger;
  readonly trace: Logger;

  constructor(log: Log, loggerOf: (logger: Logger, name: string) => Logger) {
    this.#log = log;
    this.print = loggerOf(log.print, PRINT);
    this.trace = loggerOf(log.trace, TRACE);
  }

  get server(): Logger {
    return this.#log.server;
  }

  get script(): Logger {
    return this.#log.script;
  }

  get swagger(): Logger {
    return this.#log.swagger;
  }

  get access(): Logger {
    return this.#log.access;
  }

  get file(): Log["file"] {
    return this.#log.file;
  }

  get format(): Log["format"] {
    return this.#log.format;
  }

  get fields(): Log["fields"] {
    return this.#log.fields;
  }

  line(text: string): void {
    this.#log.line(text);
  }
}

function cut(message: string): string {
  if (message.length <= MAX_MESSAGE) return message;
  const note = `… [cut, of ${message.length} characters]`;
  const end = MAX_MESSAGE - note.length;
  // Not between the two halves of a character.
  const isSplit = (message.codePointAt(end - 1) ?? 0) > 0xffff;
  return message.slice(0, isSplit ? end - 1 : end) + note;
}

/** Of the request in whose course this is called. */
function requestFields(): LogFields | undefined {
  const { worker: _, ...fields } = ambientFields(undefined) ?? {};
  for (const name in fields) if (fields[name] !== undefined) return fields;
  return undefined;
}
