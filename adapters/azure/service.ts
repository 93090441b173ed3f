// What a function app is made of once, when its entry module is loaded: settings, log, script, core, handler.
import { join } from "node:path";
import type { HttpHandler } from "@azure/functions";
import {
  type Config,
  type CreateRuntime,
  createService,
  type Environment,
  type Log,
  processEnvironment,
  resolveUsable,
  runsInNode,
  type Service,
  type UsableConfig,
} from "../../src/host.ts";

export { type CreateRuntime, createRuntime, inProcess } from "../../src/host.ts";

import { toAzureHandler } from "./handler.ts";
import { createAppLog, type WriteOutside } from "./log.ts";
import { answerDropped, proxiedHeaders, watchProxied } from "./proxied.ts";
import { type AzureSettings, azureSettings as host } from "./settings.ts";
import { type LateTelemetry, lateTelemetry } from "./telemetry.ts";

/** The script of a built app. */
export interface BuiltScript {
  /** Folder of host.json, absolute. */
  readonly appRoot: string;
  /** Where the script's source lies, relative to the app root; null: a model is served without one. */
  readonly entryScript: string | null;
  /** That model: its path, relative to the app root, and its name. */
  readonly model?: { readonly path: string; readonly name?: string | undefined } | undefined;
  /** Relative to the app root; null: there is no model. */
  readonly modelDir: string | null;
}

export interface AzureServiceOptions {
  /** Takes the place of the process's own. */
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
  /** Loads the script and calls its init(), and loads what traces are made with where they are on, once however often it is
   *  called. Never rejects: why there is no script is what requests get. */
  ready(): Promise<void>;
  /** From now on requests that the library drops get an answer. Asks to be told by a hook of every invocation that begins. */
  answerDropped(): (invocationId: string) => void;
  /** Ends worker processes and sends the last spans, within the time the host gives. Never rejects. */
  close(): Promise<void>;
}

/** How long running requests may take when the app is stopped, in milliseconds: the host kills after 5 s. */
export const STOP_GRACE_MS = 4_000;

/** How long the spans of the very last requests may take to leave after that, in milliseconds. */
const LAST_SPANS_MS = 500;

/** Never throws: an entry module that does leaves an app without functions, and nobody told why. */
export function createAzureService(options: AzureServiceOptions): AzureService {
  const { config, log, scorer, ready, close, telemetry } = createParts(options, ({ logLevel, logFormat }) =>
    createAppLog(logLevel, options.writeOutside, logFormat),
  );
  const { functionsHttpStream: streaming, maxBodyBytes } = config;
  if (streaming) watchProxied();
  // Its first request may come at once where nobody waits for `ready`.
  void telemetry?.load();
  const headersOf = streaming ? proxiedHeaders : () => undefined;
  return {
    config,
    handler: toAzureHandler(scorer, { streaming, maxBodyBytes, headersOf }, log),
    ready,
    answerDropped: () => answerDropped((head, error) => scorer.refuse(head, error)),
    close,
  };
}

/** What answers for a script, whatever carries the requests. */
export interface Parts extends Service<AzureSettings>, Pick<AzureService, "ready"> {
  /** Undefined: nothing is traced. */
  readonly telemetry: LateTelemetry | undefined;
  /** @param others what else takes its end meanwhile */
  close(...others: readonly Promise<unknown>[]): Promise<void>;
}

/** Never throws. */
export function createParts(options: AzureServiceOptions, openLog: (config: Config) => Log): Parts {
  const settings = readSettings(options);
  const telemetry = lateTelemetry(settings.config, options.env ?? processEnvironment);
  const service = createService({
    settings,
    telemetry,
    openLog,
    createRuntime: options.createRuntime,
  });
  let ready: Promise<void> | undefined;
  return {
    ...service,
    ready() {
      ready ??= Promise.allSettled([service.runtime.start(), telemetry?.load()]).then(() => {});
      return ready;
    },
    telemetry,
    async close(...others) {
      const { runtime } = service;
      await Promise.all([runtime.close(STOP_GRACE_MS), telemetry?.flush(STOP_GRACE_MS), ...others]);
      await telemetry?.close(LAST_SPANS_MS);
    },
  };
}

function readSettings({ env = processEnvironment, built }: AzureServiceOptions): UsableConfig<AzureSettings> {
  const cwd = built?.appRoot;
  const defaults: Record<string, string> = { SCOREFN_ERROR_DETAIL: "none" };
  if (built !== undefined) {
    defaults.AML_APP_ROOT = built.appRoot;
    const { entryScript, model } = built;
    if (entryScript !== null) defaults.AZUREML_ENTRY_SCRIPT = entryScript;
    if (model !== undefined) defaults.SCOREFN_MODEL = join(built.appRoot, model.path);
    if (model?.name !== undefined) defaults.SCOREFN_MODEL_NAME = model.name;
    if (built.modelDir !== null) defaults.AZUREML_MODEL_DIR = join(built.appRoot, built.modelDir);
  }
  const settings = resolveUsable({ env, defaults, cwd, host });
  if (settings.problem !== undefined || !runsInNode(settings.config)) return settings;
  return resolveUsable({ env, defaults: { ...defaults, SCOREFN_SCRIPT_HOST: "in-process" }, cwd, host });
}
