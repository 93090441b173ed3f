import type { Events } from "../../core/events.ts";
import type { ScoreRuntime, ServedModel } from "../../core/types.ts";
import type { ResponseSettings } from "../../routes/respond.ts";
import type { ModelFront } from "../../routes/scorer.ts";
import { modelFamily, serverRoutes } from "./inference.ts";
import { invocationsRoutes } from "./invocations.ts";
import { failedModels } from "./models.ts";

/** What answers for a model besides the routes that a score script has. */
export function createModelFront(
  settings: ResponseSettings,
  runtime: ScoreRuntime,
  events: Events,
  served: ServedModel,
): ModelFront {
  return {
    routes: [...serverRoutes(settings, runtime, served), ...invocationsRoutes(settings, runtime, events, served)],
    family: modelFamily(settings, runtime, events, served),
    failures: () => failedModels(runtime.facts?.models ?? [], settings.errorDetail),
  };
}
