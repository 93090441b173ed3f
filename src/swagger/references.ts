/** Keywords whose values are data, in which `$ref` means nothing. */
const DATA: ReadonlySet<string> = new Set(["const", "default", "enum", "example", "examples", "required"]);
/** Keywords that hold schemas by names of the author's. */
const MAPS: ReadonlySet<string> = new Set([
  "properties",
  "patternProperties",
  "dependentSchemas",
  "$defs",
  "definitions",
]);

/** A JSON Schema with every `$ref` replaced by what it means, because the documents have no place for definitions of
 *  scripts. A schema that contains itself ends in `{}`, as does a reference that leads nowhere. */
export function inlineReferences(root: unknown): unknown {
  return inline(root, root, []);
}

/** @param under references that are being replaced, outermost first */
function inline(schema: unknown, root: unknown, under: readonly string[]): unknown {
  if (Array.isArray(schema)) return schema.map((item) => inline(item, root, under));
  if (typeof schema !== "object" || schema === null) return schema;
  const { $ref, ...rest } = schema as Record<string, unknown>;
  const result: Record<string, unknown> = {};
  if (typeof $ref === "string" && !under.includes($ref)) {
    Object.assign(result, inline(resolve($ref, root), root, [...under, $ref]));
  }
  for (const [keyword, value] of Object.entries(rest)) {
    if (keyword === "$defs" || keyword === "definitions") continue;
    if (DATA.has(keyword)) result[keyword] = value;
    else if (MAPS.has(keyword)) result[keyword] = inlineValues(value, root, under);
    else result[keyword] = inline(value, root, under);
  }
  return result;
}

function inlineValues(map: unknown, root: unknown, under: readonly string[]): unknown {
  if (typeof map !== "object" || map === null) return map;
  return Object.fromEntries(Object.entries(map).map(([name, schema]) => [name, inline(schema, root, under)]));
}

/** @param reference `#`, `#/$defs/Row`, `#anchor` or the `$id` of a definition */
function resolve(reference: string, root: unknown): unknown {
  if (reference === "#") return root;
  if (!reference.startsWith("#/")) return findNamed(reference, root);
  let place: unknown = root;
  for (const part of reference.slice(2).split("/")) {
    const key = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof place !== "object" || place === null) return {};
    place = (place as Record<string, unknown>)[key];
  }
  return place;
}

function findNamed(name: string, root: unknown): unknown {
  const { $defs, definitions } = root as { $defs?: object; definitions?: object };
  for (const schema of Object.values<{ $id?: unknown; $anchor?: unknown }>({ ...definitions, ...$defs })) {
    if (schema.$id === name || `#${schema.$anchor}` === name) return schema;
  }
  return {};
}
