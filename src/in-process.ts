import { resolve } from "node:path";
import type { CreateRuntime } from "./compose.ts";
import type { Config } from "./config/config.ts";
import { adoptEnvironment } from "./config/resolve.ts";
import type { Log } from "./core/log.ts";
import type { ServedModel } from "./core/types.ts";
import { InProcessRuntime } from "./script/in-process.ts";
import type { LoadedScript } from "./script/javascript.ts";

/** Loads a model in this process, and what that takes.
 *  @throws ScriptLoadError `ERR_MODEL_LOAD` when there is nothing that can be served */
export async function openServed(
  model: ServedModel,
  log: Log,
  options: Pick<Config, "strict" | "logLevel">,
): Promise<LoadedScript> {
  return (await import("./no-code/open-here.ts")).openHere(model, log, options);
}

/** The runtime of a JavaScript or TypeScript script in this process.
 *  @param importScript gives the script's exports: `() => import("./score.ts")`, so that a bundle holds it */
export function inProcess(importScript?: () => Promise<Record<string, unknown>>): CreateRuntime {
  return (config, log, events) => {
    // The script has no process of its own whose environment could be prepared.
    adoptEnvironment(config);
    const { appRoot, modelDir, scoringTimeoutMs, maxQueue, strict } = config;
    const entryScript = config.entryScript ?? resolve(appRoot, "score.js");
    const { model } = config;
    const load = model === null ? undefined : (itsLog: Log): Promise<LoadedScript> => openServed(model, itsLog, config);
    return new InProcessRuntime(
      { entryScript, appRoot, modelDir, strict, scoringTimeoutMs, maxQueue, importScript, load },
      log,
      events,
    );
  };
}
