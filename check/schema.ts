// Values against JSON Schemas, those of OpenAPI's older versions included.
import { type OutputUnit, type Schema, type SchemaDraft, Validator } from "@cfworker/json-schema";

/** Which words a schema is written in. */
export type Dialect = "2" | "3" | "3.1";

/** Faults of one value that are told: the others are probably like them. */
const MAX_FAULTS = 5;

export function isSchema(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Why nothing can be checked by this schema; undefined: it can. */
export function schemaProblem(schema: object): string | undefined {
  try {
    // References are followed only when a value needs them.
    new Validator(schema as Schema, draftOf(schema), false).validate({});
    return undefined;
  } catch (error) {
    return `cannot be used: ${(error as Error).message.split("\n")[0]}`;
  }
}

/** What is wrong with a value, one line each; empty: nothing.
 *  @param root holds what the schema refers to */
export function schemaFaults(value: unknown, schema: object, dialect?: Dialect, root: object = {}): string[] {
  const isOld = dialect === "2" || dialect === "3";
  const whole = { ...root, ...schema };
  try {
    // The validator writes into what it is given.
    const used = isOld ? (modern(whole) as object) : structuredClone(whole);
    const validator = new Validator(used as Schema, isOld ? "4" : draftOf(schema), false);
    return faultsOf(validator.validate(value).errors);
  } catch (error) {
    return [`the schema cannot be used: ${(error as Error).message.split("\n")[0]}`];
  }
}

/** Faults without those that only say that there are faults inside. */
export function faultsOf(errors: readonly OutputUnit[]): string[] {
  const telling = errors.filter(
    ({ keyword, keywordLocation }) =>
      keyword !== "false" &&
      !(WRAPPERS.has(keyword) && errors.some((other) => other.keywordLocation.startsWith(`${keywordLocation}/`))),
  );
  const lines = (telling.length > 0 ? telling : errors).map(
    ({ instanceLocation, error }) => `${pathOf(instanceLocation)}: ${worded(error)}`,
  );
  return [...new Set(lines)].slice(0, MAX_FAULTS);
}

const WRAPPERS: ReadonlySet<string> = new Set([
  "properties",
  "patternProperties",
  "additionalProperties",
  "items",
  "prefixItems",
  "additionalItems",
  "allOf",
  "anyOf",
  "oneOf",
  "$ref",
  "if",
  "then",
  "else",
  "dependentSchemas",
]);

/** `#/a/0` as `$.a[0]`. */
function pathOf(pointer: string): string {
  const steps = pointer.split("/").slice(1);
  return `$${steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${decoded(step)}`)).join("")}`;
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return step;
  }
}

function worded(error: string): string {
  const types = /^Instance type "(.*)" is invalid\. Expected "(.*)"\.$/.exec(error);
  if (types !== null) return `expected ${types[2]!.replaceAll('", "', " or ")}, received ${types[1]}`;
  return error.replace(/^Instance /, "").replace(/\.$/, "");
}

function draftOf(schema: object): SchemaDraft {
  const uri = String((schema as { $schema?: unknown }).$schema);
  if (uri.includes("draft-04")) return "4";
  if (/draft-0[67]/.test(uri)) return "7";
  return uri.includes("2019-09") ? "2019-09" : "2020-12";
}

/** OpenAPI 2 and 3.0 say in words of their own that null is allowed. Examples are no schemas, whatever they look like. */
function modern(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(modern);
  if (typeof schema !== "object" || schema === null) return schema;
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    result[key] = DATA_KEYS.has(key) ? value : modern(value);
  }
  if (result.nullable !== true && result["x-nullable"] !== true) return result;
  if (typeof result.type === "string") result.type = [result.type, "null"];
  if (Array.isArray(result.enum) && !result.enum.includes(null)) result.enum = [...result.enum, null];
  return result;
}

const DATA_KEYS: ReadonlySet<string> = new Set(["example", "default", "enum"]);
