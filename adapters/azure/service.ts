// What a function app is made of once, when its entry module is loaded: settings, log, script, core, handler.
import { join, resolve } from "node:path";
import type { HttpHandler } from "@azure/functions";
import {
  adoptEnvironment,
  type Config,
  ConfigError,
  createScorer,
  createStartupLog,
  type Environment,
  failedRuntime,
  InProcessRuntime,
  InvalidSettingsError,
  isJavaScript,
  type Log,
  type LogLevel,
  resolveConfig,
  type ScoreError,
  type ScoreRuntime,
  type Scorer,
} from "../../src/host.ts";
import { toAzureHandler } from "./handler.ts";
import { createAppLog, type WriteOutside } from "./log.ts";
import { answerDropped, proxiedHeaders, watchProxied } from "./proxied.ts";
import { type AzureSettings, azureSettings as host } from "./settings.ts";

/** The script of a built app. */
export interface BuiltScript {
  /** Folder of host.json, absolute. */
  readonly appRoot: string;
  /** Where the script's source lies, relative to the app root. */
  readonly entryScript: string;
  /** Relative to the app root; null: there is no model. */
  readonly modelDir: string | null;
}

/** Makes the runtime of the script that the settings name. @throws ScoreError when there cannot be one */
export type CreateRuntime = (config: Config, log: Log) => ScoreRuntime;

/** Runs a bundled script in this process.
 *  @param importScript gives its exports: `() => import("./score.mjs")` */
export function inProcess(importScript: () => Promise<Record<string, unknown>>): CreateRuntime {
  return (config, log) => {
    const { appRoot, modelDir, scoringTimeoutMs, maxQueue, strict } = config;
    const entryScript = config.entryScript ?? resolve(appRoot, "score.js");
    return new InProcessRuntime(
      { entryScript, appRoot, modelDir, strict, importScript, scoringTimeoutMs, maxQueue },
      log,
      createStartupLog(config, log),
    );
  };
}

export interface AzureServiceOptions {
  /** Stands in for the process's own. */
  readonly env?: Environment | undefined;
  /** What a build knows of its script; without it the settings name one. */
  readonly built?: BuiltScript | undefined;
  /** A bundle holds only the runtime it needs, so the entry chooses. */
  readonly createRuntime: CreateRuntime;
  readonly writeOutside?: WriteOutside | undefined;
}

/** A score script as a function app. */
export interface AzureService {
  readonly config: Config & AzureSettings;
  /** Serves all routes. */
  readonly handler: HttpHandler;
  /** Loads the script and calls its init(), once however often it is called. Never rejects: why there is no script is
   *  what requests are answered with. */
  ready(): Promise<void>;
  /** From now on requests that the library drops are answered. Asks to be told by a hook of every invocation that begins. */
  answerDropped(): (invocationId: string) => void;
  /** Ends worker processes within the time the host gives. Never rejects. */
  close(): Promise<void>;
}

/** How long running requests may take when the app is stopped, in milliseconds: the host kills after 5 s. */
export const STOP_GRACE_MS = 4_000;

/** Never throws: an entry module that does leaves an app without functions, and nobody told why. */
export function createAzureService(options: AzureServiceOptions): AzureService {
  const { config, log, scorer, ready, runtime } = createParts(options, (level) =>
    createAppLog(level, options.writeOutside),
  );
  const { functionsHttpStream: streaming, maxBodyBytes } = config;
  if (streaming) watchProxied();
  const headersOf = streaming ? proxiedHeaders : () => undefined;
  return {
    config,
    handler: toAzureHandler(scorer, { streaming, maxBodyBytes, headersOf }, log),
    ready,
    answerDropped: () => answerDropped((head, error) => scorer.refuse(head, error)),
    close: () => runtime.close(STOP_GRACE_MS),
  };
}

/** What answers for a script, whatever carries the requests. */
export interface Parts extends Pick<AzureService, "config" | "ready"> {
  readonly log: Log;
  readonly runtime: ScoreRuntime;
  readonly scorer: Scorer;
}

/** Never throws. */
export function createParts(options: AzureServiceOptions, openLog: (threshold: LogLevel) => Log): Parts {
  const { config, warnings, problem } = readSettings(options);
  const log = openLog(config.logLevel);
  for (const warning of warnings) log.server.warning(warning);
  const runtime = problem === undefined ? startable(config, options, log) : failedRuntime(problem, log);
  let ready: Promise<void> | undefined;
  return {
    config,
    log,
    runtime,
    scorer: createScorer(config, runtime, log),
    ready() {
      ready ??= runtime.start().then(
        () => {},
        () => {},
      );
      return ready;
    },
  };
}

function startable(config: Config, { createRuntime }: AzureServiceOptions, log: Log): ScoreRuntime {
  try {
    // It may run in this process, whose environment is then its own.
    if (isJavaScript(config.entryScript)) adoptEnvironment(config);
    return createRuntime(config, log);
  } catch (error) {
    return failedRuntime(error, log);
  }
}

/** Settings that cannot be used leave the defaults, and the problem. */
function readSettings({ env, built }: AzureServiceOptions): {
  config: Config & AzureSettings;
  warnings: readonly string[];
  problem?: ScoreError;
} {
  const cwd = built?.appRoot;
  const defaults: Record<string, string> = { SCOREFN_ERROR_DETAIL: "none" };
  if (built !== undefined) {
    defaults.AML_APP_ROOT = built.appRoot;
    defaults.AZUREML_ENTRY_SCRIPT = built.entryScript;
    if (built.modelDir !== null) defaults.AZUREML_MODEL_DIR = join(built.appRoot, built.modelDir);
  }
  try {
    const settings = resolveConfig({ env, defaults, cwd, host });
    if (!isJavaScript(settings.config.entryScript)) return settings;
    return resolveConfig({ env, defaults: { ...defaults, SCOREFN_SCRIPT_HOST: "in-process" }, cwd, host });
  } catch (error) {
    if (!(error instanceof InvalidSettingsError)) throw error;
    const message = error.problems.map(({ text }) => text).join("; ");
    const settings = resolveConfig({ env: {}, defaults, cwd, withoutFiles: true, host });
    return { ...settings, problem: new ConfigError("ERR_CONFIG", message, { cause: error }) };
  }
}
