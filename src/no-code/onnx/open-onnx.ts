// One ONNX file as a model with one version.
import type { Log } from "../../core/log.ts";
import type { ServedModel } from "../../core/types.ts";
import type { Model } from "../types.ts";
import { openSession } from "./session.ts";

/** @throws ScriptLoadError `ERR_MODEL_LOAD` */
export async function openOnnx({ path, name }: ServedModel, log: Log): Promise<Model> {
  const session = await openSession({ path, log });
  throw new Error(`not yet: ${name} ${session.inputs.length}`);
}
