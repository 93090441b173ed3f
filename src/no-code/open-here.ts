import type { Log } from "../core/log.ts";
import type { ServedModel } from "../core/types.ts";
import type { LoadedScript } from "../script/javascript.ts";
import { withRunErrors } from "./engine-failure.ts";
import { openModel } from "./open-model.ts";

/** The model in this process. @throws as `openModel` */
export async function openHere(served: ServedModel, log: Log, strict: boolean): Promise<LoadedScript> {
  return withRunErrors(await openModel(served, log, strict));
}
