// A request for an inference: its JSON, and the bytes that follow it.
import type { Tensor } from "../types.ts";
import { readBinary } from "./oip-binary.ts";
import { readData } from "./oip-data.ts";
import { withJson } from "./oip-json.ts";
import { kindOf, numberOrKind, readShape } from "./oip-shape.ts";
import { badInput, isDatatype, shown } from "./oip-types.ts";

/** What a client asks for, in the terms of tensors. */
export interface InferRequest {
  readonly id: string | undefined;
  readonly inputs: readonly Tensor[];
  /** Undefined: all. */
  readonly outputs: readonly string[] | undefined;
  /** Whether an output is wanted as bytes. */
  isBinary(output: string): boolean;
}

/** @param headerBytes of the JSON at the body's beginning; tensors follow it
 *  @param model its name, for messages
 *  @throws BadInputError */
export function readRequest(body: Uint8Array, headerBytes: number, model: string): InferRequest {
  return withJson(body.subarray(0, headerBytes), (value, exact) => {
    const root = toMembers(value, "request");
    const tail: Tail = { bytes: body.subarray(headerBytes), at: 0, model };
    const inputs = readInputs(root.inputs, tail, exact);
    if (tail.at < tail.bytes.length) throw badInput(`unexpected additional input data for model '${model}'`);
    const id = readId(root.id);
    const outputs = readOutputs(root.outputs);
    const parameters = toParameters(root.parameters, "request");
    const all = readFlag(parameters, "binary_data_output", "request") ?? false;
    return {
      id,
      inputs,
      outputs: outputs === undefined ? undefined : [...outputs.keys()],
      isBinary: (output) => outputs?.get(output) ?? all,
    };
  });
}

type Members = Readonly<Record<string, unknown>>;

/** What follows the JSON, and how much of it inputs have taken. */
interface Tail {
  readonly bytes: Uint8Array;
  at: number;
  readonly model: string;
}

/** Triton leaves out an empty one, too. */
function readId(value: unknown): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw badInput(`Unable to parse 'id': expected a string, got ${kindOf(value)}`);
  return value;
}

function readInputs(value: unknown, tail: Tail, exact: boolean): Tensor[] {
  const list = toList(value, "inputs");
  const names = new Set<string>();
  return list.map((item, index) => {
    const input = toMembers(item, `inputs[${index}]`);
    const name = readName(input.name, `inputs[${index}]`);
    if (names.has(name)) throw badInput(`input ${shown(name)} already exists in request`);
    names.add(name);
    return readInput(input, name, tail, exact);
  });
}

function readInput(input: Members, name: string, tail: Tail, exact: boolean): Tensor {
  const { datatype, data } = input;
  if (datatype === undefined) {
    throw badInput(`Unable to parse 'datatype' of input ${shown(name)}: there is no such member`);
  }
  if (!isDatatype(datatype)) throw badInput(`invalid datatype for input ${shown(name).slice(1, -1)}`);
  const shape = readShape(input.shape, name);
  const parameters = toParameters(input.parameters, `input ${shown(name)}`);
  refuseSharedMemory(parameters, `input ${shown(name)}`);
  const size = parameters.binary_data_size;
  if ((data === undefined) === (size === undefined)) {
    const found = data === undefined ? "no field is set" : "more than one field is set";
    throw badInput(
      `Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters'. But for input ${shown(name)} ${found}`,
    );
  }
  if (size === undefined) return { name, datatype, shape, data: readData(data, datatype, shape, name, exact) };
  const bytes = takeBytes(tail, size, name);
  return { name, datatype, shape, data: readBinary(bytes, datatype, shape, { input: name, model: tail.model }) };
}

function takeBytes(tail: Tail, size: unknown, input: string): Uint8Array {
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw badInput(
      `Unable to parse 'binary_data_size' of input ${shown(input)}: expected an unsigned integer, got ${numberOrKind(size)}`,
    );
  }
  const { at, bytes, model } = tail;
  const missing = size - (bytes.length - at);
  if (missing > 0) {
    throw badInput(
      `unexpected size for input ${shown(input)}, expecting ${missing} additional bytes for model '${model}'`,
    );
  }
  tail.at = at + size;
  return bytes.subarray(at, tail.at);
}

/** @returns by name, whether an output is wanted as bytes; undefined: all outputs are wanted */
function readOutputs(value: unknown): ReadonlyMap<string, boolean | undefined> | undefined {
  if (value === undefined || value === null) return undefined;
  const outputs = new Map<string, boolean | undefined>();
  toList(value, "outputs").forEach((item, index) => {
    const output = toMembers(item, `outputs[${index}]`);
    const name = readName(output.name, `outputs[${index}]`);
    const place = `output ${shown(name)}`;
    const parameters = toParameters(output.parameters, place);
    refuseSharedMemory(parameters, place);
    if (parameters.classification !== undefined) {
      throw badInput(`'classification' of ${place} is not supported: ask for its tensor and sort it`);
    }
    outputs.set(name, readFlag(parameters, "binary_data", place));
  });
  return outputs.size === 0 ? undefined : outputs;
}

function readName(value: unknown, place: string): string {
  if (typeof value === "string") return value;
  const reason = value === undefined ? "there is no such member" : `expected a string, got ${kindOf(value)}`;
  throw badInput(`Unable to parse 'name' of ${place}: ${reason}`);
}

function readFlag(parameters: Members, name: string, place: string): boolean | undefined {
  const value = parameters[name];
  if (value === undefined || typeof value === "boolean") return value;
  throw badInput(`Unable to parse '${name}' of ${place}: expected true or false, got ${kindOf(value)}`);
}

function refuseSharedMemory(parameters: Members, place: string): void {
  if (parameters.shared_memory_region === undefined) return;
  throw badInput(`'shared_memory_region' of ${place} is not supported: send and take tensors in the body`);
}

function toList(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  const reason = value === undefined ? "there is no such member" : `expected a list, got ${kindOf(value)}`;
  throw badInput(`Unable to parse '${name}': ${reason}`);
}

const NONE: Members = Object.freeze(Object.create(null));

function toParameters(value: unknown, place: string): Members {
  return value === undefined || value === null ? NONE : toMembers(value, `'parameters' of ${place}`);
}

function toMembers(value: unknown, place: string): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw badInput(`Unable to parse ${place}: expected an object, got ${kindOf(value)}`);
}
