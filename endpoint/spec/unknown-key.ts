// Which key a user meant who wrote an unknown one.
import { nearest } from "../../src/host.ts";
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
  const near = nearest(snake(key), keys);
  if (near !== undefined) return { message, cure: `Did you mean ${near}?`, meant: near };
  const elsewhere = placeOf(kind, snake(key));
  if (elsewhere !== undefined && elsewhere !== parent) {
    const cure = elsewhere === "" ? `${snake(key)} belongs at the top level.` : `It belongs below ${elsewhere}.`;
    return { message, cure };
  }
  const others = nearest(snake(key), Object.keys(schemaOf(other).properties ?? {}));
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
