import type { Config } from "./config/config.ts";
import type { UsableConfig } from "./config/usable.ts";
import { combineEvents, type Events } from "./core/events.ts";
import type { Log } from "./core/log.ts";
import type { ScoreRuntime } from "./core/types.ts";
import { createEventLog } from "./event-log.ts";
import { withModel } from "./model/with-model.ts";
import type { Route } from "./routes/route.ts";
import { createScorer, type Scorer } from "./routes/scorer.ts";
import { failedRuntime } from "./script/failed-runtime.ts";

/** Makes the runtime of the score script; not started yet. @throws ScoreError when there cannot be one */
export type CreateRuntime = (config: Config, log: Log, events: Events) => ScoreRuntime;

/** What a host brings along. */
export interface ServiceParts<H extends object = object> {
  readonly settings: UsableConfig<H>;
  readonly openLog: (config: Config) => Log;
  readonly createRuntime: CreateRuntime;
  /** Who listens besides the log. */
  readonly subscribers?: readonly Events[];
  /** Of the host's own, once the runtime is there. */
  readonly moreRoutes?: (runtime: ScoreRuntime) => readonly Route[];
}

/** A score script that answers requests, or says why it cannot. */
export interface Service<H extends object = object> {
  readonly config: Config & H;
  readonly log: Log;
  readonly runtime: ScoreRuntime;
  readonly scorer: Scorer;
}

/** Puts a service together, the same for every host: settings, then log, runtime and what answers requests. What is wrong with
 *  settings or script is the answer to requests; only what `openLog` throws is passed on. */
export function createService<H extends object>({
  settings,
  openLog,
  createRuntime,
  subscribers = [],
  moreRoutes = () => [],
}: ServiceParts<H>): Service<H> {
  const { config, warnings, problem } = settings;
  const log = openLog(config);
  for (const warning of warnings) log.server.warning(warning);
  const events = combineEvents([createEventLog(config, log), ...subscribers]);
  const create = (): ScoreRuntime => withModel(config, log, (ready) => createRuntime(ready, log, events));
  const runtime = problem === undefined ? runtimeOrReason(create, log) : failedRuntime(problem, log);
  return { config, log, runtime, scorer: createScorer(config, runtime, events, moreRoutes(runtime)) };
}

function runtimeOrReason(create: () => ScoreRuntime, log: Log): ScoreRuntime {
  try {
    return create();
  } catch (error) {
    return failedRuntime(error, log);
  }
}
