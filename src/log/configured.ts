import type { Log, LogFormat, LoggingFile } from "../core/log.ts";
import { styleOf } from "./create.ts";
import { DictConfigError, type Filter, type Handler, type LoggingConfig, type Target } from "./dict-config.ts";
import type { LogLevel } from "./levels.ts";
import { LEVEL_NUMBERS } from "./levels.ts";
import { assembleLog, belowThreshold, builtInSink, type RecordSink, writeNothing } from "./logger.ts";
import { applyConfig, type BuiltIn } from "./logger-tree.ts";
import type { LogOutputs, WriteLines } from "./outputs.ts";

export interface LogOptions {
  /** That of logger `azmlinfsrv` where the configuration does not set one. */
  readonly threshold: LogLevel;
  readonly outputs: LogOutputs;
  readonly file: LoggingFile | null;
  /** Of the handler that the configuration leaves as it is. */
  readonly format?: LogFormat;
  readonly pid?: number;
}

/** A log set up as a logging configuration says. What a record goes through is decided here, once.
 *  @returns also what of the configuration has no effect on these records, piece by piece
 *  @throws DictConfigError when a file cannot be opened */
export function createConfiguredLog(
  config: LoggingConfig,
  { threshold, outputs, file, format = "text", pid = process.pid }: LogOptions,
): { log: Log; ignored: string[] } {
  const style = styleOf(format);
  const ignored = new Set<string>();
  const written = openTargets(config, outputs);
  const rules = applyConfig(config, threshold);

  function writerOf(logger: string, level: LogLevel): RecordSink {
    const { threshold, handlers, filters } = rules(logger);
    for (const filter of filters) for (const what of filter.ignored) ignored.add(what);
    for (const handler of handlers) if (handler !== BUILT_IN) for (const what of handler.ignored) ignored.add(what);
    if (LEVEL_NUMBERS[level] < threshold) return belowThreshold;
    const sinks = handlers.map((handler) => sinkOf(handler, logger, level));
    if (handlers.length === 0) sinks.push(lastResort(level));
    return filtered(filters, logger, inTurn(sinks.filter((sink) => sink !== writeNothing)));
  }

  function sinkOf(handler: Handler | BuiltIn, logger: string, level: LogLevel): RecordSink {
    if (handler === BUILT_IN) return builtInSink(outputs.stdout, style, level, pid, logger);
    const write = written.get(handler.target);
    if (LEVEL_NUMBERS[level] < handler.level || write === undefined) return writeNothing;
    const toLine = handler.formatter.pattern.bind(level, pid, logger);
    return filtered(handler.filters, logger, (message) => write(`${toLine(Date.now(), message)}\n`, level));
  }

  function lastResort(level: LogLevel): RecordSink {
    if (LEVEL_NUMBERS[level] < LEVEL_NUMBERS.WARNING) return writeNothing;
    return (message) => outputs.stderr(`${message}\n`);
  }

  const log = assembleLog(writerOf, (text) => outputs.stdout(`${text}\n`, "INFO"), file, style);
  return { log, ignored: [...ignored] };
}

const BUILT_IN: BuiltIn = "built-in";

/** Opens every file, used or not, as Python does. */
function openTargets({ handlers }: LoggingConfig, outputs: LogOutputs): ReadonlyMap<Target, LogOutputs["stdout"]> {
  const written = new Map<Target, LogOutputs["stdout"]>([
    ["stdout", outputs.stdout],
    ["stderr", outputs.stderr],
  ]);
  for (const { title, target } of handlers.values()) {
    if (typeof target === "object")
      written.set(
        target,
        open(title, () => outputs.file(target)),
      );
  }
  return written;
}

function open(title: string, openFile: () => WriteLines): WriteLines {
  try {
    return openFile();
  } catch (cause) {
    throw new DictConfigError(`${title} cannot be opened: ${(cause as Error).message}`, { cause });
  }
}

function inTurn(sinks: readonly RecordSink[]): RecordSink {
  if (sinks.length === 0) return writeNothing;
  if (sinks.length === 1) return sinks[0]!;
  return (message, fields) => {
    for (const sink of sinks) sink(message, fields);
  };
}

/** The sink behind those filters that are not decided already. */
function filtered(filters: readonly Filter[], logger: string, sink: RecordSink): RecordSink {
  const decisions = filters.map((filter) => filter.decide(logger));
  if (sink === writeNothing || decisions.includes(false)) return writeNothing;
  const tests = decisions.filter((decision) => typeof decision === "function");
  if (tests.length === 0) return sink;
  return (message, fields) => {
    if (tests.every((test) => test(message))) sink(message, fields);
  };
}
