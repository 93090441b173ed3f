import type { Document } from "../types.ts";
import { isMap, type Plain } from "./plain.ts";

/** Maps of the user's own: what an update says is added, and nothing goes. */
const OWN_MAPS: ReadonlySet<string> = new Set(["tags", "properties", "environment_variables"]);
/** Maps of settings: each counts by itself. */
const SETTINGS: ReadonlySet<string> = new Set([
  "request_settings",
  "liveness_probe",
  "readiness_probe",
  "startup_probe",
  "scale_settings",
]);

/** A document updated by a file, as Azure does it: what the file says wins, what it leaves out stays. Values that count as
 *  false in Python (0, false, empty) do not win. */
export function mergeDocuments(old: Document, update: Document): Document {
  const merged = new Map<string, unknown>(Object.entries(old));
  for (const [key, value] of Object.entries(update)) {
    if (!isTrue(value)) {
      if (!merged.has(key)) merged.set(key, value);
      continue;
    }
    merged.set(key, mergedValue(key, merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

function mergedValue(key: string, old: unknown, value: unknown): unknown {
  if (!isMap(old) || !isMap(value)) return value;
  if (OWN_MAPS.has(key)) return Object.fromEntries([...Object.entries(old), ...Object.entries(value)]);
  if (!SETTINGS.has(key)) return value;
  // Settings of one kind of scaling say nothing to the other.
  if (isTrue(value.type) && value.type !== old.type) return value;
  return mergeDocuments(old, value as Plain);
}

/** Python's idea of it. */
function isTrue(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}
