export type Schema = Record<string, unknown>;

/** A JSON Schema with null told apart from its other types, and one spelling for what has several. */
export interface Canonical {
  /** Without null; empty: any, or only null. */
  readonly types: readonly string[];
  /** Null is allowed besides. */
  readonly nullable: boolean;
  /** What `anyOf` lists, without null. */
  readonly options: readonly unknown[] | undefined;
  /** All keywords, `type` included as it was. */
  readonly keywords: Schema;
}

export function canonical(schema: Schema): Canonical {
  const keywords = tidy(schema);
  const all = typeof keywords.type === "string" ? [keywords.type] : Array.isArray(keywords.type) ? keywords.type : [];
  const types = all.filter((type) => type !== "null");
  const nullable = types.length < all.length || keywords.nullable === true;
  const { anyOf, oneOf, ...rest } = keywords;
  // A choice with null is a choice without it that may be null, whichever word it was made with.
  const choice = Array.isArray(anyOf) ? anyOf : Array.isArray(oneOf) && oneOf.some(isNull) ? oneOf : undefined;
  if (choice === undefined) return { types, nullable, options: undefined, keywords };
  const options = choice.filter((option) => !isNull(option));
  const mayBeNull = nullable || options.length < choice.length;
  if (options.length !== 1 || typeof options[0] !== "object") {
    return { types, nullable: mayBeNull, options, keywords: choice === oneOf ? { ...rest, anyOf } : keywords };
  }
  const only = canonical({ ...rest, ...(options[0] as Schema) });
  return { ...only, nullable: mayBeNull || only.nullable };
}

function isNull(schema: unknown): boolean {
  return typeof schema === "object" && schema !== null && (schema as Schema).type === "null";
}

/** One way to say tuples, examples and the bounds of integers. */
function tidy(schema: Schema): Schema {
  const result = { ...schema };
  if (Array.isArray(result.items)) {
    result.prefixItems = result.items;
    result.items = result.additionalItems;
  }
  if (result.example === undefined && Array.isArray(result.examples)) result.example = result.examples[0];
  // What a library says of every integer is no news.
  if (result.minimum === Number.MIN_SAFE_INTEGER) delete result.minimum;
  if (result.maximum === Number.MAX_SAFE_INTEGER) delete result.maximum;
  if (result.items === undefined) delete result.items;
  if (result.example === undefined) delete result.example;
  return result;
}
