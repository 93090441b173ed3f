// What is made once per environment, before the first request: settings, log, script, core.
import { resolve } from "node:path";
import {
  batchLines,
  type Config,
  createLog,
  createScorer,
  createStartupLog,
  failedRuntime,
  InProcessRuntime,
  type Log,
  type ScoreRuntime,
  type Scorer,
  withModel,
} from "../../src/host.ts";
import { type FunctionOptions, processEnvironment, readSettings } from "./settings.ts";
import { onShutdown } from "./shutdown.ts";

export interface LambdaOptions extends FunctionOptions {
  /** Gets whole lines of the log; default: stdout. */
  readonly write?: ((text: string) => void) | undefined;
}

/** Makes the runtime of a score script. @throws ScoreError when there cannot be one */
export type CreateRuntime = (config: Config, log: Log) => ScoreRuntime;

/** A score script that is ready to answer, or knows why it is not. */
export interface LambdaService {
  readonly config: Config;
  readonly log: Log;
  readonly runtime: ScoreRuntime;
  readonly scorer: Scorer;
  /** Hands the log over: what is not written when an answer leaves, appears with the next request or never. */
  flush(): void;
}

/** How long a script that was told to end may take before its worker is killed, in milliseconds: within the margin of a
 *  deadline, and long enough for a script that can be interrupted. */
export const SETTLE_MS = 100;

/** How long SIGTERM leaves to requests that run, in milliseconds: Lambda kills at 300 or 500. */
const STOP_GRACE_MS = 100;

/** The runtime of a JavaScript or TypeScript script in the function's own process.
 *  @param importScript gives the script's exports: `() => import("./score.ts")`, so that a bundle holds it */
export function inProcess(importScript: () => Promise<Record<string, unknown>>): CreateRuntime {
  return (settings, log) =>
    withModel(settings, log, (config) => {
      const { appRoot, modelDir, scoringTimeoutMs, maxQueue, strict } = config;
      const entryScript = config.entryScript ?? resolve(appRoot, "score.js");
      // The script has no process of its own whose environment could be prepared.
      Object.assign(processEnvironment, config.workerEnv);
      return new InProcessRuntime(
        { entryScript, appRoot, modelDir, strict, scoringTimeoutMs, maxQueue, importScript },
        log,
        createStartupLog(config, log),
      );
    });
}

/** Loads the script and calls its init(); resolves when requests can be answered, if only with the reason why they
 *  cannot. Never rejects: a function that fails in its init phase is started again for every request, and its clients get
 *  a bare 502. */
export async function startService(createRuntime: CreateRuntime, options: LambdaOptions = {}): Promise<LambdaService> {
  const { write = (text: string) => process.stdout.write(text) } = options;
  const batch = batchLines(write);
  const { config, warnings, problem } = readSettings(options);
  const log = createLog(batch.write, config.logLevel);
  for (const warning of warnings) log.server.warning(warning);
  const runtime = problem === undefined ? create(createRuntime, config, log) : failedRuntime(problem, log);
  const registered = onShutdown(async () => {
    log.server.info("Received SIGTERM; finishing what runs.");
    await runtime.close(STOP_GRACE_MS);
    batch.flush();
  }, options.env);
  // A failure is in the log already, and in every answer.
  await Promise.all([runtime.start().catch(() => undefined), registered]);
  batch.flush();
  return { config, log, runtime, scorer: createScorer(config, runtime, log), flush: batch.flush };
}

function create(createRuntime: CreateRuntime, config: Config, log: Log): ScoreRuntime {
  try {
    return createRuntime(config, log);
  } catch (error) {
    return failedRuntime(error, log);
  }
}
