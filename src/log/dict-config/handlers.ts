import type { Filter } from "./filters.ts";
import { BARE_FORMATTER, type Formatter } from "./formatters.ts";
import { DictConfigError, type Entry, type Members, readLevel, readNames, readSection, readText } from "./reader.ts";

/** Where a handler writes. */
export type Target = "stdout" | "stderr" | "nowhere" | FileTarget;

export interface FileTarget {
  readonly path: string;
  /** Begin with an empty file. */
  readonly truncate: boolean;
}

export interface Handler {
  readonly title: string;
  readonly level: number;
  readonly target: Target;
  readonly formatter: Formatter;
  readonly filters: readonly Filter[];
  /** What of it, its formatter and its filters has no effect here. */
  readonly ignored: readonly string[];
}

export const FILE_HANDLER = "logging.FileHandler";

export function readHandlers(
  config: Members,
  formatters: ReadonlyMap<string, Formatter>,
  filters: ReadonlyMap<string, Filter>,
): ReadonlyMap<string, Handler> {
  const read = (entry: Entry): Handler => {
    const { target, ignored } = readTarget(entry);
    const formatter = readFormatterOf(entry, formatters);
    const own = readNames(entry, "filters", filters);
    return {
      title: entry.title,
      level: readLevel(entry) ?? 0,
      target,
      formatter,
      filters: own,
      ignored: [...ignored, ...formatter.ignored, ...own.flatMap((filter) => filter.ignored)],
    };
  };
  return new Map(readSection(config, "handlers", "handler").map(([name, entry]) => [name, read(entry)]));
}

function readFormatterOf(entry: Entry, formatters: ReadonlyMap<string, Formatter>): Formatter {
  const name = readText(entry, "formatter");
  if (name === undefined) return BARE_FORMATTER;
  const formatter = formatters.get(name);
  if (formatter !== undefined) return formatter;
  throw new DictConfigError(`${entry.title} names '${name}', which is not among formatters`);
}

function readTarget(entry: Entry): { target: Target; ignored: readonly string[] } {
  const className = readText(entry, "()") ?? readText(entry, "class");
  switch (className) {
    case undefined:
      throw new DictConfigError(`${entry.title} has no class`);
    case "logging.NullHandler":
      return { target: "nowhere", ignored: [] };
    case "logging.StreamHandler":
      return readStream(entry);
    case FILE_HANDLER:
      return readFile(entry);
    default:
      // Better on stdout than lost.
      return { target: "stdout", ignored: [`class ${className} of ${entry.title}, which writes to stdout instead`] };
  }
}

function readStream(entry: Entry): { target: Target; ignored: readonly string[] } {
  const stream = readText(entry, "stream") ?? "ext://sys.stderr";
  if (stream === "ext://sys.stdout") return { target: "stdout", ignored: [] };
  const ignored = stream === "ext://sys.stderr" ? [] : [`stream ${stream} of ${entry.title}, which writes to stderr`];
  return { target: "stderr", ignored };
}

function readFile(entry: Entry): { target: Target; ignored: readonly string[] } {
  const path = readText(entry, "filename");
  if (path === undefined) throw new DictConfigError(`${entry.title} has no filename`);
  const mode = readText(entry, "mode") ?? "a";
  const encoding = readText(entry, "encoding") ?? "utf-8";
  const ignored = [
    ...(mode === "a" || mode === "w" ? [] : [`mode ${mode} of ${entry.title}, which appends`]),
    ...(/^utf[-_]?8$/i.test(encoding) ? [] : [`encoding ${encoding} of ${entry.title}, which writes UTF-8`]),
  ];
  return { target: { path, truncate: mode === "w" }, ignored };
}
