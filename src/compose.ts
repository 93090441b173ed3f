import type { Config } from "./config/config.ts";
import type { UsableConfig } from "./config/usable.ts";
import { combineEvents, type Events } from "./core/events.ts";
import type { Log } from "./core/log.ts";
import type { ScoreRuntime } from "./core/types.ts";
import type { docsRoutes } from "./docs-page/routes.ts";
import { createEventLog } from "./event-log.ts";
import { type RecordStyle, TEXT_STYLE } from "./log/style.ts";
import type { withModel } from "./model/with-model.ts";
import type { createModelFront } from "./no-code/front/model-front.ts";
import type { Bursts } from "./routes/bursts.ts";
import type { createCors } from "./routes/cors.ts";
import type { Route } from "./routes/route.ts";
import { composeScorer, type Scorer } from "./routes/scorer.ts";
import type { countedStream } from "./routes/stream-end.ts";
import { failedRuntime } from "./script/failed-runtime.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";

/** Makes the runtime of the score script; not started yet. @throws ScoreError when there cannot be one */
export type CreateRuntime = (config: Config, log: Log, events: Events) => ScoreRuntime;

/** What a host brings along. */
export interface ServiceParts<H extends object = object> {
  readonly settings: UsableConfig<H>;
  readonly openLog: (config: Config) => Log;
  readonly createRuntime: CreateRuntime;
  /** Undefined: nothing is traced. */
  readonly telemetry?: Telemetry | undefined;
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

/** As `createService`, for a host that can wait: what only some settings need is loaded only where they are set. */
export async function createServiceLater<H extends object>(parts: LaterParts<H>): Promise<Service<H>> {
  const { settings, telemetry, subscribers = [] } = parts;
  const { corsOrigins, docsPath, logFormat, model, modelUri } = settings.config;
  const style = logFormat === "json" ? (await import("./log/json-style.ts")).JSON_STYLE : TEXT_STYLE;
  const countsStreams = [telemetry?.events, ...subscribers].some((events) => events?.streamEnded !== undefined);
  return compose(
    { ...parts, openLog: (config) => parts.openLog(config, style) },
    {
      createCors: corsOrigins === null ? undefined : (await import("./routes/cors.ts")).createCors,
      withModel: modelUri === null ? undefined : (await import("./model/with-model.ts")).withModel,
      docsRoutes: docsPath === null ? undefined : (await import("./docs-page/routes.ts")).docsRoutes,
      createModelFront: model === null ? undefined : (await import("./no-code/front/model-front.ts")).createModelFront,
      refusals: undefined,
      countStream: countsStreams ? (await import("./routes/stream-end.ts")).countedStream : undefined,
    },
  );
}

export interface LaterParts<H extends object = object> extends Omit<ServiceParts<H>, "openLog"> {
  /** @param style how the setting has records written */
  readonly openLog: (config: Config, style: RecordStyle) => Log;
}

/** What only some settings need. */
export interface Extras {
  readonly createCors: typeof createCors | undefined;
  readonly withModel: typeof withModel | undefined;
  readonly docsRoutes: typeof docsRoutes | undefined;
  readonly createModelFront: typeof createModelFront | undefined;
  readonly countStream: typeof countedStream | undefined;
  readonly refusals: Bursts | undefined;
}

export function compose<H extends object>(
  { settings, openLog, createRuntime, telemetry, subscribers = [], moreRoutes = () => [] }: ServiceParts<H>,
  extras: Extras,
): Service<H> {
  const { config, warnings, problem } = settings;
  const log = openLog(config);
  for (const warning of warnings) log.server.warning(warning);
  telemetry?.attach(log);
  const cors = extras.createCors?.(config.corsOrigins);
  const events = combineEvents([
    createEventLog(config, log, cors),
    ...subscribers,
    ...(telemetry === undefined ? [] : [telemetry.events]),
  ]);
  const createNow = (ready: Config): ScoreRuntime => {
    telemetry?.modelIs?.(ready.modelDir);
    return createRuntime(ready, log, events);
  };
  const create = (): ScoreRuntime => extras.withModel?.(config, log, createNow) ?? createNow(config);
  const runtime = problem === undefined ? runtimeOrReason(create, log) : failedRuntime(problem, log);
  const { countStream, refusals } = extras;
  const { tracer } = telemetry ?? {};
  const model = config.model === null ? undefined : extras.createModelFront?.(config, runtime, events, config.model);
  const parts = { cors, tracer, countStream, refusals, model };
  const scorer = composeScorer(config, runtime, events, parts, [
    ...moreRoutes(runtime),
    ...(extras.docsRoutes?.(config, runtime) ?? []),
  ]);
  return { config, log, runtime, scorer };
}

function runtimeOrReason(create: () => ScoreRuntime, log: Log): ScoreRuntime {
  try {
    return create();
  } catch (error) {
    return failedRuntime(error, log);
  }
}
