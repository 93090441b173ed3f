import { localTimestamp, utcTimestamp } from "./format.ts";
import type { LogLevel } from "./levels.ts";
import { LEVEL_NUMBERS } from "./levels.ts";

/** A format of Python's logging, style `%`, ready to write records. */
export interface Pattern {
  /** Fields it asks for that records do not have here; a dash stands for each. */
  readonly missing: readonly string[];
  /** The writer of one logger's records of one level: what never changes is written out now. */
  bind(level: LogLevel, pid: number, logger: string): RecordWriter;
}

/** @param timeMs milliseconds since the epoch   @returns the record without the newline */
export type RecordWriter = (timeMs: number, message: string) => string;

const FIELD = /%(?:%|\((?<name>\w+)\)(?<flags>[#0+ -]*)(?<width>\d+)?(?:\.(?<precision>\d+))?(?<type>[a-zA-Z]))/g;
const CONSTANT_FIELDS = ["levelname", "levelno", "process", "name"];
const CHANGING_FIELDS = ["asctime", "message"];

interface Field {
  readonly name: string;
  /** Pads and cuts a value as the format says. */
  readonly fitted: (value: string) => string;
}

export function parsePattern(format: string, clock: "utc" | "local"): Pattern {
  const parts = splitFormat(format);
  const timestamp = clock === "utc" ? utcTimestamp : localTimestamp;
  const names = parts.flatMap((part) => (typeof part === "string" ? [] : part.name));
  return {
    missing: [...new Set(names)].filter((name) => !CONSTANT_FIELDS.includes(name) && !CHANGING_FIELDS.includes(name)),
    bind(level, pid, logger) {
      const constants: Readonly<Record<string, string>> = {
        levelname: level,
        levelno: String(LEVEL_NUMBERS[level]),
        process: String(pid),
        name: logger,
      };
      const pieces = parts.map((part): string | RecordWriter => {
        if (typeof part === "string") return part;
        const { name, fitted } = part;
        if (name === "message") return (_timeMs, message) => fitted(message);
        if (name === "asctime") return (timeMs) => fitted(timestamp(timeMs));
        return fitted(constants[name] ?? "-");
      });
      return concatenation(pieces);
    },
  };
}

/** Whether Python takes it for a format at all. */
export function hasField(format: string): boolean {
  return [...format.matchAll(FIELD)].some((match) => match.groups?.name !== undefined);
}

function splitFormat(format: string): (string | Field)[] {
  const parts: (string | Field)[] = [];
  let end = 0;
  for (const match of format.matchAll(FIELD)) {
    parts.push(format.slice(end, match.index));
    end = match.index + match[0].length;
    const { name, flags = "", width, precision, type } = match.groups!;
    parts.push(
      name === undefined ? "%" : { name, fitted: fitting(flags, Number(width ?? 0), precision, type === "d") },
    );
  }
  parts.push(format.slice(end));
  return parts;
}

function fitting(flags: string, width: number, precision: string | undefined, isNumber: boolean): Field["fitted"] {
  if (width === 0 && precision === undefined) return (value) => value;
  const limit = precision === undefined || isNumber ? Number.POSITIVE_INFINITY : Number(precision);
  if (flags.includes("-")) return (value) => value.slice(0, limit).padEnd(width);
  const filler = isNumber && flags.includes("0") ? "0" : " ";
  return (value) => value.slice(0, limit).padStart(width, filler);
}

function concatenation(pieces: readonly (string | RecordWriter)[]): RecordWriter {
  const joined: (string | RecordWriter)[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (typeof piece === "string" && typeof last === "string") joined[joined.length - 1] = last + piece;
    else joined.push(piece);
  }
  return (timeMs, message) => {
    let text = "";
    for (const piece of joined) text += typeof piece === "string" ? piece : piece(timeMs, message);
    return text;
  };
}
