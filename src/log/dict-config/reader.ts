import { LEVEL_NUMBERS } from "../levels.ts";

/** A configuration that Python's `logging.config.dictConfig` refuses, too; the message says why in one line. */
export class DictConfigError extends Error {
  override readonly name = "DictConfigError";
}

export type Members = Readonly<Record<string, unknown>>;

/** One entry of a section, say the handler `console`. */
export interface Entry {
  /** `handler 'console'` */
  readonly title: string;
  readonly members: Members;
}

export function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The entries of a section by name; a section may be absent, or empty in whatever way. */
export function readSection(config: Members, section: string, kind: string): [name: string, entry: Entry][] {
  const value = config[section] ?? {};
  if (!isMembers(value)) {
    if (Array.isArray(value) && value.length === 0) return [];
    throw new DictConfigError(`${section} is not an object`);
  }
  return Object.keys(value).map((name) => [name, readEntry(value[name], `${kind} '${name}'`)]);
}

export function readEntry(value: unknown, title: string): Entry {
  if (!isMembers(value)) throw new DictConfigError(`${title} is not an object`);
  return { title, members: value };
}

/** @returns undefined when there is none   @throws DictConfigError when it is something else */
export function readText({ title, members }: Entry, member: string): string | undefined {
  const value = members[member] ?? undefined;
  if (value === undefined || typeof value === "string") return value;
  throw new DictConfigError(`${title}: ${member} is not a string`);
}

/** Names of entries of another section, each of which must be there. */
export function readNames<T>({ title, members }: Entry, section: string, known: ReadonlyMap<string, T>): T[] {
  const names = members[section] ?? [];
  if (!Array.isArray(names)) throw new DictConfigError(`${title}: ${section} is not a list`);
  return names.map((name) => {
    const found = known.get(name);
    if (found === undefined) throw new DictConfigError(`${title} names '${name}', which is not among ${section}`);
    return found;
  });
}

const LEVEL_NAMES: ReadonlyMap<unknown, number> = new Map([
  ...Object.entries(LEVEL_NUMBERS),
  ["WARN", LEVEL_NUMBERS.WARNING],
  ["FATAL", LEVEL_NUMBERS.CRITICAL],
  ["NOTSET", 0],
]);

/** @returns undefined when there is none   @throws DictConfigError when it is no level */
export function readLevel({ title, members }: Entry): number | undefined {
  const level = members.level ?? undefined;
  if (level === undefined || (typeof level === "number" && Number.isInteger(level))) return level;
  const number = LEVEL_NAMES.get(level);
  if (number !== undefined) return number;
  throw new DictConfigError(
    `${title}: unknown level ${JSON.stringify(level)}; use DEBUG, INFO, WARNING, ERROR or CRITICAL`,
  );
}
