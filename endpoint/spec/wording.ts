// Turns the errors that a schema finds into words.
import { joined } from "./cast.ts";
import type { Findings } from "./findings.ts";
import { at } from "./plain.ts";
import { shown } from "./problem.ts";
import { type DocumentKind, type Schema, type SchemaError, validate } from "./schema.ts";
import { type KeyProblem, unknownKey } from "./unknown-key.ts";
import type { Path } from "./yaml.ts";

/** Checks a document against its schema. */
export function checkSchema(kind: DocumentKind, document: unknown, findings: Findings): void {
  for (const error of validate(kind, document)) {
    if (findings.isFull) return;
    const { path, value } = follow(document, error.path);
    if (error.keyword === "false") {
      const { message, cure, meant } = refusedKey(kind, error.schema, path);
      findings.problem(path, message, cure, "key");
      if (meant !== undefined) findings.meant([...path.slice(0, -1), meant]);
    } else if (error.keyword === "required") {
      const missing = [...path, error.missing!];
      if (findings.has(missing)) continue;
      findings.missing(missing, `${missing.join(".")} is missing`, CURES[missing.join(".")] ?? "");
    } else if (!findings.has(path)) {
      findings.problem(path, ...badValue(error, value, path, findings));
    }
  }
}

/** A path with numbers for the places in lists, and what stands there. */
function follow(document: unknown, steps: Path): { path: Path; value: unknown } {
  let value = document;
  const path = steps.map((step) => {
    const isIndex = Array.isArray(value);
    value = isIndex ? (value as unknown[])[Number(step)] : at(value, String(step));
    return isIndex ? Number(step) : step;
  });
  return { path, value };
}

const CURES: Readonly<Record<string, string>> = {
  name: "Write it at the top, or give it with -n on the command line.",
  endpoint_name: "Write it at the top, or give it with -e on the command line.",
  "model.path": "Write the path of the model, or name a registered model: model: azureml:name:version.",
  "code_configuration.code": "Write the folder that holds the script, relative to the file's folder; . is that folder.",
  "code_configuration.scoring_script": "Write the file that holds init() and run(), like score.py.",
  "environment.inference_config.liveness_route": "The three routes are needed, each with a port and a path.",
  "environment.inference_config.readiness_route": "The three routes are needed, each with a port and a path.",
  "environment.inference_config.scoring_route": "The three routes are needed, each with a port and a path.",
  "scale_settings.type": "Write type: default, or type: target_utilization.",
};

/** A key that belongs to the other kind of endpoint, or an unknown key. */
function refusedKey(kind: DocumentKind, schema: Schema, path: Path): KeyProblem {
  const key = String(path.at(-1));
  if (path.length === 1 && kind === "deployment" && Object.hasOwn(schema.properties ?? {}, key)) {
    return key === "resources"
      ? {
          message: "resources is for Kubernetes deployments, but this is a managed deployment",
          cure: "Write type: kubernetes, or remove it.",
        }
      : { message: `${key} is for managed deployments, but this is a Kubernetes deployment`, cure: "Remove it." };
  }
  return unknownKey(kind, schema, path);
}

function badValue(error: SchemaError, value: unknown, path: Path, findings: Findings): [message: string, cure: string] {
  const { schema } = error;
  const key = labelOf(path);
  const source = findings.sourceOf(path);
  if (error.keyword !== "type" && error.keyword !== "enum") {
    if (Array.isArray(value)) return [`${key} ${constraint(error)}; found ${value.length}`, ""];
    const stands = typeof value === "number" ? (source ?? String(value)) : shown(value);
    return [`${key} ${constraint(error)}; found ${stands}`, ""];
  }
  if (value === null) return [`${key} is empty`, "Write a value, or remove the key."];
  if (error.keyword === "enum") {
    return [`${key} must be ${choices(schema.enum!)}; found ${described(value, source)}`, ""];
  }
  const types = [schema.type ?? []].flat();
  return [`${key} must be ${wanted(types)}; found ${described(value, source)}`, typeCure(types, value, path, source)];
}

/** A path as it is written in texts: `a.b[0]`. */
export function labelOf(path: Path): string {
  return path
    .map((step, index) => (typeof step === "number" ? `[${step}]` : `${index > 0 ? "." : ""}${step}`))
    .join("");
}

function constraint({ keyword, schema }: SchemaError): string {
  switch (keyword) {
    case "pattern":
      return schema.patternErrorMessage!;
    case "minimum":
      return `must be at least ${schema.minimum}`;
    case "maximum":
      return `must be at most ${schema.maximum}`;
    case "minLength":
      return "must not be empty";
    case "maxLength":
      return `must have at most ${schema.maxLength} characters`;
    default:
      return `must have at most ${schema.maxItems} ${schema.maxItems === 1 ? "entry" : "entries"}`;
  }
}

/** Each choice once, however many ways there are to write it. */
function choices(all: readonly unknown[]): string {
  const texts = all.filter((choice) => typeof choice === "string");
  const once = texts.filter((text, index) => texts.findIndex((other) => joined(other) === joined(text)) === index);
  return `${once.slice(0, -1).join(", ")} or ${once.at(-1)}`;
}

function wanted(types: readonly string[]): string {
  return types.map((type) => TYPES[type] ?? type).join(" or ");
}

const TYPES: Readonly<Record<string, string>> = {
  string: "a string",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  object: "a map of keys",
  array: "a list",
};

/** The value as the file has it, and what YAML reads it as if that is something else. */
function described(value: unknown, source: string | undefined): string {
  if (typeof value === "string" || typeof value === "object") return shown(value);
  const read = typeof value === "boolean" ? `${value}` : `the number ${value}`;
  return source === undefined || source === String(value)
    ? read
    : `${shown(source).slice(1, -1)}, which YAML reads as ${read}`;
}

function typeCure(types: readonly string[], value: unknown, path: Path, source: string | undefined): string {
  const key = String(path.at(-1));
  if (types.includes("string") && (typeof value === "number" || typeof value === "boolean")) {
    return typeof path.at(-1) === "number" ? "Quote it." : `Quote it: ${key}: "${source ?? value}"`;
  }
  if (types.includes("object") && !types.includes("string") && Array.isArray(value)) {
    return `Write ${key} as one key: value per line, without dashes.`;
  }
  if (types.includes("object") && !types.includes("string"))
    return `Write its keys on the lines below ${key}, indented.`;
  if (types.includes("array")) return "Begin each entry with a dash.";
  return "";
}
