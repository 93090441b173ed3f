// JSON Schema in the words of each version of the documents: Swagger 2 knows little of it, OpenAPI 3.0 some, OpenAPI 3.1
// all. What a version cannot say is left out, so its schema allows more, never less.

import type { SwaggerVersion } from "../core/swagger-versions.ts";
import { type Canonical, canonical, type Schema } from "./canonical.ts";

/** @param schema JSON Schema without references   @returns the same for `version`, its keywords in the order of IS-18 */
export function toDialect(schema: unknown, version: SwaggerVersion): Schema {
  if (schema === false) return version === "2" ? {} : { not: {} };
  if (typeof schema !== "object" || schema === null) return {};
  const plain = canonical(schema as Schema);
  const result: Schema = {};
  const put = (keyword: string, value: unknown): void => {
    if (value !== undefined) result[keyword] = value;
  };
  writeType(plain, version, put);
  put("format", plain.keywords.format ?? defaultFormat(plain));
  writeItems(plain, version, put);
  writeProperties(plain.keywords, version, put);
  writeOptions(plain, version, put);
  writeValues(plain, version, put);
  for (const [keyword, value] of Object.entries(plain.keywords)) {
    if (isKnown(keyword, version) && !(keyword in result)) put(keyword, value);
  }
  writeBounds(plain, version, result);
  const { example } = plain.keywords;
  delete result.example;
  put("example", example);
  return result;
}

type Put = (keyword: string, value: unknown) => void;

function writeType({ types, nullable, options, keywords }: Canonical, version: SwaggerVersion, put: Put): void {
  if (version === "3.1") {
    const all =
      nullable && (types.length > 0 || options === undefined) && !isListed(keywords) ? [...types, "null"] : types;
    put("type", all.length > 1 ? all : all[0]);
    return;
  }
  if (types.length === 1) put("type", types[0]);
  else if (types.length === 0 && version === "2") put("type", commonType(options));
  if (nullable) put(version === "2" ? "x-nullable" : "nullable", true);
}

/** Values without a type are listed with null among them. */
function isListed({ type, enum: values }: Schema): boolean {
  return type === undefined && Array.isArray(values);
}

function commonType(options: readonly unknown[] | undefined): string | undefined {
  const types = new Set((options ?? []).map((option) => toDialect(option, "2").type));
  const [only] = types;
  return types.size === 1 && typeof only === "string" ? only : undefined;
}

/** What samples say of numbers, so that both describe alike. */
function defaultFormat({ types }: Canonical): string | undefined {
  if (types.length !== 1) return undefined;
  return types[0] === "integer" ? "int64" : types[0] === "number" ? "double" : undefined;
}

function writeItems({ types, keywords }: Canonical, version: SwaggerVersion, put: Put): void {
  const { prefixItems, items, maxItems } = keywords;
  if (!Array.isArray(prefixItems)) {
    if (items !== undefined) put("items", items === false ? {} : toDialect(items, version));
    else if (version !== "3.1" && types.includes("array")) put("items", {}); // which these versions insist on
    if (items === false) put("maxItems", 0);
    return;
  }
  const each = prefixItems.map((item) => toDialect(item, version));
  if (version === "3.1") {
    put("prefixItems", each);
    if (items !== undefined) put("items", items === false ? false : toDialect(items, version));
    return;
  }
  if (items !== undefined && items !== false) each.push(toDialect(items, version));
  const kinds = [...new Map(each.map((item) => [JSON.stringify(item), item])).values()];
  const isOpen = items === undefined;
  put("items", isOpen || (kinds.length > 1 && version === "2") ? {} : kinds.length === 1 ? kinds[0] : { anyOf: kinds });
  put("maxItems", maxItems ?? (items === false ? prefixItems.length : undefined));
}

function writeProperties(keywords: Schema, version: SwaggerVersion, put: Put): void {
  const { required, properties, additionalProperties, patternProperties, propertyNames } = keywords;
  if (Array.isArray(required) && required.length > 0) put("required", required);
  put("properties", mapValues(properties, version));
  if (version === "3.1") {
    put("patternProperties", mapValues(patternProperties, version));
    // Every name is a string.
    if (JSON.stringify(propertyNames) !== '{"type":"string"}') put("propertyNames", propertyNames);
  }
  const isCut = version !== "3.1" && patternProperties !== undefined;
  if (typeof additionalProperties === "boolean") put("additionalProperties", isCut || additionalProperties);
  else if (additionalProperties !== undefined) {
    put("additionalProperties", isCut ? true : toDialect(additionalProperties, version));
  }
}

function mapValues(map: unknown, version: SwaggerVersion): Schema | undefined {
  if (typeof map !== "object" || map === null) return undefined;
  return Object.fromEntries(Object.entries(map).map(([name, schema]) => [name, toDialect(schema, version)]));
}

/** Choices and combinations; Swagger 2 has only `allOf`. */
function writeOptions({ types, nullable, options, keywords }: Canonical, version: SwaggerVersion, put: Put): void {
  const all = (list: unknown): Schema[] | undefined =>
    Array.isArray(list) ? list.map((schema) => toDialect(schema, version)) : undefined;
  put("allOf", all(keywords.allOf));
  if (version === "2") return;
  if (keywords.not !== undefined) put("not", toDialect(keywords.not, version));
  put("oneOf", all(keywords.oneOf));
  if (options !== undefined) {
    const choices = all(options)!;
    if (nullable && types.length === 0) choices.push(toDialect({ type: "null" }, version));
    put("anyOf", choices);
  } else if (version === "3" && types.length > 1) {
    put(
      "anyOf",
      types.map((type) => toDialect({ type }, version)),
    );
  }
}

function writeValues({ types, nullable, options, keywords }: Canonical, version: SwaggerVersion, put: Put): void {
  if ("const" in keywords) {
    if (version === "3.1" && !nullable) put("const", keywords.const);
    else put("enum", nullable ? [keywords.const, null] : [keywords.const]);
  } else if (Array.isArray(keywords.enum)) {
    put("enum", nullable && !keywords.enum.includes(null) ? [...keywords.enum, null] : keywords.enum);
  } else if (nullable && types.length === 0 && options === undefined && version !== "3.1") put("enum", [null]);
}

/** 3.1 gives an exclusive bound as a number of its own, the others say of a bound that it is exclusive. */
function writeBounds({ keywords }: Canonical, version: SwaggerVersion, result: Schema): void {
  for (const [bound, exclusive, tighter] of BOUNDS) {
    const limit = keywords[exclusive];
    const plain = keywords[bound];
    if (version === "3.1") {
      if (limit === true && plain !== undefined) {
        result[exclusive] = plain;
        delete result[bound];
      } else if (typeof limit === "boolean") delete result[exclusive];
    } else if (typeof limit === "number") {
      const isTighter = typeof plain !== "number" || tighter(limit, plain) === limit;
      if (isTighter) Object.assign(result, { [bound]: limit, [exclusive]: true });
      else delete result[exclusive];
    }
  }
}

const BOUNDS = [
  ["minimum", "exclusiveMinimum", Math.max],
  ["maximum", "exclusiveMaximum", Math.min],
] as const;

/** Keywords that mean the same in all versions, and that no function above writes. */
const EVERYWHERE =
  /^(title|description|default|multipleOf|exclusive(Max|Min)imum|(max|min)(imum|Length|Items|Properties)|pattern|uniqueItems|readOnly|externalDocs|xml|x-.*)$/;
const SINCE_3 = /^(writeOnly|deprecated)$/;
/** Of JSON Schema itself; `$…` has no meaning once references are replaced. */
const NOT_IN_3_1 =
  /^(\$.*|~standard|definitions|type|nullable|const|enum|examples?|format|items|prefixItems|additionalItems|required|properties|additionalProperties|patternProperties|propertyNames|allOf|anyOf|oneOf|not)$/;

function isKnown(keyword: string, version: SwaggerVersion): boolean {
  if (version === "3.1") return !NOT_IN_3_1.test(keyword);
  return EVERYWHERE.test(keyword) || (version === "3" && SINCE_3.test(keyword));
}
