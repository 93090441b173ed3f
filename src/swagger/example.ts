type Schema = Readonly<Record<string, unknown>>;

/** Texts of the formats that clients check. */
const TEXTS: Readonly<Record<string, string>> = {
  byte: "YWJj",
  date: "2020-01-02",
  "date-time": "2020-01-02T03:04:05Z",
  email: "name@example.com",
  time: "03:04:05Z",
  uri: "https://example.com/",
  uuid: "123e4567-e89b-42d3-a456-426614174000",
};

/** An example of a JSON Schema without references: the author's own (`example`, `examples`, `default`), else the simplest
 *  value of its type, which need not be within bounds. To be read: an author who wants more gives one. */
export function exampleOf(schema: unknown): unknown {
  if (!isSchema(schema)) return "";
  for (const keyword of ["example", "default", "const"]) if (keyword in schema) return schema[keyword];
  for (const keyword of ["examples", "enum"]) {
    const [first] = listOf(schema, keyword);
    if (first !== undefined) return first;
  }
  const options = ["anyOf", "oneOf", "allOf"].flatMap((keyword) => listOf(schema, keyword));
  if (options.length > 0 && !("type" in schema)) return exampleOf(options.find(saysMore) ?? options[0]);
  const { type, properties, items } = schema;
  switch (Array.isArray(type) ? type.find((each) => each !== "null") : (type ?? (properties && "object"))) {
    case "object":
      return Object.fromEntries(Object.entries(properties ?? {}).map(([name, member]) => [name, exampleOf(member)]));
    case "array":
      if ("prefixItems" in schema) return listOf(schema, "prefixItems").map(exampleOf);
      return isSchema(items) ? [exampleOf(items)] : [];
    case "string":
      return TEXTS[String(schema.format)] ?? "string";
    case "number":
    case "integer":
      return schema.minimum ?? 0;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return "";
  }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null;
}

function listOf(schema: Schema, keyword: string): readonly unknown[] {
  const list = schema[keyword];
  return Array.isArray(list) ? list : [];
}

function saysMore(option: unknown): boolean {
  return isSchema(option) && option.type !== "null";
}
