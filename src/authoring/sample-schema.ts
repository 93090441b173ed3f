import { exampleOf } from "../swagger/example.ts";
import { inlineReferences } from "../swagger/references.ts";
import { isStandardSchema, type JsonObject, jsonSchemaOf } from "./standard.ts";

/** What a sample says of values of its kind (contract IS-20, IS-21). */
export interface SampleDescription {
  /** With the sample as its `example`. */
  readonly jsonSchema: JsonObject;
  readonly inSwagger2: boolean;
}

/** @throws TypeError for null, undefined, and what JSON cannot hold */
export function describeSample(value: unknown): SampleDescription {
  if (value === null || value === undefined) throw new TypeError(`Sample cannot be ${value}`);
  const example = toExample(value, []);
  return { jsonSchema: { ...schemaOf(value), example }, inSwagger2: !hasMixedList(value) };
}

export function isPlainObject(value: unknown): value is JsonObject {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function schemaOf(value: unknown): JsonObject {
  if (isStandardSchema(value)) {
    const { example, ...schema } = libraryOrSample(value);
    return schema;
  }
  if (typeof value === "string") return { type: "string" };
  if (typeof value === "boolean") return { type: "boolean" };
  if (typeof value === "number") return numberSchema(Number.isInteger(value));
  if (value instanceof Uint8Array) return { type: "string", format: "byte" };
  if (value instanceof Date) return { type: "string", format: "date-time" };
  if (Array.isArray(value)) return { type: "array", items: itemSchema(value) };
  if (!isPlainObject(value)) return { type: "object" };
  const properties = Object.entries(value).map(([name, member]) => [name, schemaOf(member)]);
  return { type: "object", required: Object.keys(value), properties: Object.fromEntries(properties) };
}

/** Of the last item, as Python samples have it. JavaScript writes 1.0 as 1, so numbers count together. */
function itemSchema(items: readonly unknown[]): JsonObject {
  if (items.length === 0) return { type: "object" };
  if (items.every((item) => typeof item === "number")) return numberSchema(items.every(Number.isInteger));
  const last: unknown = items.at(-1);
  if (!Array.isArray(last) || !items.every(Array.isArray)) return schemaOf(last);
  // Rows of numbers, some of them whole, are rows of numbers.
  const rows = items.flat();
  return rows.length > 0 && rows.every((item) => typeof item === "number" || Array.isArray(item))
    ? { type: "array", items: itemSchema(rows) }
    : schemaOf(last);
}

function numberSchema(isWhole: boolean): JsonObject {
  return isWhole ? { type: "integer", format: "int64" } : { type: "number", format: "double" };
}

function libraryOrSample(schema: Parameters<typeof jsonSchemaOf>[0]): JsonObject {
  const own = (schema as { jsonSchema?: JsonObject }).jsonSchema;
  if (schema["~standard"].vendor === "scorefn" && own !== undefined) return own;
  const found = jsonSchemaOf(schema);
  return found === undefined ? {} : (inlineReferences(found) as JsonObject);
}

/** @param parents the objects `value` lies in, outermost first */
function toExample(value: unknown, parents: readonly unknown[]): unknown {
  if (isStandardSchema(value)) return exampleOf(libraryOrSample(value));
  if (value instanceof Date) return timestamp(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (parents.includes(value)) throw notJson("a circular reference");
  const inside = [...parents, value];
  if (Array.isArray(value)) return value.map((item) => toExample(item, inside));
  if (!isPlainObject(value)) throw notJson(nameOf(value));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toExample(member, inside)]));
}

/** `2020-01-02 03:04:05.006000 +0000`, as the reference writes it. */
function timestamp(date: Date): string {
  return date.toISOString().replace("T", " ").replace("Z", "000 +0000");
}

function notJson(what: string): TypeError {
  return new TypeError(
    `Invalid data sample provided: ensure that the data is fully JSON serializable to be able to generate swagger schema from it. Actual error: ${what} is not JSON serializable`,
  );
}

function nameOf(value: unknown): string {
  if (typeof value === "object" && value !== null) return `an object of ${value.constructor?.name ?? "no class"}`;
  return typeof value === "number" || value === undefined ? String(value) : `a ${typeof value}`;
}

/** Objects in lists are not looked into (contract IS-20). */
function hasMixedList(value: unknown): boolean {
  if (Array.isArray(value)) {
    if (new Set(value.map(kindOf)).size > 1) return true;
    return value.some((item) => Array.isArray(item) && hasMixedList(item));
  }
  return isPlainObject(value) && Object.values(value).some(hasMixedList);
}

function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value);
}
