import { type Filter, type Handler, type LoggerConfig, type LoggingConfig, ROOT } from "./dict-config.ts";
import type { LogLevel } from "./levels.ts";
import { LEVEL_NUMBERS } from "./levels.ts";

/** What writes as if there were no configuration, where that leaves a logger alone. */
export type BuiltIn = "built-in";

/** What becomes of the records of one logger. */
export interface LoggerRules {
  /** Number of the least level that is written. */
  readonly threshold: number;
  readonly filters: readonly Filter[];
  /** In the order in which they write. Empty: Python's last resort, warnings without decoration on stderr. */
  readonly handlers: readonly (Handler | BuiltIn)[];
}

interface Node {
  /** Undefined: that of the parent. */
  level: number | undefined;
  propagate: boolean;
  disabled: boolean;
  handlers: readonly (Handler | BuiltIn)[];
  filters: readonly Filter[];
}

/** Python's threshold for the root logger. */
const ROOT_THRESHOLD = LEVEL_NUMBERS.WARNING;

/** What `dictConfig` makes of the server's loggers as they are without configuration (contract LOG-7).
 *  @param threshold that of logger `azmlinfsrv`   @returns the rules of any logger below */
export function applyConfig(config: LoggingConfig, threshold: LogLevel): (logger: string) => LoggerRules {
  const nodes = new Map<string, Node>([
    ["azmlinfsrv", existing(LEVEL_NUMBERS[threshold])],
    ["gunicorn.access", existing(LEVEL_NUMBERS.INFO)],
  ]);
  if (!config.incremental) for (const [name, node] of nodes) reset(node, name, config);
  for (const [name, settings] of config.loggers) {
    const node = nodes.get(name) ?? fresh();
    nodes.set(name, node);
    change(node, settings, config.incremental);
  }
  return (logger) => rulesOf(logger, nodes);
}

function existing(level: number): Node {
  return { ...fresh(), level, propagate: false, handlers: ["built-in"] };
}

function fresh(): Node {
  return { level: undefined, propagate: true, disabled: false, handlers: [], filters: [] };
}

/** What a whole configuration does to a logger that was there before. */
function reset(node: Node, name: string, { loggers, disableExisting }: LoggingConfig): void {
  if (loggers.has(name)) return;
  const isBelow = [...loggers.keys()].some((other) => other !== ROOT && name.startsWith(`${other}.`));
  if (isBelow) Object.assign(node, fresh());
  else node.disabled = disableExisting;
}

function change(node: Node, { level, propagate, handlers, filters }: LoggerConfig, incremental: boolean): void {
  if (level !== undefined) node.level = level === 0 ? undefined : level;
  if (propagate !== undefined) node.propagate = propagate;
  if (incremental) return;
  node.handlers = handlers;
  node.filters = filters;
}

function rulesOf(logger: string, nodes: ReadonlyMap<string, Node>): LoggerRules {
  const line = ancestry(logger).flatMap((name) => nodes.get(name) ?? []);
  const own = nodes.get(logger);
  if (own?.disabled) return { threshold: Number.POSITIVE_INFINITY, filters: [], handlers: [] };
  const handlers: (Handler | BuiltIn)[] = [];
  for (const node of line) {
    handlers.push(...node.handlers);
    if (!node.propagate) break;
  }
  const level = line.find((node) => node.level !== undefined)?.level ?? ROOT_THRESHOLD;
  return { threshold: level, filters: own?.filters ?? [], handlers };
}

/** The logger's name and those above it, down to the root's. */
function ancestry(logger: string): string[] {
  const parts = logger.split(".");
  return [...parts.map((_, index) => parts.slice(0, parts.length - index).join(".")), ROOT];
}
