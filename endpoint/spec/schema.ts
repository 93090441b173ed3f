// The JSON Schemas that editors use are what files are checked against.
import { readFileSync } from "node:fs";
import { type Schema as Keywords, Validator } from "@cfworker/json-schema";
import { packageFile } from "../../src/host.ts";
import type { Path } from "./yaml.ts";

export type DocumentKind = "endpoint" | "deployment";

/** With the keyword that editors show when a pattern does not match. */
export type Schema = Keywords & { readonly patternErrorMessage?: string };

export interface SchemaError {
  readonly path: Path;
  readonly keyword: string;
  /** The schema that holds the keyword; for an unknown key the one that does not know it. */
  readonly schema: Schema;
  /** Of `required`: what is missing. */
  readonly missing: string | undefined;
}

const loaded = new Map<DocumentKind, { schema: Schema; validator: Validator }>();

function load(kind: DocumentKind): { schema: Schema; validator: Validator } {
  const known = loaded.get(kind);
  if (known !== undefined) return known;
  const text = readFileSync(packageFile(`endpoint/spec/schemas/online-${kind}.schema.json`), "utf8");
  const schema = JSON.parse(text) as Schema;
  const entry = { schema, validator: new Validator(schema, "2020-12", false) };
  loaded.set(kind, entry);
  return entry;
}

export function schemaOf(kind: DocumentKind): Schema {
  return load(kind).schema;
}

/** The schema that a `$ref` leads to. */
export function resolved(root: Schema, schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const target = (root.$defs as Record<string, Schema>)[schema.$ref.replace("#/$defs/", "")];
  return { ...target, ...schema, $ref: undefined } as unknown as Schema;
}

/** The schema of a key; undefined: the schema knows no such key. */
export function childSchema(root: Schema, schema: Schema, key: string): Schema | undefined {
  const { properties = {}, additionalProperties } = schema;
  if (Object.hasOwn(properties, key)) return resolved(root, properties[key] as Schema);
  return typeof additionalProperties === "object" ? resolved(root, additionalProperties) : undefined;
}

/** What the schema finds wrong, one thing for a place. */
export function validate(kind: DocumentKind, value: unknown): SchemaError[] {
  const { schema, validator } = load(kind);
  const errors: SchemaError[] = [];
  const wrongType = new Set<string>();
  for (const { instanceLocation, keyword, keywordLocation, error } of validator.validate(value).errors) {
    if (WRAPPERS.has(keyword)) continue;
    const path = pathOf(instanceLocation);
    if (keyword === "type") wrongType.add(instanceLocation);
    else if (wrongType.has(instanceLocation)) continue;
    const holder = keyword === "false" ? schemaAt(schema, path.slice(0, -1)) : holderOf(schema, keywordLocation);
    const missing = keyword === "required" ? /"(.*)"/s.exec(error)?.[1] : undefined;
    errors.push({ path, keyword, schema: holder, missing });
  }
  return errors;
}

/** Errors that say only that there are errors below. */
const WRAPPERS: ReadonlySet<string> = new Set(["properties", "additionalProperties", "items", "$ref", "if"]);

function pathOf(instanceLocation: string): string[] {
  return instanceLocation.split("/").slice(1).map(unescaped);
}

function unescaped(token: string): string {
  return decodeURIComponent(token).replaceAll("~1", "/").replaceAll("~0", "~");
}

/** The schema around a keyword, from `#/properties/a/$ref/enum`. */
function holderOf(root: Schema, keywordLocation: string): Schema {
  let holder: unknown = root;
  for (const token of keywordLocation.split("/").slice(1, -1).map(unescaped)) {
    if (token === "$ref") holder = resolved(root, holder as Schema);
    else holder = (holder as Record<string, unknown>)[token];
  }
  return holder as Schema;
}

/** The schema of what stands at a path. */
export function schemaAt(root: Schema, path: Path): Schema {
  let schema = root;
  for (const step of path) {
    const items = schema.items as Schema | undefined;
    schema = items === undefined ? (childSchema(root, schema, String(step)) ?? {}) : resolved(root, items);
  }
  return schema;
}
