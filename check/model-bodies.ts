// Bodies of requests for a model: of one example the same values for every protocol, or zeros.
import { renderPythonJson } from "../src/host.ts";

/** An input or output, in the words of the Open Inference Protocol. */
export interface TensorFacts {
  readonly name: string;
  readonly datatype: string;
  /** -1: any number. */
  readonly shape: readonly number[];
}

export interface Tensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /** Elements in row-major order, or nested. */
  readonly data: readonly unknown[];
}

type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What /score takes, as /invocations takes it.
 *  @param example a body of /score   @returns undefined: the example says nothing of inputs */
export function invocationsBody(example: unknown): Buffer | undefined {
  if (!isObject(example) || example.input_data === undefined) return undefined;
  const { input_data: data, params } = example;
  const more = params === undefined ? {} : { params };
  if (!isObject(data) || !("columns" in data)) return json({ inputs: data, ...more });
  const { columns, data: rows } = data;
  return json({ dataframe_split: { columns, data: rows }, ...more });
}

/** The tensors of an example of /score; zeros where they do not follow from it. */
export function tensorsOf(example: unknown, inputs: readonly TensorFacts[]): readonly Tensor[] {
  const data = isObject(example) ? example.input_data : undefined;
  return named(data, inputs) ?? inputs.map(zeros);
}

function named(data: unknown, inputs: readonly TensorFacts[]): readonly Tensor[] | undefined {
  if (Array.isArray(data)) {
    const [only, ...others] = inputs;
    return only === undefined || others.length > 0 ? undefined : whole([nested(only, data)]);
  }
  if (!isObject(data)) return undefined;
  const { columns, data: rows } = data;
  if (!Array.isArray(columns)) return whole(inputs.map((input) => nested(input, data[input.name])));
  if (!Array.isArray(rows) || rows.length === 0) return undefined;
  return whole(
    inputs.map((input) => {
      const index = columns.indexOf(input.name);
      const values = index < 0 ? undefined : rows.map((row) => (Array.isArray(row) ? row[index] : undefined));
      return values === undefined || values.some(isNothing)
        ? undefined
        : { ...input, shape: input.shape.length === 1 ? [rows.length] : [rows.length, 1], data: values };
    }),
  );
}

function whole(tensors: readonly (Tensor | undefined)[]): readonly Tensor[] | undefined {
  return tensors.every((tensor) => tensor !== undefined) ? tensors : undefined;
}

/** @returns undefined: the values are no array of the input's rank */
function nested({ name, datatype, shape: { length } }: TensorFacts, values: unknown): Tensor | undefined {
  const shape: number[] = [];
  for (let value = values; Array.isArray(value); [value] = value) shape.push(value.length);
  const data = Array.isArray(values) ? values.flat(Number.POSITIVE_INFINITY) : [values];
  const count = shape.reduce((product, size) => product * size, 1);
  if (shape.length !== length || data.length !== count || data.some((value) => isNothing(value) || isObject(value))) {
    return undefined;
  }
  return { name, datatype, shape, data };
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}

function zeros({ name, datatype, shape }: TensorFacts): Tensor {
  const sizes = shape.map((size) => (size < 0 ? 1 : size));
  const zero = datatype === "BOOL" ? false : datatype === "BYTES" ? "" : 0;
  return { name, datatype, shape: sizes, data: Array.from({ length: countOf(sizes) }, () => zero) };
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** A body of /v2/models/NAME/infer. */
export function inferBody(tensors: readonly Tensor[]): Buffer {
  return json({ inputs: tensors });
}

/** Whether JSON holds what the tensors hold: half-precision numbers have bytes alone. */
export function fitsJson(tensors: readonly Pick<TensorFacts, "datatype">[]): boolean {
  return tensors.every(({ datatype }) => !/^(?:FP16|BF16)$/.test(datatype));
}

/** A body with zeros in the binary form, as clients send it that know nothing but the protocol.
 *  @returns the length of its JSON, too */
export function binaryBody(inputs: readonly TensorFacts[]): { readonly body: Buffer; readonly headerBytes: number } {
  const parts = inputs.map((input) => {
    const { name, datatype, shape } = zeros(input);
    const bytes = countOf(shape) * bytesOf(datatype);
    return { tensor: { name, datatype, shape, parameters: { binary_data_size: bytes } }, bytes };
  });
  const header = json({ inputs: parts.map(({ tensor }) => tensor), parameters: { binary_data_output: true } });
  const zeroBytes = Buffer.alloc(parts.reduce((sum, { bytes }) => sum + bytes, 0));
  return { body: Buffer.concat([header, zeroBytes]), headerBytes: header.length };
}

/** Of one zero; of a text its length, a number of four bytes. */
function bytesOf(datatype: string): number {
  if (datatype === "BOOL") return 1;
  if (datatype === "BYTES") return 4;
  return Number(/\d+$/.exec(datatype)?.[0] ?? 0) / 8;
}

/** Whether an example says nothing but of what type values are. */
export function isMadeUp(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isMadeUp);
  if (isObject(value) && !("input_data" in value)) {
    const { columns: _, index: _index, ...data } = value;
    return Object.values(data).every(isMadeUp);
  }
  if (isObject(value) && "input_data" in value) return isMadeUp(value.input_data);
  return value === "" || value === false || Number(value) === 0;
}

function json(value: unknown): Buffer {
  return Buffer.from(renderPythonJson(value));
}
