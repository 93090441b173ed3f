import type { Document } from "../types.ts";
import { isMap, type Plain } from "./plain.ts";

/** Maps of the user's own: an update adds entries and removes none. */
const OWN_MAPS: ReadonlySet<string> = new Set(["tags", "properties", "environment_variables"]);
/** Maps of settings: an update changes the settings that it names. */
const SETTINGS: ReadonlySet<string> = new Set([
  "request_settings",
  "liveness_probe",
  "readiness_probe",
  "startup_probe",
  "scale_settings",
]);

/** Updates a document by a file, as Azure does it: the values of the file win, and everything else stays. Values that count as
 *  false in Python (0, false, empty) do not win. */
export function mergeDocuments(old: Document, update: Document): Document {
  return merged(old, update, isTrue);
}

/** The same, except that every value of the update wins: so a check of the result sees all that the update says. */
export function overlay(old: Document, update: Document): Document {
  return merged(old, update, () => true);
}

function merged(old: Plain, update: Plain, wins: (value: unknown) => boolean): Plain {
  const all = new Map<string, unknown>(Object.entries(old));
  for (const [key, value] of Object.entries(update)) {
    if (wins(value)) all.set(key, mergedValue(key, all.get(key), value, wins));
    else if (!all.has(key)) all.set(key, value);
  }
  return Object.fromEntries(all);
}

function mergedValue(key: string, old: unknown, value: unknown, wins: (value: unknown) => boolean): unknown {
  if (!isMap(old) || !isMap(value)) return value;
  if (OWN_MAPS.has(key)) return Object.fromEntries([...Object.entries(old), ...Object.entries(value)]);
  if (!SETTINGS.has(key)) return value;
  // Settings of one kind of scaling say nothing to the other.
  if (isTrue(value.type) && value.type !== old.type) return value;
  return merged(old, value, wins);
}

/** The part of a document that an update speaks of: merged into the old document, it makes the same document again.
 *  @param update as the file has it */
export function partOf(document: Document, update: Plain): Document {
  const picked = Object.keys(update).flatMap((key) => {
    if (!Object.hasOwn(document, key)) return [];
    const [value, said] = [document[key], update[key]];
    const isPart = (OWN_MAPS.has(key) || SETTINGS.has(key)) && isMap(value) && isMap(said);
    return [[key, isPart ? partOf(value, said) : value] as const];
  });
  return Object.fromEntries(picked);
}

/** Whether Python counts the value as true. */
function isTrue(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}
