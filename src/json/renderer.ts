import { MAX_JSON_DEPTH, PyFloat, PythonJsonError } from "./values.ts";

/** Renders as Python's `json.dumps` does with its defaults (contract JSON-1 to JSON-3). Plain JavaScript values are taken
 *  too, by the rules of `JSON.stringify`, except that bigints and non-finite numbers are written out.
 *  @throws PythonJsonError for functions, symbols, non-string keys of a Map, and nesting beyond `MAX_JSON_DEPTH` */
export function renderPythonJson(value: unknown): string {
  return render(value, 0);
}

/** The body of an error answer (contract HDR-12). */
export function jsonMessage(text: string): string {
  return `{"message": ${quote(text)}}`;
}

function render(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      return String(value);
    case "bigint":
      return value.toString();
    case "boolean":
      return value ? "true" : "false";
    case "undefined":
      return "null";
    case "object":
      return value === null ? "null" : renderObject(value, depth + 1);
    default:
      throw new PythonJsonError(`a ${typeof value} is not JSON serializable`);
  }
}

function renderObject(value: object, depth: number): string {
  if (depth > MAX_JSON_DEPTH) throw new PythonJsonError(`nested deeper than ${MAX_JSON_DEPTH} levels`);
  if (value instanceof PyFloat) return renderFloat(value.value);
  if (hasToJson(value)) return render(value.toJSON(""), depth);
  if (Array.isArray(value)) {
    let items = "";
    for (let index = 0; index < value.length; index++) {
      items += (index === 0 ? "" : ", ") + render(value[index], depth);
    }
    return `[${items}]`;
  }
  if (value instanceof String || value instanceof Number || value instanceof Boolean) {
    return render(value.valueOf(), depth);
  }
  let members = "";
  for (const [key, member] of value instanceof Map ? value : Object.entries(value)) {
    if (member === undefined) continue;
    if (typeof key !== "string") throw new PythonJsonError(`a ${typeof key} cannot be a key`);
    members += `${members === "" ? "" : ", "}${quote(key)}: ${render(member, depth)}`;
  }
  return `{${members}}`;
}

const NOT_PRINTABLE_ASCII = /[\u007f-\uffff]/;
const NOT_PRINTABLE_ASCII_ALL = /[\u007f-\uffff]/g;

/** As `json.dumps` writes a string. */
export function quote(text: string): string {
  const quoted = JSON.stringify(text);
  return NOT_PRINTABLE_ASCII.test(quoted) ? quoted.replace(NOT_PRINTABLE_ASCII_ALL, escapeUnit) : quoted;
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Python's `repr` of a float: JavaScript finds the same shortest digits but sets the exponent elsewhere. */
export function renderFloat(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([-+])(\d)$/, "e$10$2");
  }
  const text = Object.is(value, -0) ? "-0" : String(value);
  return Number.isInteger(value) ? `${text}.0` : text;
}

export interface HasToJson {
  toJSON(key: string): unknown;
}

export function hasToJson(value: object): value is HasToJson {
  return typeof (value as Partial<HasToJson>).toJSON === "function";
}
