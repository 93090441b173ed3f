import type { Events } from "../core/events.ts";
import type { ScoreRuntime } from "../core/types.ts";
import { Bursts } from "./bursts.ts";
import { createCors } from "./cors.ts";
import type { Route } from "./route.ts";
import { composeScorer, type ModelFront, type Scorer, type ScorerConfig } from "./scorer.ts";
import { countedStream } from "./stream-end.ts";

/** @param runtime started by the caller; until it is ready, requests wait in it
 *  @param moreRoutes of the host's own */
export function createScorer(
  config: ScorerConfig,
  runtime: ScoreRuntime,
  events: Events,
  moreRoutes: readonly Route[] = [],
  model?: ModelFront,
): Scorer {
  return composeScorer(
    config,
    runtime,
    events,
    { cors: createCors(config.corsOrigins), countStream: countedStream, refusals: new Bursts(), model },
    moreRoutes,
  );
}
