// What the swagger documents say of a model: of `/score`, as Azure's script for models describes them.
import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { SWAGGER_VERSIONS } from "../core/swagger-versions.ts";
import type { ScriptSchemas, TensorFacts } from "../core/types.ts";
import { PyFloat } from "../json/python-json.ts";
import { readMembers } from "../script/json-body.ts";
import { fromHalf, toHalf } from "./protocol/half.ts";
import { hasTable, tableTensors } from "./protocol/invocations.ts";
import { isObject, valueTensors } from "./protocol/table-frame.ts";
import type { Datatype, Model, Tensor } from "./types.ts";

type Schema = Readonly<Record<string, unknown>>;

/** The same in all three versions.
 *  @param path of the model file, or of its folder: an example beside it is the documents' */
export function schemasOf({ facts: { inputs, outputs } }: Model, path: string): ScriptSchemas {
  const example = exampleBeside(path, inputs) ?? zeros(inputs);
  const input = {
    type: "object",
    properties: { input_data: describe(inputs), params: { type: "object" } },
    ...(example !== undefined && { example: { input_data: example, params: {} } }),
  };
  return { input, output: withExample(describe(outputs), zeros(outputs)), versions: SWAGGER_VERSIONS };
}

/** One is an array; several are an object of them by name. */
function describe(tensors: readonly TensorFacts[]): Schema {
  if (tensors.length === 1) return describeTensor(tensors[0]!);
  return {
    type: "object",
    ...(tensors.length > 0 && { required: tensors.map(({ name }) => name) }),
    properties: Object.fromEntries(tensors.map((tensor) => [tensor.name, describeTensor(tensor)])),
  };
}

function withExample(schema: Schema, example: unknown): Schema {
  if (example === undefined) return schema;
  const { format, ...rest } = schema;
  return { ...rest, example, ...(format !== undefined && { format }) };
}

function describeTensor({ datatype, shape }: TensorFacts): Schema {
  let schema: Schema = ITEMS[datatype as Datatype];
  for (let depth = 0; depth < shape.length; depth++) schema = { type: "array", items: schema };
  return shape.length === 0 ? schema : { ...schema, format: "numpy.ndarray" };
}

const INT32 = { type: "integer", format: "int32" };
const INT64 = { type: "integer", format: "int64" };
const FLOAT = { type: "number", format: "float" };

const ITEMS: Readonly<Record<Datatype, Schema>> = {
  BOOL: { type: "boolean" },
  UINT8: INT32,
  UINT16: INT32,
  UINT32: INT64,
  UINT64: INT64,
  INT8: INT32,
  INT16: INT32,
  INT32,
  INT64,
  FP16: FLOAT,
  FP32: FLOAT,
  FP64: { type: "number", format: "double" },
  BYTES: { type: "string" },
};

/** Elements of an example: an image's would make a document of a megabyte that nobody can read. */
const MAX_EXAMPLE_ELEMENTS = 4096;

/** One row of zeros. @returns undefined: that would be too long */
function zeros(tensors: readonly TensorFacts[]): unknown {
  const sizes = tensors.map(({ shape }) => shape.map((size) => (size === -1 ? 1 : size)));
  const count = sizes.reduce((sum, size) => sum + size.reduce((product, length) => product * length, 1), 0);
  if (count > MAX_EXAMPLE_ELEMENTS) return undefined;
  return byName(
    tensors,
    tensors.map(({ datatype }, index) => nested(sizes[index]!, () => zeroOf(datatype))),
  );
}

function zeroOf(datatype: string): unknown {
  if (datatype === "BYTES") return "";
  if (datatype === "BOOL") return false;
  return datatype.startsWith("FP") ? new PyFloat(0) : 0;
}

function byName(tensors: readonly { readonly name: string }[], values: readonly unknown[]): unknown {
  if (tensors.length === 1) return values[0];
  return new Map(tensors.map(({ name }, index) => [name, values[index]]));
}

function nested(shape: readonly number[], next: () => unknown, depth = 0): unknown {
  if (depth === shape.length) return next();
  return Array.from({ length: shape[depth]! }, () => nested(shape, next, depth + 1));
}

/** Requests that lie beside models: MLflow writes the first two, Azure's examples have the third. */
const EXAMPLE_FILES = ["serving_input_example.json", "input_example.json", "sample-request.json"];
/** Of a file that is worth a look. */
const MAX_EXAMPLE_BYTES = 256 * 1024;

/** The first example that fits the model, in the form that the schema describes. */
function exampleBeside(path: string, inputs: readonly TensorFacts[]): unknown {
  const folder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? path : dirname(path);
  for (const file of EXAMPLE_FILES) {
    const example = tryExample(join(folder, file), inputs);
    if (example !== undefined) return example;
  }
  return undefined;
}

/** Undefined: there is none, or it is of another model, which is no reason not to serve this one. */
function tryExample(path: string, inputs: readonly TensorFacts[]): unknown {
  try {
    if (statSync(path).size > MAX_EXAMPLE_BYTES) return undefined;
    const tensors = readTensors(readFileSync(path), inputs);
    const count = tensors.reduce((sum, { data }) => sum + data.length, 0);
    if (tensors.length !== inputs.length || count > MAX_EXAMPLE_ELEMENTS || !tensors.every(fitsOne(inputs)))
      return undefined;
    return byName(tensors, tensors.map(listsOf));
  } catch {
    return undefined;
  }
}

/** `input_example.json` is the bare data, which may be no object; the others are whole requests. */
function readTensors(text: Buffer, inputs: readonly TensorFacts[]): Tensor[] {
  const { value } = readMembers(Buffer.concat([Buffer.from('{"value":'), text, Buffer.from("}")]), true);
  if (isObject(value)) {
    if (hasTable(value)) return tableTensors(inputs, value);
    if (Object.hasOwn(value, "input_data")) return valueTensors(inputs, value.input_data);
  }
  return valueTensors(inputs, value);
}

function fitsOne(inputs: readonly TensorFacts[]): (tensor: Tensor) => boolean {
  return ({ name, shape }) => {
    const expected = inputs.find((input) => input.name === name)!.shape;
    return shape.length === expected.length && shape.every((size, index) => [-1, size].includes(expected[index]!));
  };
}

function listsOf({ datatype, shape, data }: Tensor): unknown {
  let at = 0;
  return nested(shape, () => {
    const value = data[at++]!;
    if (datatype === "BOOL") return value === 1;
    if (!datatype.startsWith("FP")) return value;
    const number = datatype === "FP16" ? fromHalf(value as number) : (value as number);
    return Number.isFinite(number) ? new PyFloat(shortest(number, datatype)) : null;
  });
}

/** Digits after which any FP32 is itself. */
const FP32_DIGITS = 9;

/** 5.1 as it was written, not as a double shows what became of it: 5.099999904632568. */
function shortest(number: number, datatype: Datatype): number {
  if (datatype === "FP64") return number;
  const round = datatype === "FP32" ? Math.fround : (value: number) => fromHalf(toHalf(value));
  for (let digits = 1; digits < FP32_DIGITS; digits++) {
    const short = Number(number.toPrecision(digits));
    if (round(short) === number) return short;
  }
  return number;
}
