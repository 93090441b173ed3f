import { BadInputError } from "../../core/errors.ts";
import { UNREADABLE } from "../types.ts";

/** The request cannot be read. */
export function unreadable(message: string): BadInputError {
  const report = { type: UNREADABLE, message, traceback: message, location: null };
  return new BadInputError("ERR_BAD_INPUT", message, { report });
}

/** The data does not fit the model. */
export function misfit(message: string): BadInputError {
  return new BadInputError("ERR_BAD_INPUT", message);
}

/** Of names that a message quotes, and of their characters: a message is no place for the caller's data. */
const MAX_NAMES = 10;
const MAX_NAME_LENGTH = 60;

/** `['a', 'b']` */
export function listNames(names: readonly string[]): string {
  const told = names.slice(0, MAX_NAMES).map(quoteName);
  if (names.length > MAX_NAMES) told.push("...");
  return `[${told.join(", ")}]`;
}

export function quoteName(name: string): string {
  return `'${name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}...` : name}'`;
}

/** What a value is, for a message. */
export function kindOf(value: unknown): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return String(value);
  if (typeof value === "bigint") {
    const digits = String(value);
    return digits.length > MAX_NAME_LENGTH ? `an integer of ${digits.length} digits` : digits;
  }
  if (typeof value === "string") return "a string";
  return Array.isArray(value) ? "a list" : "an object";
}
