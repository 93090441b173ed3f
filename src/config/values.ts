import { MAX_PORT, type Setting } from "./settings.ts";

/** A value, or the reason why the text does not hold one. */
export type Parsed<T> = { readonly value: T } | { readonly reason: string };

// What Python takes for a blank: as JavaScript, but for two characters.
const BLANK = "(?:[^\\S\\ufeff]|\\x85)*";
const PYTHON_INTEGER = `^${BLANK}([+-]?\\d+(?:_\\d+)*)${BLANK}$`;
const PLAIN_INTEGER = /^-?\d+$/;

/** Of a setting that is the path of a page: there is none. */
export const OFF = "off";
/** Where the metrics are on a separate health port. */
export const METRICS_PATH = "/metrics";

/** The text as Python's `int()` reads it (contract CLI-4), digits of ASCII only; undefined if it is not a whole number. */
export function parseInteger(text: string): number | undefined {
  // The usual case, apart: to compile the other takes a millisecond.
  const digits = PLAIN_INTEGER.test(text) ? text : new RegExp(PYTHON_INTEGER).exec(text)?.[1]?.replaceAll("_", "");
  // Without the sign of a zero.
  return digits === undefined ? undefined : Number(digits) + 0;
}

const TRUE = ["true", "1", "yes", "on", "t", "y"];
const FALSE = ["false", "0", "no", "off", "f", "n"];

/** Reads the text of an `integer` setting. The reason of a worker setting is worded as CFG-8 has it. */
export function readInteger(setting: Setting, text: string): Parsed<number> {
  const asWorker = setting.scope === "worker";
  // The script server also takes "1000.0" (CFG-7); the launcher does not (CLI-4).
  const value = parseInteger(asWorker ? text.replace(/(\d)\.0+(\s*)$/, "$1$2") : text);
  const { min = -Number.MAX_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = setting;
  if (value !== undefined && value >= min && value <= max) return { value };
  if (!asWorker) return { reason: `must be ${rangeText(setting)}` };
  if (value === undefined) {
    return { reason: "Input should be a valid integer, unable to parse string as an integer" };
  }
  return {
    reason: `Input should be ${value < min ? `greater than or equal to ${min}` : `less than or equal to ${max}`}`,
  };
}

/** Reads the text of a `boolean` setting (contract ENV-5). */
export function readBoolean(text: string): Parsed<boolean> {
  const word = text.toLowerCase();
  if (TRUE.includes(word)) return { value: true };
  if (FALSE.includes(word)) return { value: false };
  return { reason: "Input should be a valid boolean, unable to interpret input" };
}

/** Reads the text of a `choice` setting. Worker settings may be in any case (contract ENV-15). */
export function readChoice(setting: Setting, text: string): Parsed<string> {
  const choices = setting.choices ?? [];
  const asWorker = setting.scope === "worker";
  const value = choices.find((choice) => choice === (asWorker ? text.trim().toUpperCase() : text));
  if (value !== undefined) return { value };
  if (!asWorker) return { reason: `must be ${listed(choices)}` };
  return { reason: `Input should be ${listed(choices.map((choice) => `'${choice}'`))}` };
}

export interface Address {
  readonly host: string;
  readonly port: number;
  /** Present and true: the separate health port. */
  readonly health?: true;
}

/** Reads the text of an `address` setting; IPv6 stands in brackets. */
export function readAddress(text: string): Parsed<Address> {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > MAX_PORT) return { reason: "must be host:port" };
  return { value: { host: match[1] ?? match[2]!, port } };
}

function rangeText({ min, max }: Setting): string {
  if (max !== undefined) return `a whole number from ${min} to ${max}`;
  return min === undefined ? "a whole number" : `a whole number, ${min} or more`;
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
