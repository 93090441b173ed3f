// One ONNX file as a model with one version.
import { BadInputError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { ServedModel, TensorFacts } from "../../core/types.ts";
import type { Model } from "../types.ts";
import { checkInputs, wantedOutputs } from "./check-request.ts";
import { openSession, type SessionTensor } from "./session.ts";

const VERSION = "1";
/** As Triton names it. */
export const PLATFORM = "onnxruntime_onnx";

/** @param verbose as of a session   @throws ScriptLoadError `ERR_MODEL_LOAD` with a hint */
export async function openOnnx(
  { path, name }: Pick<ServedModel, "path" | "name">,
  log: Log,
  verbose = false,
): Promise<Model> {
  const session = await openSession({ path, log, verbose });
  const expected = { name, inputs: session.inputs, outputs: session.outputs };
  return {
    facts: {
      name,
      platform: PLATFORM,
      versions: [{ version: VERSION }],
      inputs: session.inputs.map(toFacts),
      outputs: session.outputs.map(toFacts),
    },
    async infer(version, inputs, outputs) {
      if (version !== undefined && version !== VERSION) {
        const message = `Request for unknown model: '${name}' version ${version} is not found`;
        throw new BadInputError("ERR_NOT_FOUND", message);
      }
      const fetches = wantedOutputs(expected, outputs);
      checkInputs(expected, inputs);
      return { version: VERSION, outputs: await session.run(inputs, fetches) };
    },
  };
}

/** As the Open Inference Protocol describes it: named dimensions are of any size. */
export function toFacts({ name, datatype, shape }: SessionTensor): TensorFacts {
  return { name, datatype, shape: shape.map((dim) => (typeof dim === "number" ? dim : -1)) };
}
