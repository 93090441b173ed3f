// A server whose script is loaded anew when it is edited.
import {
  type Config,
  createLog,
  createRuntime,
  createService,
  type Events,
  keptFiles,
  type Log,
  type LogOutputs,
  loadInsights,
  loadReload,
  openTelemetry,
  paintFor,
  processEnvironment,
  type ResolvedConfig,
  type ScoreError,
  type ScoreRuntime,
  type ServerSettings,
  type Service,
  TELEMETRY_GRACE_MS,
  toScoreError,
} from "../../src/host.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { cannotBeServed, describeStartFailure } from "./start-failure.ts";

/** What reloading takes. */
export interface Reloads {
  /** Reads all settings anew. @throws ScoreError for those that cannot be used */
  readonly readAgain: () => ResolvedConfig<ServerSettings>;
  /** What is wrong with the settings that the server begins with. */
  readonly problem: ScoreError | undefined;
  readonly onListening: () => void;
}

type ReloadConfig = Config & ServerSettings;

/** @param openServerLog throws ConfigError for a `logging.json` that cannot be used */
export async function createReloadingService(
  given: Config,
  { readAgain, problem }: Reloads,
  openServerLog: (config: Config, file: LogOutputs["file"]) => Log,
  write: (text: string) => void,
): Promise<{ readonly service: Service; readonly metrics: Metrics | undefined }> {
  const { createReloading } = await loadReload();
  const files = keptFiles();
  /** Of the newest version. */
  let config = given as ReloadConfig;
  const metrics = createMetrics(config, () => config);
  const serving: Pick<ScoreRuntime, "state" | "load"> = {
    get state() {
      return reloading.runtime.state;
    },
    get load() {
      return reloading.runtime.load;
    },
  };

  async function make(of: ReloadConfig, warnings: readonly string[], failure: ScoreError | undefined) {
    const readAt = Date.now();
    const telemetry = await openTelemetry(of, processEnvironment, { loadInsights });
    const end = async (): Promise<void> => telemetry?.close(TELEMETRY_GRACE_MS);
    try {
      const service = createService({
        settings: { config: of, warnings, ...(failure && { problem: failure }) },
        openLog:
          failure === undefined
            ? (its) => openServerLog(its, files)
            : (its) => createLog(write, its.logLevel, its.logFormat),
        createRuntime: (its, log, events) => createRuntime(its, log, events, { fresh: true }),
        telemetry,
        ...(metrics && { subscribers: [metrics.events], moreRoutes: () => metrics.routes(serving) }),
      });
      return { ...service, readAt, end };
    } catch (error) {
      await end();
      throw error;
    }
  }

  const createFailed = (failure: ScoreError) => make(config, [], failure);
  const first = await make(config, [], problem).catch((error: unknown) => createFailed(toScoreError(error)));
  const reloading = createReloading(first, {
    async create() {
      const resolved = readAgain();
      config = resolved.config;
      return make(resolved.config, resolved.warnings, undefined);
    },
    createFailed,
    errorDetail: config.errorDetail,
    maxQueue: config.maxQueue,
    maxQueueBytes: config.maxQueueBytes,
    queueTimeoutMs: config.queueTimeoutMs,
    subscribers: [terminalOf(() => config), ...(metrics ? [metrics.events] : [])],
  });
  return { service: { config, ...reloading }, metrics };
}

/** Shows the place, which no line of the log does. @param config of the newest version */
function terminalOf(config: () => Pick<Config, "model">): Events {
  return {
    reloadFailed({ failure, isServed }) {
      const what = isServed ? "the edit cannot be served, the last good version goes on" : cannotBeServed(config());
      process.stderr.write(`${describeStartFailure(failure, paintFor(process.stderr), what)}\n`);
    },
  };
}
