type Schema = Readonly<Record<string, unknown>>;

/** Texts of the formats that clients check. */
const TEXTS: Readonly<Record<string, string>> = {
  byte: "YWJj",
  date: "2020-01-02",
  "date-time": "2020-01-02T03:04:05Z",
  duration: "P1D",
  email: "name@example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  time: "03:04:05Z",
  uri: "https://example.com/",
  uuid: "123e4567-e89b-42d3-a456-426614174000",
};

/** An example of a JSON Schema without references: the author's own (`example`, `examples`, `default`), else the simplest
 *  value of its type. It need not satisfy every bound. */
export function exampleOf(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return "";
  const own = schema as Schema;
  for (const keyword of ["example", "default", "const"]) if (keyword in own) return own[keyword];
  for (const keyword of ["examples", "enum"]) {
    const list = own[keyword];
    if (Array.isArray(list) && list.length > 0) return list[0];
  }
  for (const keyword of ["anyOf", "oneOf", "allOf"]) {
    const options = own[keyword];
    if (Array.isArray(options) && !("type" in own)) return exampleOf(options.find(saysMore) ?? options[0]);
  }
  return ofType(own);
}

function saysMore(option: unknown): boolean {
  return typeof option === "object" && option !== null && (option as Schema).type !== "null";
}

function ofType(schema: Schema): unknown {
  const { type } = schema;
  switch (Array.isArray(type) ? type.find((each) => each !== "null") : type) {
    case "object":
      return ofProperties(schema);
    case "array":
      return ofItems(schema);
    case "string":
      return TEXTS[String(schema.format)] ?? "string".padEnd(Number(schema.minLength ?? 0), ".");
    case "number":
    case "integer":
      return ofBounds(schema);
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return "properties" in schema ? ofProperties(schema) : "";
  }
}

function ofProperties({ properties }: Schema): object {
  return Object.fromEntries(Object.entries(properties ?? {}).map(([name, schema]) => [name, exampleOf(schema)]));
}

function ofItems({ prefixItems, items, minItems, maxItems }: Schema): unknown[] {
  if (Array.isArray(prefixItems)) return prefixItems.map(exampleOf);
  if (items === undefined || items === false || maxItems === 0) return [];
  const count = Math.min(Math.max(Number(minItems ?? 1), 1), MAX_ITEMS);
  return Array.from({ length: count }, () => exampleOf(items));
}

/** An example is to be read. */
const MAX_ITEMS = 10;

function ofBounds({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: Schema): number {
  const fits = (value: number): boolean =>
    !(
      value < Number(minimum ?? value) ||
      value > Number(maximum ?? value) ||
      (typeof exclusiveMinimum === "number" && value <= exclusiveMinimum) ||
      (typeof exclusiveMaximum === "number" && value >= exclusiveMaximum)
    );
  const bounds = [minimum, exclusiveMinimum, maximum, exclusiveMaximum].filter((bound) => typeof bound === "number");
  return [0, 1, ...bounds.flatMap((bound) => [bound, bound + 1, bound - 1])].find(fits) ?? 0;
}
