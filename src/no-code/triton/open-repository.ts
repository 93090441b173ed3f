// A repository of models in Triton's layout.
import type { Log } from "../../core/log.ts";
import type { Model } from "../types.ts";

/** @returns all models that there are, those that cannot be served included
 *  @throws ScriptLoadError `ERR_MODEL_LOAD` when there is no model at all */
export async function openRepository(path: string, log: Log): Promise<readonly Model[]> {
  throw new Error(`not yet: ${path} ${log.format}`);
}
