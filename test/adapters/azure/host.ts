import { createRequire } from "node:module";
import { app } from "@azure/functions";
import {
  type AzureService,
  type BuiltScript,
  type CreateRuntime,
  createAppLog,
  createAzureService,
  toAzureHandler,
} from "../../../adapters/azure/index.ts";
import { proxiedHeaders, watchProxied } from "../../../adapters/azure/proxied.ts";
import { registerHealth } from "../../../functions/health.ts";
import { registerLifecycle } from "../../../functions/lifecycle.ts";
import { registerModels } from "../../../functions/models.ts";
import { registerScore } from "../../../functions/score.ts";
import { registerSwagger } from "../../../functions/swagger.ts";
import {
  installCore,
  type LocalApp,
  type LocalHostOptions,
  loadApp,
} from "../../../packaging/azure-functions/local-host.ts";
import {
  createEventLog,
  createScorer,
  resolveConfig,
  type ScoreRuntime,
  type Scorer,
  type ScriptTakes,
} from "../../../src/host.ts";
import type { CreateDriver } from "../../conformance.ts";
import { createService, SCRIPTS } from "../../setup/service.ts";

export type Transport = "streaming" | "buffered";

/** A function app of this process, as it is registered in functions/. */
export interface TestApp extends LocalApp {
  readonly service: AzureService;
  /** What the log holds, whichever way it took. */
  text(): string;
}

installCore();
// The copy of the library that was loaded this way is the one that asks for the core.
createRequire(import.meta.url)("@azure/functions");

let isSetUp = false;

/** The library can be set up once in a process; every app of a test file has the same transport. */
function library(): typeof app {
  if (isSetUp) return { ...app, setup: () => {} };
  isSetUp = true;
  return app;
}

export interface StartOptions extends LocalHostOptions {
  readonly built?: BuiltScript;
  readonly createRuntime?: CreateRuntime;
  /** False: the hooks of the start are left out, as when requests come before they are done. */
  readonly hooks?: boolean;
}

/** @param script file below SCRIPTS   @param env on top of PATH and HOME */
export async function startApp(
  transport: Transport,
  script: string,
  env: Readonly<Record<string, string>> = {},
  options: StartOptions = {},
): Promise<TestApp> {
  const lines: string[] = [];
  const service = createAzureService({
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      AML_APP_ROOT: SCRIPTS,
      AZUREML_ENTRY_SCRIPT: script,
      SCOREFN_FUNCTIONS_HTTP_STREAM: String(transport === "streaming"),
      ...env,
    },
    built: options.built,
    ...(options.createRuntime && { createRuntime: options.createRuntime }),
    writeOutside: (line) => lines.push(line),
  });
  return { ...(await start(service, options, lines)), service };
}

async function start(service: AzureService, options: StartOptions, lines: string[]) {
  const api = library();
  const registered = await loadApp(() => {
    registerLifecycle(
      options.hooks === false ? { ...api, hook: { ...api.hook, appStart: api.hook.appTerminate } } : api,
      service,
    );
    registerHealth(api, service);
    registerScore(api, service);
    registerSwagger(api, service);
    registerModels(api, service);
  }, options);
  await registered.start();
  const text = () => [...lines, ...registered.logged.map((record) => record.text)].map((line) => `${line}\n`).join("");
  return { ...registered, text };
}

export interface AppParts {
  readonly takes?: ScriptTakes;
  /** Milliseconds until a request is answered 504. */
  readonly limitMs?: number;
}

/** An app around parts of a test's own: a scorer's handle(), or a runtime's run(). */
export async function startHandler(
  transport: Transport,
  own: Pick<Scorer, "handle"> | Pick<ScoreRuntime, "run">,
  { takes = "body", limitMs }: AppParts,
  options: LocalHostOptions,
): Promise<Omit<TestApp, "service"> & Pick<AzureService, "handler">> {
  const lines: string[] = [];
  const log = createAppLog("INFO", (line) => lines.push(line));
  const { config } = resolveConfig({ env: { SCOREFN_ERROR_DETAIL: "none" } });
  const runtime: ScoreRuntime = {
    start: async () => ({ takes, concurrent: true }),
    run: () => Promise.reject(new Error("there is no runtime")),
    close: async () => {},
    state: "ready",
    initialised: true,
    failure: undefined,
    ...("run" in own ? own : {}),
  };
  const scorer = { ...createScorer(config, runtime, createEventLog(config, log)), ...("handle" in own ? own : {}) };
  const streaming = transport === "streaming";
  const settings = { streaming, maxBodyBytes: 0, ...(limitMs === undefined ? {} : { limitMs }) };
  const handler = toAzureHandler(scorer, settings, log);
  const service = {
    config: { ...config, functionsAuthLevel: "function", functionsHttpStream: streaming } as const,
    handler,
    ready: async () => {},
    answerDropped: () => () => {},
    close: async () => {},
  };
  return { ...(await start(service, options, lines)), handler };
}

/** Drives the conformance suite through the whole app. */
export function appDriver(transport: Transport): CreateDriver {
  return async (script, env, createRuntime) => {
    const { send, text, terminate } = await startApp(transport, script, env, createRuntime && { createRuntime });
    return { send, logged: text, close: terminate };
  };
}

/** Drives it through the handler alone, so that worker processes stay quiet while the log is complete. */
export function handlerDriver(transport: Transport): CreateDriver {
  return async (script, env, createRuntime) => {
    const { scorer, runtime, config, log, logged, close } = createService(script, env, createRuntime);
    const streaming = transport === "streaming";
    if (streaming) watchProxied();
    const options = { streaming, maxBodyBytes: config.maxBodyBytes, ...(streaming && { headersOf: proxiedHeaders }) };
    const handler = toAzureHandler(scorer, options, log);
    const ready = () => runtime.start().then(...BOTH_WAYS);
    const settings = { ...config, functionsAuthLevel: "function", functionsHttpStream: streaming } as const;
    const { send } = await start({ config: settings, handler, ready, answerDropped: () => () => {}, close }, {}, []);
    return { send, logged, close };
  };
}

const BOTH_WAYS = [() => {}, () => {}] as const;
