// Why a model cannot be loaded, in plain words.
import { ScriptLoadError } from "../../core/errors.ts";
import { messageOf } from "../../core/thrown.ts";

export interface LoadFailureDetails {
  readonly cause?: unknown;
  /** What to do. */
  readonly hint?: string | undefined;
}

export function loadFailure(message: string, { cause, hint }: LoadFailureDetails = {}): ScriptLoadError {
  const report = {
    type: "ModelLoadError",
    message,
    traceback: `ModelLoadError: ${message}`,
    location: null,
    ...(hint !== undefined && { hint }),
  };
  return new ScriptLoadError("ERR_MODEL_LOAD", message, { report, ...(cause !== undefined && { cause }) });
}

/** What the engine says when it opens a model, and what is meant by it (ONNX-4, ONNX-21, ONNX-22). */
const SAYINGS: readonly [RegExp, (found: RegExpMatchArray) => { readonly text: string; readonly hint: string }][] = [
  [
    /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    ([, has, most]) => ({
      text: `it is of ONNX IR version ${has}, and this onnxruntime-node takes ${most} at most`,
      hint: `install a newer onnxruntime-node, or export the model with ir_version=${most} or less`,
    }),
  ],
  [
    /Opset (\d+) is under development[\s\S]*domain (\S+) is till opset (\d+)/,
    ([, has, domain, most]) => ({
      text: `it is of opset ${has} of ${domain}, and this onnxruntime-node knows ${most} at most`,
      hint: `install a newer onnxruntime-node, or export the model with opset ${most} or less (target_opset, opset_version)`,
    }),
  ],
  [
    /No Op registered for (\S+) with domain_version of (\d+)|: (\S+)\(-?\d+\) is not a registered function\/op/,
    ([, op, opset, custom]) => ({
      text: `it has the operator ${op ?? custom}, which this onnxruntime-node does not have${opset === undefined ? "" : ` in opset ${opset}`}`,
      hint: "export the model with standard operators only; operators of one's own need libraries that are not loaded here",
    }),
  ],
  [
    /Could not find an implementation for (\S+?)\(\d+\) node/,
    ([, op]) => ({
      text: `it has the operator ${op}, which this onnxruntime-node does not have for its types`,
      hint: "export the model with other types, such as float32",
    }),
  ],
  [
    /Unsupported data type: (\d+)/,
    ([, code]) => ({
      text: `it has an input or output of type ${TYPE_NAMES[code!] ?? `number ${code}`}, which onnxruntime-node cannot hand over`,
      hint: "add a Cast to float32 or float16 to the model",
    }),
  ],
  [
    /MLDataType for: tensor\((\w+)\) is not currently registered or supported/,
    ([, type]) => ({
      text: `it has tensors of type ${type}, which onnxruntime-node does not know`,
      hint: "export the model with real numbers",
    }),
  ],
  [
    /Protobuf parsing failed/,
    () => ({
      text: "it is no ONNX model, or only a part of one",
      hint: "compare its size with that of the original, and export or copy it anew",
    }),
  ],
  [
    /ModelProto does not have a graph/,
    () => ({ text: "it is no ONNX model: it has no graph", hint: "export the model anew" }),
  ],
  [
    /External data path|External initializer|filesystem error: cannot get file size/,
    () => ({
      text: "its weights lie in a file of their own, which is not there or not complete",
      hint: "put the file of the weights (often *.onnx.data) into the model's folder, under the name that it was exported with",
    }),
  ],
];

/** Numbers of onnx.proto that the binding has no arrays for. */
const TYPE_NAMES: Readonly<Record<string, string>> = {
  "14": "complex64",
  "15": "complex128",
  "16": "bfloat16",
  "17": "float8e4m3fn",
  "18": "float8e4m3fnuz",
  "19": "float8e5m2",
  "20": "float8e5m2fnuz",
  "23": "float4e2m1",
};

/** What the engine threw while it opened a model. */
export function explainLoad(path: string, cause: unknown): ScriptLoadError {
  const said = engineWords(cause).replace(`Load model from ${path} failed:`, "");
  for (const [pattern, explain] of SAYINGS) {
    const found = said.match(pattern);
    if (found === null) continue;
    const { text, hint } = explain(found);
    return loadFailure(`${path} cannot be loaded: ${text}`, { cause, hint });
  }
  return loadFailure(`${path} cannot be loaded: ${said}`, { cause });
}

/** What the engine says, without the places in its sources where it says so. */
export function engineWords(cause: unknown): string {
  return messageOf(cause)
    .replace(/\/onnxruntime_src\/\S+ .*?\) (?=[A-Z[])/gs, "")
    .trim();
}
