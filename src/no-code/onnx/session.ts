// A session of the ONNX engine, in the terms of tensors.
import type { Log } from "../../core/log.ts";
import type { Datatype, Tensor } from "../types.ts";

/** An input or output of a session. */
export interface SessionTensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** A name where the dimension has one: dimensions of the same name are equal. -1: any number. */
  readonly shape: readonly (number | string)[];
  /** False: nothing is known of the rank, which ONNX does not tell from a scalar (ONNX-3). */
  readonly hasRank: boolean;
}

export interface Session {
  readonly inputs: readonly SessionTensor[];
  /** Those that the engine can hand over. */
  readonly outputs: readonly SessionTensor[];
  /** @param feeds checked already   @param fetches names of outputs   @returns in the order of `fetches` */
  run(feeds: readonly Tensor[], fetches: readonly string[]): Promise<Tensor[]>;
}

export interface SessionOptions {
  /** Of the model file. */
  readonly path: string;
  readonly log: Log;
}

/** @throws ScriptLoadError `ERR_MODEL_LOAD` with a hint */
export async function openSession({ path }: SessionOptions): Promise<Session> {
  throw new Error(`not yet: ${path}`);
}
