// What a model's configuration and its file say together of inputs and outputs.
import type { TensorFacts } from "../../core/types.ts";
import type { Session, SessionTensor } from "../onnx/session.ts";
import type { Datatype } from "../types.ts";
import { type ModelConfig, type TensorConfig, typeName } from "./config.ts";

export interface Signature {
  readonly maxBatchSize: number;
  readonly inputs: readonly BoundTensor[];
  readonly outputs: readonly BoundTensor[];
}

export interface BoundTensor extends TensorConfig {
  readonly datatype: Datatype;
  /** Undefined: of any rank, for nothing is known of it. */
  readonly dims: readonly number[] | undefined;
  /** The model has it by this name; false: an optional input that the engine does not take. */
  readonly isThere: boolean;
}

/** @throws Error why the two do not fit */
export function signatureOf(config: ModelConfig, session: Pick<Session, "inputs" | "outputs">): Signature {
  const { maxBatchSize } = config;
  // TRI-3: what lists both is complete.
  const isComplete = config.inputs.length > 0 && config.outputs.length > 0;
  const bindAll = (kind: "input" | "output", listed: readonly TensorConfig[], there: readonly SessionTensor[]) => {
    const rest = there.filter(({ name }) => listed.every((tensor) => tensor.name !== name));
    if (kind === "input" && isComplete && rest.length > 0) {
      throw new Error(`input '${rest[0]!.name}' of the model is not in config.pbtxt, ${hasOnly(kind, listed)}`);
    }
    return [
      ...listed.map((tensor) => bind(kind, tensor, there, maxBatchSize)),
      ...(isComplete ? [] : rest.map((tensor) => complete(kind, tensor, maxBatchSize))),
    ];
  };
  return {
    maxBatchSize,
    inputs: bindAll("input", config.inputs, session.inputs),
    outputs: bindAll("output", config.outputs, session.outputs),
  };
}

/** As the Open Inference Protocol describes it: the batch is a dimension like any other. */
export function toFacts(maxBatchSize: number, { name, datatype, dims = [] }: BoundTensor): TensorFacts {
  return { name, datatype, shape: fullShape(maxBatchSize, dims) };
}

export function fullShape(maxBatchSize: number, dims: readonly number[]): number[] {
  return maxBatchSize > 0 ? [-1, ...dims] : [...dims];
}

function hasOnly(kind: string, tensors: readonly { readonly name: string }[]): string {
  return `which has the ${kind}s ${tensors.map(({ name }) => `'${name}'`).join(", ")}`;
}

function bind(
  kind: "input" | "output",
  tensor: TensorConfig,
  there: readonly SessionTensor[],
  maxBatchSize: number,
): BoundTensor {
  const target = there.find(({ name }) => name === tensor.name);
  if (target === undefined) return bindMissing(kind, tensor, there);
  const { datatype = target.datatype } = tensor;
  if (datatype !== target.datatype) {
    const types = `${typeName(datatype)} in config.pbtxt and ${typeName(target.datatype)} in the model`;
    throw new Error(`${kind} '${tensor.name}' has the data type ${types}`);
  }
  const dims = tensor.dims ?? complete(kind, target, maxBatchSize).dims;
  if (tensor.dims !== undefined) checkFit(kind, tensor.reshape ?? tensor.dims, maxBatchSize, target);
  return { ...tensor, datatype, dims, isThere: true };
}

/** An input with a default in the model is not among the session's inputs, and feeding it has no effect (ONNX-6). */
function bindMissing(kind: "input" | "output", tensor: TensorConfig, there: readonly SessionTensor[]): BoundTensor {
  const { datatype } = tensor;
  if (tensor.optional && datatype !== undefined) return { ...tensor, datatype, isThere: false };
  throw new Error(`${kind} '${tensor.name}' of config.pbtxt is not in the model, ${hasOnly(kind, there)}`);
}

/** A tensor that the configuration does not list. */
function complete(
  kind: "input" | "output",
  { name, datatype, shape, hasRank }: SessionTensor,
  maxBatchSize: number,
): BoundTensor {
  const dims = shape.map((dim) => (typeof dim === "number" ? dim : -1));
  if (maxBatchSize > 0 && dims[0] !== -1) {
    const has = hasRank ? `has the shape [${dims}]` : "has a shape that nothing is known of";
    throw new Error(
      `max_batch_size is ${maxBatchSize}, so the first dimension of all inputs and outputs must be of any size, but ${kind} '${name}' ${has}`,
    );
  }
  return {
    name,
    datatype,
    dims: hasRank ? dims.slice(maxBatchSize > 0 ? 1 : 0) : undefined,
    reshape: undefined,
    optional: false,
    format: "FORMAT_NONE",
    labelFile: "",
    isThere: true,
  };
}

/** A configuration may be narrower than the model (TRI-9), and no wider. */
function checkFit(
  kind: string,
  dims: readonly number[],
  maxBatchSize: number,
  { name, shape, hasRank }: SessionTensor,
): void {
  if (!hasRank) return;
  const full = fullShape(maxBatchSize, dims);
  const fits = (dim: number, at: number) => typeof shape[at] === "string" || shape[at] === -1 || shape[at] === dim;
  if (full.length === shape.length && full.every(fits)) return;
  const model = shape.map((dim) => (typeof dim === "number" ? dim : -1));
  const batch = maxBatchSize > 0 ? `, with the batch that max_batch_size puts in front,` : "";
  throw new Error(`${kind} '${name}' has the shape [${full}] in config.pbtxt${batch} and [${model}] in the model`);
}
