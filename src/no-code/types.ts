// The seam between what speaks a protocol and what runs a model.
import type { ModelFacts } from "../core/types.ts";

/** Element types of the Open Inference Protocol. */
export type Datatype =
  | "BOOL"
  | "UINT8"
  | "UINT16"
  | "UINT32"
  | "UINT64"
  | "INT8"
  | "INT16"
  | "INT32"
  | "INT64"
  | "FP16"
  | "FP32"
  | "FP64"
  | "BYTES";

/** Elements in row-major order. BOOL: bytes 0 and 1; FP16: the bits; BYTES: texts. */
export type TensorData =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array
  | readonly string[];

export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** One model with all its versions, as every protocol asks it. */
export interface Model {
  readonly facts: ModelFacts;
  /** Checks names, types and shapes, and runs the model.
   *  @param version undefined: the greatest that serves
   *  @param outputs names of those that are wanted; undefined: all
   *  @throws BadInputError that names input, expected and got; whatever the engine throws */
  infer(
    version: string | undefined,
    inputs: readonly Tensor[],
    outputs: readonly string[] | undefined,
  ): Promise<Inferred>;
}

export interface Inferred {
  readonly version: string;
  /** In the model's order. */
  readonly outputs: readonly Tensor[];
}

/** Type of the report of a BadInputError that says that the request cannot be read. MLflow calls that `BAD_REQUEST`, and what
 *  does not fit the model `INVALID_PARAMETER_VALUE`. A report crosses the worker's pipe; a class of its own would not. */
export const UNREADABLE = "BAD_REQUEST";
