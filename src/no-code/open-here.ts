import type { Log } from "../core/log.ts";
import type { ServedModel } from "../core/types.ts";
import type { LoadedScript } from "../script/javascript.ts";
import { withRunErrors } from "./engine-failure.ts";
import { type ModelOptions, openModel } from "./open-model.ts";

/** The model in this process. @throws as `openModel` */
export async function openHere(served: ServedModel, log: Log, options: ModelOptions): Promise<LoadedScript> {
  return withRunErrors(await openModel(served, log, options));
}
