// Requests and answers in the shapes of the configuration, and those of the model behind it: the same data, for a batch is
// a dimension like any other to the model, and reshape moves no element (TRI-6, TRI-7).
import { BadInputError } from "../../core/errors.ts";
import type { Tensor } from "../types.ts";
import { type BoundTensor, fullShape, type Signature } from "./signature.ts";

/** Checks what the configuration asks for, in Triton's words (table I). Names, types and data are checked against the model.
 *  @returns what the model is fed   @throws BadInputError */
export function toFeeds(model: string, { inputs, maxBatchSize }: Signature, given: readonly Tensor[]): Tensor[] {
  if (maxBatchSize > 0) checkBatch(model, inputs, maxBatchSize, given);
  return given.map((tensor) => {
    const input = inputs.find(({ name }) => name === tensor.name);
    if (input === undefined) return tensor;
    if (!input.isThere)
      throw bad(`input '${input.name}' of model '${model}' has a fixed value in its file; leave it out`);
    if (input.dims === undefined) return tensor;
    checkShape(model, input, input.dims, maxBatchSize, tensor);
    if (input.reshape === undefined) return tensor;
    return { ...tensor, shape: reshaped(tensor.shape, input.dims, input.reshape, maxBatchSize > 0) };
  });
}

/** @param tensors of the model   @returns in the shapes of the configuration */
export function toAnswer({ outputs, maxBatchSize }: Signature, tensors: readonly Tensor[]): readonly Tensor[] {
  if (outputs.every(({ reshape }) => reshape === undefined)) return tensors;
  return tensors.map((tensor) => {
    const { dims, reshape } = outputs.find(({ name }) => name === tensor.name)!;
    if (dims === undefined || reshape === undefined) return tensor;
    // A model may give another rank than its file says.
    const isAsSaid = tensor.shape.length === reshape.length + (maxBatchSize > 0 ? 1 : 0);
    return isAsSaid ? { ...tensor, shape: reshaped(tensor.shape, reshape, dims, maxBatchSize > 0) } : tensor;
  });
}

/** All inputs have the same batch, within its bound. Triton goes through them from the last one on, which shows in who is
 *  named. */
function checkBatch(model: string, inputs: readonly BoundTensor[], most: number, given: readonly Tensor[]): void {
  let batch: number | undefined;
  for (let at = given.length - 1; at >= 0; at -= 1) {
    const { name, shape } = given[at]!;
    if (inputs.every((input) => input.name !== name)) continue;
    if (shape.length === 0) throw bad(`input '${name}' has no shape but model requires batch dimension for '${model}'`);
    if (batch !== undefined && shape[0] !== batch) {
      throw bad(`input '${name}' batch size does not match other inputs for '${model}'`);
    }
    batch = shape[0];
  }
  if (batch !== undefined && batch > most) throw bad(`inference request batch-size must be <= ${most} for '${model}'`);
}

function checkShape(
  model: string,
  { name }: BoundTensor,
  dims: readonly number[],
  maxBatchSize: number,
  { shape }: Tensor,
): void {
  const skip = maxBatchSize > 0 ? 1 : 0;
  if (shape.length === dims.length + skip && dims.every((dim, at) => dim === -1 || dim === shape[at + skip])) return;
  const expected = `Expected [${fullShape(maxBatchSize, dims)}], got [${shape}].`;
  throw bad(
    `unexpected shape for input '${name}' for model '${model}'. ${expected}${maxBatchSize > 0 ? ` ${BATCH_NOTE}` : ""}`,
  );
}

const BATCH_NOTE =
  "NOTE: Setting a non-zero max_batch_size in the model config requires a batch dimension to be prepended to each input shape. " +
  "If you want to specify the full shape including the batch dim in your input dims config, try setting max_batch_size to zero. " +
  "See the model configuration docs for more info on max_batch_size.";

/** @param from what `shape` fits   @param to what is filled in, in the order of what may be of any size */
function reshaped(
  shape: readonly number[],
  from: readonly number[],
  to: readonly number[],
  hasBatch: boolean,
): number[] {
  const skip = hasBatch ? 1 : 0;
  const free = from.flatMap((dim, at) => (dim === -1 ? [shape[at + skip]!] : []));
  let next = 0;
  const filled = to.map((dim) => (dim === -1 ? free[next++]! : dim));
  return hasBatch ? [shape[0]!, ...filled] : filled;
}

function bad(message: string): BadInputError {
  return new BadInputError("ERR_BAD_INPUT", message);
}
