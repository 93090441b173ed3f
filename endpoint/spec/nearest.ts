// Which key a user meant who wrote an unknown one.
import { shown } from "./problem.ts";
import { childSchema, type DocumentKind, type Schema, schemaOf } from "./schema.ts";
import type { Path } from "./yaml.ts";

export interface KeyProblem {
  readonly message: string;
  readonly cure: string;
  /** The key beside it that was meant. */
  readonly meant?: string;
}

/** @param known the schema that does not know the key */
export function unknownKey(kind: DocumentKind, known: Schema, path: Path): KeyProblem {
  const key = String(path.at(-1));
  const parent = path.slice(0, -1).join(".");
  const where = parent === "" ? `an ${kind === "endpoint" ? "endpoint" : "online deployment"}` : parent;
  const message = `${shownKey(key)} is not a key of ${where}`;
  const keys = Object.keys(known.properties ?? {});

  const yamlKey = keyOfRest(key, keys);
  if (yamlKey !== undefined) {
    return { message: `${key} is a name of Azure's REST API`, cure: `In YAML the key is ${yamlKey}.`, meant: yamlKey };
  }
  if (parent === "environment" && ["channels", "dependencies"].includes(key)) {
    const cure = "Move it below environment.conda_file.";
    return { message: `${key} belongs to conda's file, not to environment`, cure };
  }
  const other = kind === "endpoint" ? "deployment" : "endpoint";
  const isOthers = parent === "" && Object.hasOwn(schemaOf(other).properties ?? {}, snake(key));
  if (isOthers) {
    const owner = other === "endpoint" ? "the endpoint" : "a deployment";
    return { message: `${message}: it belongs to ${owner}`, cure: `Move it to the ${other}'s file.` };
  }
  const near = nearest(key, keys);
  if (near !== undefined) return { message, cure: `Did you mean ${near}?`, meant: near };
  const elsewhere = placeOf(kind, snake(key));
  if (elsewhere !== undefined && elsewhere !== parent) {
    const cure = elsewhere === "" ? `${snake(key)} belongs at the top level.` : `It belongs below ${elsewhere}.`;
    return { message, cure };
  }
  const others = nearest(key, Object.keys(schemaOf(other).properties ?? {}));
  if (parent === "" && others !== undefined) {
    return { message, cure: `${others} is a key of the ${other}; move it to its file.` };
  }
  return { message, cure: `Valid keys are ${keys.filter((name) => !UNUSUAL.has(name)).join(", ")}.` };
}

/** Keys that are not worth naming in a message. */
const UNUSUAL: ReadonlySet<string> = new Set([
  "$schema",
  "id",
  "kind",
  "openapi_uri",
  "provisioning_state",
  "scoring_uri",
  "startup_probe",
  "creation_context",
]);

/** Unknown keys may be long, or have line ends. */
function shownKey(key: string): string {
  return /^[\w$.-]{1,60}$/.test(key) ? key : shown(key);
}

/** A name of Azure's REST API as the YAML key. */
function keyOfRest(key: string, keys: readonly string[]): string | undefined {
  const spelt = snake(key);
  if (spelt !== key && keys.includes(spelt)) return spelt;
  const renamed = Object.hasOwn(REST_NAMES, key) ? REST_NAMES[key] : undefined;
  return renamed !== undefined && keys.includes(renamed) ? renamed : undefined;
}

/** Names that differ by more than their spelling. */
const REST_NAMES: Readonly<Record<string, string>> = {
  environmentId: "environment",
  codeId: "code",
  endpointComputeType: "type",
  requestTimeout: "request_timeout_ms",
  maxQueueWait: "max_queue_wait_ms",
  scaleType: "type",
  sku: "instance_count",
  capacity: "instance_count",
  containerResourceRequirements: "resources",
  containerResourceLimits: "limits",
  containerResourceRequests: "requests",
  modelUri: "path",
  condaFile: "conda_file",
  gpu: "nvidia.com/gpu",
};

/** `requestTimeoutMs` as `request_timeout_ms`. */
function snake(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toLowerCase();
}

/** The path of the map that knows a key; undefined: none does. */
function placeOf(kind: DocumentKind, key: string): string | undefined {
  const root = schemaOf(kind);
  const search = (schema: Schema, path: string): string | undefined => {
    if (Object.hasOwn(schema.properties ?? {}, key)) return path;
    for (const name of Object.keys(schema.properties ?? {})) {
      const child = childSchema(root, schema, name);
      const found = child === undefined ? undefined : search(child, path === "" ? name : `${path}.${name}`);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return TOO_COMMON.has(key) ? undefined : search(root, "");
}

/** Keys of many maps: where one of them belongs is a guess. */
const TOO_COMMON: ReadonlySet<string> = new Set([
  "name",
  "type",
  "path",
  "version",
  "description",
  "tags",
  "properties",
  "enabled",
  "port",
  "data",
  "id",
]);

/** The word that the user is likely to have mistyped; undefined: none of the words is similar. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const spelt = snake(word);
  let best: string | undefined;
  let least = Math.max(2, Math.floor(spelt.length / 3)) + 1;
  for (const candidate of words) {
    if (Math.abs(candidate.length - spelt.length) >= least) continue;
    const distance = edits(spelt, candidate);
    // Short words are close to each other even when they share no letter.
    if (distance < least && distance < Math.max(spelt.length, candidate.length) - 1)
      [best, least] = [candidate, distance];
  }
  return best;
}

/** Letters to insert, drop, change or swap with their neighbour. */
function edits(one: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1];
      let least = Math.min(row[j - 1]! + 1, rows[i - 1]![j]! + 1, rows[i - 1]![j - 1]! + (same ? 0 : 1));
      const isSwapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      if (isSwapped) least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows.at(-1)!.at(-1)!;
}
