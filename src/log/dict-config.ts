// What the server understands of a configuration for Python's `logging.config.dictConfig` (contract LOG-8). Pure.
import { type Filter, readFilters } from "./dict-config/filters.ts";
import { readFormatters } from "./dict-config/formatters.ts";
import { FILE_HANDLER, type Handler, readHandlers } from "./dict-config/handlers.ts";
import {
  DictConfigError,
  type Entry,
  isMembers,
  type Members,
  readEntry,
  readLevel,
  readNames,
  readSection,
} from "./dict-config/reader.ts";

export type { Filter } from "./dict-config/filters.ts";
export type { FileTarget, Handler, Target } from "./dict-config/handlers.ts";
export { DictConfigError, isMembers } from "./dict-config/reader.ts";

/** Name of the root logger. */
export const ROOT = "";

export interface LoggerConfig {
  readonly level: number | undefined;
  readonly propagate: boolean | undefined;
  readonly handlers: readonly Handler[];
  readonly filters: readonly Filter[];
}

export interface LoggingConfig {
  /** Only levels and `propagate` are changed; everything else stays as it was. */
  readonly incremental: boolean;
  /** Loggers that are not named fall silent. */
  readonly disableExisting: boolean;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly loggers: ReadonlyMap<string, LoggerConfig>;
}

/** @throws DictConfigError when Python would refuse it, too */
export function readDictConfig(config: unknown): LoggingConfig {
  if (!isMembers(config)) throw new DictConfigError("it is not a JSON object");
  if (config.version === undefined) throw new DictConfigError('it has no "version": 1');
  if (config.version !== 1) throw new DictConfigError(`version ${JSON.stringify(config.version)} is not 1`);
  const incremental = Boolean(config.incremental);
  const filters = incremental ? new Map() : readFilters(config);
  const handlers = incremental ? new Map() : readHandlers(config, readFormatters(config), filters);
  const read = (entry: Entry) => readLogger(entry, incremental, handlers, filters);
  const loggers = new Map(
    readSection(config, "loggers", "logger").map(([name, entry]) => [name === "root" ? ROOT : name, read(entry)]),
  );
  if (isGiven(config.root)) loggers.set(ROOT, read(readEntry(config.root, "the root logger")));
  return { incremental, disableExisting: Boolean(config.disable_existing_loggers ?? true), handlers, loggers };
}

/** The configuration for a worker of a server that has opened the log files: opening one must not empty it again. */
export function forWorker(config: Members): Members {
  if (!isMembers(config.handlers)) return config;
  const handlers = Object.entries(config.handlers).map(([name, handler]) => [
    name,
    isMembers(handler) && handler.class === FILE_HANDLER && handler.mode === "w" ? { ...handler, mode: "a" } : handler,
  ]);
  return { ...config, handlers: Object.fromEntries(handlers) };
}

function readLogger(
  entry: Entry,
  incremental: boolean,
  handlers: ReadonlyMap<string, Handler>,
  filters: ReadonlyMap<string, Filter>,
): LoggerConfig {
  const { propagate } = entry.members;
  return {
    level: readLevel(entry),
    propagate: isGiven(propagate) ? Boolean(propagate) : undefined,
    handlers: incremental ? [] : readNames(entry, "handlers", handlers),
    filters: incremental ? [] : readNames(entry, "filters", filters),
  };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
