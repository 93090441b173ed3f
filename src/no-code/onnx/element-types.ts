// Element types: the engine's names and arrays, and those of the Open Inference Protocol.
import type { Datatype, Tensor, TensorData } from "../types.ts";
import type { Ort, OrtTensor } from "./ort.ts";

const DATATYPES: Readonly<Record<string, Datatype>> = {
  float32: "FP32",
  float64: "FP64",
  float16: "FP16",
  int8: "INT8",
  uint8: "UINT8",
  int16: "INT16",
  uint16: "UINT16",
  int32: "INT32",
  uint32: "UINT32",
  int64: "INT64",
  uint64: "UINT64",
  bool: "BOOL",
  string: "BYTES",
};

const ENGINE_TYPES = Object.fromEntries(Object.entries(DATATYPES).map(([type, datatype]) => [datatype, type]));

/** @returns undefined: the protocol has no such type (int4, uint4) */
export function datatypeOf(type: string): Datatype | undefined {
  return DATATYPES[type];
}

/** Without a copy. */
export function toEngine({ Tensor }: Ort, { datatype, shape, data }: Tensor): OrtTensor {
  if (datatype !== "FP16") return new Tensor(ENGINE_TYPES[datatype]!, data, shape);
  // Where there is a Float16Array (Node 24) a tensor of this type takes nothing else, and the engine then finds no bytes in it.
  const bits = new Tensor("uint16", data, shape);
  bits.type = "float16";
  return bits;
}

/** Without a copy: results are the caller's own (ONNX-18). */
export function fromEngine(name: string, { type, data, dims }: OrtTensor): Tensor {
  const datatype = DATATYPES[type]!;
  return { name, datatype, shape: dims, data: datatype === "FP16" ? asBits(data as View) : (data as TensorData) };
}

interface View {
  readonly buffer: ArrayBuffer;
  readonly byteOffset: number;
  readonly length: number;
}

/** Of a Uint16Array, or of a Float16Array where there is that (ONNX-8). */
function asBits(data: View): Uint16Array {
  return data instanceof Uint16Array ? data : new Uint16Array(data.buffer, data.byteOffset, data.length);
}
