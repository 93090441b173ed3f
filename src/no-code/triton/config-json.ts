// A model's configuration as Triton shows it: all that there is, with Triton's defaults (TRI-16).
import { PLATFORM } from "../onnx/open-onnx.ts";
import { BACKEND, type ModelConfig, typeName, type VersionPolicy } from "./config.ts";
import type { BoundTensor, Signature } from "./signature.ts";

/** What a model's file is called where nothing else is said. */
export const MODEL_FILE = "model.onnx";

export function configJson(name: string, config: ModelConfig, signature: Signature): Record<string, unknown> {
  return {
    name,
    platform: PLATFORM,
    backend: BACKEND,
    runtime: "",
    version_policy: policyJson(config.versionPolicy),
    max_batch_size: config.maxBatchSize,
    input: signature.inputs.map((input) => ({
      ...tensorJson(input, { format: input.format }),
      is_shape_tensor: false,
      allow_ragged_batch: false,
      optional: input.optional,
      is_non_linear_format_io: false,
    })),
    output: signature.outputs.map((output) => ({
      ...tensorJson(output, {}),
      label_filename: output.labelFile,
      is_shape_tensor: false,
      is_non_linear_format_io: false,
    })),
    batch_input: [],
    batch_output: [],
    optimization: {
      priority: "PRIORITY_DEFAULT",
      input_pinned_memory: { enable: true },
      output_pinned_memory: { enable: true },
      gather_kernel_buffer_threshold: 0,
      eager_batching: false,
    },
    // What serves, whatever instance_group asks for.
    instance_group: [
      {
        name: `${name}_0`,
        kind: "KIND_CPU",
        count: 1,
        gpus: [],
        secondary_devices: [],
        profile: [],
        passive: false,
        host_policy: "",
      },
    ],
    default_model_filename: config.modelFile === "" ? MODEL_FILE : config.modelFile,
    cc_model_filenames: {},
    metric_tags: {},
    parameters: Object.fromEntries(
      Object.entries(config.parameters).map(([key, value]) => [key, { string_value: value }]),
    ),
    model_warmup: [],
  };
}

function tensorJson({ name, datatype, dims, reshape }: BoundTensor, more: object): Record<string, unknown> {
  const shape = dims ?? [];
  return { name, data_type: typeName(datatype), ...more, dims: shape, ...(reshape && { reshape: { shape: reshape } }) };
}

function policyJson(policy: VersionPolicy): Record<string, unknown> {
  if (policy.kind === "all") return { all: {} };
  if (policy.kind === "specific") return { specific: { versions: policy.versions.map(Number) } };
  return { latest: { num_versions: policy.count } };
}
