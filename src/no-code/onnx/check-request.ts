// What is checked before the engine runs: it finds less, later, and in words of its own (ONNX-20).
import { BadInputError } from "../../core/errors.ts";
import { shown } from "../shown.ts";
import type { Tensor } from "../types.ts";
import type { SessionTensor } from "./session.ts";

/** The greatest size of a dimension that the engine takes: 2^31 - 1. */
const MAX_SIZE = 2 ** 31 - 1;

/** What a request is held against. */
export interface Expected {
  /** Of the model. */
  readonly name: string;
  readonly inputs: readonly SessionTensor[];
  readonly outputs: readonly SessionTensor[];
}

/** @throws BadInputError that names input, expected and got */
export function checkInputs(expected: Expected, inputs: readonly Tensor[]): void {
  checkNames(expected, inputs);
  const named = new Map<string, Bound>();
  for (const input of inputs) {
    const target = expected.inputs.find(({ name }) => name === input.name)!;
    if (input.datatype !== target.datatype) {
      const got = `inference input '${input.name}' data-type is '${input.datatype}'`;
      throw bad(`${got}, but model '${expected.name}' expects '${target.datatype}'`);
    }
    checkShape(expected.name, input, target, named);
    checkData(expected.name, input);
  }
}

/** @param wanted undefined, or none: all   @returns in the model's order, each once */
export function wantedOutputs(
  { name: model, outputs }: Pick<Expected, "name" | "outputs">,
  wanted: readonly string[] | undefined,
): string[] {
  const names = outputs.map(({ name }) => name);
  if (wanted === undefined || wanted.length === 0) return names;
  for (const name of wanted) {
    if (!names.includes(name)) {
      throw bad(`unexpected inference output ${shown(name)} for model '${model}'. Expected one of ${quoted(names)}.`);
    }
  }
  return names.filter((name) => wanted.includes(name));
}

function checkNames({ name: model, inputs: targets }: Expected, inputs: readonly Tensor[]): void {
  const got = inputs.map(({ name }) => name);
  const names = targets.map(({ name }) => name);
  const given = new Set<string>();
  for (const name of got) {
    if (given.has(name)) throw bad(`input ${shown(name)} already exists in request`);
    given.add(name);
  }
  const missing = names.filter((name) => !given.has(name));
  const unknown = got.filter((name) => !names.includes(name));
  if (missing.length === 0 && unknown.length === 0) return;
  if (inputs.length === targets.length) {
    throw bad(
      `unexpected inference input ${shown(unknown[0]!)} for model '${model}'. Expected input(s) ${quoted(names)}.`,
    );
  }
  const counts = `expected ${targets.length} inputs but got ${inputs.length} inputs for model '${model}'`;
  if (missing.length === 0) {
    throw bad(`${counts}. Got input(s) ${quoted(got)}, of which ${quoted(unknown)} are unknown.`);
  }
  const lack = `but missing required input(s) ${quoted(missing)}. Please provide all required input(s).`;
  throw bad(`${counts}. Got input(s) ${quoted(got)}, ${lack}`);
}

/** What a named dimension is in this request, and the input that says so. */
interface Bound {
  readonly size: number;
  readonly input: string;
}

function checkShape(
  model: string,
  input: Tensor,
  { shape: dims, hasRank }: SessionTensor,
  named: Map<string, Bound>,
): void {
  const { name, shape } = input;
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0 || size > MAX_SIZE) {
      const range = `sizes are whole numbers from 0 to ${MAX_SIZE}`;
      throw bad(`unexpected shape for input '${name}' for model '${model}'. Got [${shape}], but ${range}.`);
    }
  }
  if (!hasRank) return;
  if (shape.length !== dims.length || dims.some((dim, at) => dim !== shape[at] && isFixed(dim))) {
    const wanted = dims.map((dim) => (isFixed(dim) ? dim : -1));
    throw bad(`unexpected shape for input '${name}' for model '${model}'. Expected [${wanted}], got [${shape}].`);
  }
  for (const [at, dim] of dims.entries()) {
    if (typeof dim === "number") continue;
    const size = shape[at]!;
    const before = named.get(dim);
    if (before === undefined) named.set(dim, { size, input: name });
    else if (before.size !== size) {
      const other = `'${dim}' is ${before.size} in input '${before.input}'`;
      throw bad(
        `unexpected shape for input '${name}' for model '${model}'. Expected [${dims}], got [${shape}]: ${other}.`,
      );
    }
  }
}

function isFixed(dim: number | string): dim is number {
  return typeof dim === "number" && dim !== -1;
}

function checkData(model: string, { name, datatype, shape, data }: Tensor): void {
  const count = elementCount(shape);
  if (data.length !== count) {
    const takes = count === undefined ? "more elements than there can be" : `${count} elements`;
    throw bad(
      `input '${name}' for model '${model}' has ${data.length} elements, but its shape [${shape}] takes ${takes}`,
    );
  }
  if (datatype !== "BYTES") return;
  const at = (data as readonly string[]).findIndex((text) => text.includes("\0"));
  if (at >= 0) {
    const why = "which the ONNX engine takes for its end";
    throw bad(`input '${name}' for model '${model}' holds a text (number ${at}) with a NUL character, ${why}`);
  }
}

/** @param shape of sizes from 0 on   @returns undefined: more than a number can say exactly */
export function elementCount(shape: readonly number[]): number | undefined {
  // A product that overflows on the way is nothing all the same when a later size is.
  if (shape.includes(0)) return 0;
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/** Names that a message lists: a request may bring any number. */
const MAX_QUOTED = 100;

function quoted(names: readonly string[]): string {
  const rest = names.length > MAX_QUOTED ? `,... ${names.length - MAX_QUOTED} more` : "";
  return `[${names.slice(0, MAX_QUOTED).map(shown)}${rest}]`;
}

function bad(message: string): BadInputError {
  return new BadInputError("ERR_BAD_INPUT", message);
}
