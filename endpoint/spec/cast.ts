// Values as Azure's tools take them: `"90"` for a number, `yes` in quotes for a boolean, any case for a choice.
import type { Findings } from "./findings.ts";
import { isMap, mapEntries } from "./plain.ts";
import { childSchema, resolved, type Schema } from "./schema.ts";
import type { Path } from "./yaml.ts";

/** Converts values to the types that the schema asks for, where that is possible. The schema refuses the rest. */
export function cast(root: Schema, schema: Schema, value: unknown, path: Path, findings: Findings): unknown {
  if (isMap(value)) {
    return mapEntries(value, (key, child) => {
      const known = childSchema(root, schema, key);
      return [key, known === undefined ? child : cast(root, known, child, [...path, key], findings)];
    });
  }
  if (Array.isArray(value)) {
    const { items } = schema;
    if (typeof items !== "object" || Array.isArray(items)) return value;
    return value.map((item, index) => cast(root, resolved(root, items), item, [...path, index], findings));
  }
  if (schema.enum !== undefined) return choice(schema.enum, value);
  const types = [schema.type ?? []].flat();
  if (types.includes("integer")) return integer(value, path, findings);
  if (types.includes("boolean")) return boolean(value);
  if (types.includes("string") && types.includes("number")) return version(value, path, findings);
  if (types.includes("number") && typeof value === "string" && NUMBER.test(value)) return Number(value);
  return value;
}

const NUMBER = /^\s*[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?\s*$/;
const WHOLE_NUMBER = /^\s*[-+]?\d+\s*$/;

function integer(value: unknown, path: Path, findings: Findings): unknown {
  if (typeof value === "string" && WHOLE_NUMBER.test(value)) return Number(value);
  if (typeof value !== "number" || Number.isInteger(value)) return value;
  const whole = Math.trunc(value);
  findings.warn(path, `${String(path.at(-1))} must be a whole number; ${value} is read as ${whole}`);
  return whole === 0 ? 0 : whole;
}

const TRUE: ReadonlySet<unknown> = new Set(["t", "true", "on", "y", "yes", "1"]);
const FALSE: ReadonlySet<unknown> = new Set(["f", "false", "off", "n", "no", "0"]);

function boolean(value: unknown): unknown {
  if (typeof value !== "string" && typeof value !== "number") return value;
  const text = String(value).toLowerCase();
  if (TRUE.has(text)) return true;
  return FALSE.has(text) ? false : value;
}

/** Versions are texts, but users write them without quotes. */
function version(value: unknown, path: Path, findings: Findings): unknown {
  if (typeof value !== "number") return value;
  const source = findings.sourceOf(path) ?? String(value);
  if (source !== String(value)) findings.warn(path, `${source} is read as version ${value}; quote it to keep it`);
  return String(value);
}

/** `AMLToken`, `aml_token` and `AML_TOKEN` are the same to Azure's tools. */
function choice(choices: readonly unknown[], value: unknown): unknown {
  if (typeof value !== "string") return value;
  const wanted = joined(value);
  return choices.find((known) => typeof known === "string" && joined(known) === wanted) ?? value;
}

/** The form in which choices are compared. */
export function joined(text: string): string {
  return text.toLowerCase().replaceAll("_", "");
}
