// config.pbtxt: the fields that change answers (TRI-6).
import { PLATFORM } from "../onnx/open-onnx.ts";
import type { Datatype } from "../types.ts";
import { booleanOf, enumOf, integerOf, integersOf, messageOf, messagesOf, type Range, textOf } from "./fields.ts";
import { type PbMessage, readPbtxt } from "./pbtxt.ts";
import { PbtxtError } from "./pbtxt-tokens.ts";

/** What a model's configuration says; what it leaves out comes from the model itself. */
export interface ModelConfig {
  /** "": that of the folder. */
  readonly name: string;
  /** 0: shapes are the whole shapes; otherwise they lack the first dimension, the batch, which has this upper bound. */
  readonly maxBatchSize: number;
  readonly inputs: readonly TensorConfig[];
  readonly outputs: readonly TensorConfig[];
  readonly versionPolicy: VersionPolicy;
  /** Within a version's folder; "": the usual one. */
  readonly modelFile: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Names of fields that are there and have no effect. */
  readonly ignored: readonly string[];
}

export interface TensorConfig {
  readonly name: string;
  /** Undefined: the model's. */
  readonly datatype: Datatype | undefined;
  /** Without the batch; undefined: the model's. */
  readonly dims: readonly number[] | undefined;
  /** What the model takes in place of `dims`. */
  readonly reshape: readonly number[] | undefined;
  readonly optional: boolean;
  readonly format: string;
  readonly labelFile: string;
}

export type VersionPolicy =
  | { readonly kind: "latest"; readonly count: number }
  | { readonly kind: "all" }
  | { readonly kind: "specific"; readonly versions: readonly string[] };

/** Of a model without config.pbtxt (TRI-3). */
export const NO_CONFIG: ModelConfig = {
  name: "",
  maxBatchSize: 0,
  inputs: [],
  outputs: [],
  versionPolicy: { kind: "latest", count: 1 },
  modelFile: "",
  parameters: {},
  ignored: [],
};

export const BACKEND = "onnxruntime";

/** Names of Triton, in the order of its numbers (TRI-9). */
const NAMED: Readonly<Record<string, Datatype>> = {
  TYPE_BOOL: "BOOL",
  TYPE_UINT8: "UINT8",
  TYPE_UINT16: "UINT16",
  TYPE_UINT32: "UINT32",
  TYPE_UINT64: "UINT64",
  TYPE_INT8: "INT8",
  TYPE_INT16: "INT16",
  TYPE_INT32: "INT32",
  TYPE_INT64: "INT64",
  TYPE_FP16: "FP16",
  TYPE_FP32: "FP32",
  TYPE_FP64: "FP64",
  TYPE_STRING: "BYTES",
};
const DATATYPES: ReadonlyMap<string, Datatype> = new Map(Object.entries(NAMED));

// Enums of model_config.proto, by their numbers.
const DATA_TYPES = ["TYPE_INVALID", ...DATATYPES.keys(), "TYPE_BF16"];
const FORMATS = ["FORMAT_NONE", "FORMAT_NHWC", "FORMAT_NCHW"];

/** In Triton's name. */
export function typeName(datatype: string): string {
  return datatype === "BYTES" ? "TYPE_STRING" : `TYPE_${datatype}`;
}

const READ = new Set(
  "name platform backend max_batch_size input output version_policy default_model_filename model_transaction_policy".split(
    " ",
  ),
);

/** What would change answers, or who answers, and is not done here. */
const REFUSED: Readonly<Record<string, string>> = {
  ensemble_scheduling: "ensembles are not served: only single ONNX models are",
  sequence_batching: "sequence_batching is not done: requests are answered one by one, without state",
  batch_input: "batch_input is not done: requests are not joined",
  batch_output: "batch_output is not done: requests are not joined",
};

const BATCH_SIZE: Range = { least: 0, wanted: "an integer from 0 on" };
const DIM: Range = {
  least: -1,
  most: Number.MAX_SAFE_INTEGER,
  wanted: "integers from 1 on, or -1 for any size",
};
const COUNT: Range = { least: 0, wanted: "an integer from 1 on" };
const VERSION: Range = { least: 1, most: Number.MAX_SAFE_INTEGER, wanted: "integers from 1 on" };

/** @throws PbtxtError with the line */
export function readConfig(text: string): ModelConfig {
  const config = readPbtxt(text);
  refuseOthers(config);
  const maxBatchSize = integerOf(config, "max_batch_size", BATCH_SIZE, 0);
  return {
    name: textOf(config, "name"),
    maxBatchSize,
    inputs: tensorsOf(config, "input"),
    outputs: tensorsOf(config, "output"),
    versionPolicy: policyOf(config),
    modelFile: textOf(config, "default_model_filename"),
    parameters: parametersOf(config),
    ignored: [...config.fields.keys()].filter((name) => !READ.has(name)),
  };
}

function refuseOthers(config: PbMessage): void {
  const platform = textOf(config, "platform");
  const backend = textOf(config, "backend");
  const isOther = (platform !== "" && platform !== PLATFORM) || (backend !== "" && backend !== BACKEND);
  const line = (name: string) => config.fields.get(name)?.[0]?.line ?? config.line;
  if (isOther) {
    const name = platform !== "" && platform !== PLATFORM ? "platform" : "backend";
    const served = `only ONNX models are (platform "${PLATFORM}" or backend "${BACKEND}")`;
    throw new PbtxtError(line(name), `${name} "${name === "platform" ? platform : backend}" is not served: ${served}`);
  }
  for (const [name, problem] of Object.entries(REFUSED)) {
    if (config.fields.has(name)) throw new PbtxtError(line(name), problem);
  }
  const transaction = messageOf(config, "model_transaction_policy");
  if (transaction !== undefined && booleanOf(transaction, "decoupled")) {
    throw new PbtxtError(transaction.line, "decoupled models are not served: a request has one answer");
  }
}

function tensorsOf(config: PbMessage, name: "input" | "output"): TensorConfig[] {
  const names = new Set<string>();
  return messagesOf(config, name).map((message) => {
    const tensor = tensorOf(message, name);
    if (names.has(tensor.name)) throw new PbtxtError(message.line, `${name} '${tensor.name}' is there twice`);
    names.add(tensor.name);
    return tensor;
  });
}

function tensorOf(message: PbMessage, kind: "input" | "output"): TensorConfig {
  const name = textOf(message, "name");
  if (name === "") throw new PbtxtError(message.line, `${kind} must have a name`);
  if (booleanOf(message, "is_shape_tensor")) {
    throw new PbtxtError(message.line, `${kind} '${name}' is a shape tensor, which only TensorRT has`);
  }
  // An empty list is as good as none.
  const dims = dimsOf(message, "dims", `${kind} '${name}'`);
  const reshape = messageOf(message, "reshape");
  const tensor = {
    name,
    datatype: datatypeOf(message, `${kind} '${name}'`),
    dims: dims.length === 0 ? undefined : dims,
    reshape: reshape === undefined ? undefined : dimsOf(reshape, "shape", `${kind} '${name}'`),
    optional: kind === "input" && booleanOf(message, "optional"),
    format: enumOf(message, "format", FORMATS) ?? "FORMAT_NONE",
    labelFile: textOf(message, "label_filename"),
  };
  checkReshape(tensor, message.line, kind);
  return tensor;
}

function dimsOf(message: PbMessage, field: string, of: string): number[] {
  const dims = integersOf(message, field, DIM);
  if (dims.includes(0)) throw new PbtxtError(message.line, `${field} of ${of} must be ${DIM.wanted}, not 0`);
  return dims;
}

function datatypeOf(message: PbMessage, of: string): Datatype | undefined {
  const word = enumOf(message, "data_type", DATA_TYPES);
  if (word === undefined || word === "TYPE_INVALID") return undefined;
  const datatype = DATATYPES.get(word);
  if (datatype !== undefined) return datatype;
  const known = [...DATATYPES.keys()].join(", ");
  throw new PbtxtError(message.line, `data_type of ${of} is ${word}, which is not served; there are ${known}`);
}

/** Both must hold the same elements, whatever the dimensions of any size are: so must the parts between them. */
function checkReshape({ name, dims, reshape }: TensorConfig, line: number, kind: string): void {
  if (reshape === undefined) return;
  if (dims === undefined) throw new PbtxtError(line, `${kind} '${name}' has reshape but no dims`);
  const sizes = (shape: readonly number[]) => {
    const parts = [1n];
    for (const dim of shape) {
      if (dim === -1) parts.push(1n);
      else parts[parts.length - 1]! *= BigInt(dim);
    }
    return parts.join();
  };
  if (sizes(dims) === sizes(reshape)) return;
  throw new PbtxtError(line, `${kind} '${name}' has different sizes in dims [${dims}] and in reshape [${reshape}]`);
}

/** @returns without a policy the latest version (TRI-8) */
function policyOf(config: PbMessage): VersionPolicy {
  const policy = messageOf(config, "version_policy");
  if (policy === undefined) return NO_CONFIG.versionPolicy;
  const [latest, all, specific] = ["latest", "all", "specific"].map((name) => messageOf(policy, name));
  if ([latest, all, specific].filter((choice) => choice !== undefined).length > 1) {
    throw new PbtxtError(policy.line, "version_policy must be one of latest, all and specific");
  }
  if (all !== undefined) return { kind: "all" };
  if (specific !== undefined) {
    return { kind: "specific", versions: integersOf(specific, "versions", VERSION).map(String) };
  }
  const count = latest === undefined ? 1 : integerOf(latest, "num_versions", COUNT, 1);
  return { kind: "latest", count: Math.max(1, count) };
}

/** They have no effect here; clients may look at them. */
function parametersOf(config: PbMessage): Record<string, string> {
  const pairs = messagesOf(config, "parameters").map((entry) => {
    const value = messageOf(entry, "value");
    return [textOf(entry, "key"), value === undefined ? "" : textOf(value, "string_value")] as const;
  });
  return Object.fromEntries(pairs);
}
