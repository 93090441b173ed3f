import { basename, dirname, join } from "node:path";
import {
  type Config,
  ConfigError,
  type Environment,
  InvalidSettingsError,
  resolveUsable,
  type UsableConfig,
} from "../../src/host.ts";
import type { Assets, Code, DeploymentSpec } from "../types.ts";

/** So much later than the gateway's limit comes that of the workers, in milliseconds: clients get the gateway's answer, and a
 *  run() whose client has left ends all the same. */
const BEHIND_GATEWAY_MS = 1_000;

/** How many requests may be in flight for each that may run (contract GW-16). */
const IN_FLIGHT_PER_RUN = 2;

/** Requests that may run or wait at a time on so many instances. */
export function capacityOf({ maxConcurrentRequestsPerInstance }: DeploymentSpec, instances: number): number {
  return IN_FLIGHT_PER_RUN * maxConcurrentRequestsPerInstance * instances;
}

/** Most instances that there can be. */
export function maxInstances({ scale, instanceCount }: DeploymentSpec): number {
  return scale.type === "default" ? instanceCount : scale.maxInstances;
}

/** Instances to begin with. @param running as many as there are now: where the load says how many, a new version begins with
 *  those */
export function firstInstances({ scale, instanceCount }: DeploymentSpec, running: number): number {
  if (scale.type === "default") return instanceCount;
  return Math.max(1, scale.minInstances, Math.min(running, scale.maxInstances));
}

/** Variables of one deployment: those of this process, with what Azure sets and the deployment's own over it (contract ENV-1,
 *  ENV-2). @param env of this process, which stays as it is */
export function deploymentEnvironment(
  { appInsightsEnabled }: DeploymentSpec,
  code: Code | null,
  { modelDir, served, environmentVariables: own }: Assets,
  env: Environment,
): Environment {
  const script = code === null ? undefined : join(code.folder, code.scoringScript);
  // A key of the deployment's own says by itself that it is to be used.
  const hasKey = INSIGHTS_KEYS.some((name) => own[name]);
  const azure = {
    AML_APP_ROOT: dirname(script ?? served?.path ?? ""),
    AZUREML_ENTRY_SCRIPT: script === undefined ? undefined : basename(script),
    SCOREFN_MODEL: served?.path,
    SCOREFN_MODEL_NAME: served === null || served.kind === "triton" ? undefined : served.name,
    AZUREML_MODEL_DIR: modelDir ?? undefined,
    AML_APP_INSIGHTS_ENABLED: hasKey && !appInsightsEnabled ? undefined : String(appInsightsEnabled),
  };
  return { ...env, ...azure, ...own };
}

const INSIGHTS_KEYS = ["APPLICATIONINSIGHTS_CONNECTION_STRING", "AML_APP_INSIGHTS_KEY"];

/** Settings of the server behind one deployment: its variables, and what its YAML says of workers and limits over them.
 *  @param env as `deploymentEnvironment` gives it   @param workers to begin with */
export function deploymentSettings(
  spec: DeploymentSpec,
  assets: Assets,
  env: Environment,
  workers: number,
): UsableConfig {
  const { python, environmentVariables } = assets;
  const { kind, requestTimeoutMs, maxQueueWaitMs, maxConcurrentRequestsPerInstance } = spec;
  const usable = withoutSecretValues(spec, environmentVariables, {
    env,
    flags: {
      worker_count: String(workers),
      // The gateway has the limit. Requests that are on their way out still count here, so there is room for as many again.
      max_queue: String(2 * capacityOf(spec, Math.max(1, maxInstances(spec)))),
      queue_timeout_ms: String(kind === "kubernetes" ? maxQueueWaitMs : 0),
      // Its variables and faults would be those of all.
      script_host: "workers",
      ...(python !== null && { python }),
    },
  });
  const { config } = usable;
  const limitMs = requestTimeoutMs + BEHIND_GATEWAY_MS;
  const own: Config = {
    ...config,
    scoringTimeoutMs: Math.min(config.scoringTimeoutMs || limitMs, limitMs),
    workerEnv: {
      ...config.workerEnv,
      WORKER_COUNT: environmentVariables.WORKER_COUNT ?? String(maxConcurrentRequestsPerInstance),
    },
  };
  const warnings = [...usable.warnings, ...deploymentWarnings(spec, assets, env)];
  return { ...usable, config: Object.freeze(own), warnings };
}

/** Problems and warnings quote values. */
function withoutSecretValues(
  { environmentVariables: written }: DeploymentSpec,
  resolved: Assets["environmentVariables"],
  input: Parameters<typeof resolveUsable>[0],
): UsableConfig {
  const secret = Object.entries(resolved).flatMap(([name, value]) => (value === (written[name] ?? value) ? [] : value));
  const masked = (text: string): string => {
    let safe = text;
    for (const value of secret) {
      if (value === "") continue;
      // Quoted, a value has its marks escaped.
      safe = safe.replaceAll(value, HIDDEN).replaceAll(JSON.stringify(value).slice(1, -1), HIDDEN);
    }
    return safe;
  };
  const usable = resolveUsable(input);
  if (secret.length === 0) return usable;
  const { cause } = usable.problem ?? {};
  const warnings = usable.warnings.map(masked);
  if (!(cause instanceof InvalidSettingsError)) return { ...usable, warnings };
  const problems = cause.problems.map((problem) => ({ ...problem, text: masked(problem.text) }));
  const safe = new InvalidSettingsError(problems);
  return { ...usable, warnings, problem: new ConfigError("ERR_CONFIG", safe.message, { cause: safe }) };
}

const HIDDEN = "***";

/** What is odd, but no reason not to start. */
function deploymentWarnings(spec: DeploymentSpec, assets: Assets, env: Environment): readonly string[] {
  const warnings = [...assets.warnings];
  const { WORKER_COUNT: told } = assets.environmentVariables;
  const { maxConcurrentRequestsPerInstance: counted, appInsightsEnabled } = spec;
  if (told !== undefined && told.trim() !== String(counted)) {
    // As it stands in the file: the value may be a secret's.
    const written = spec.environmentVariables.WORKER_COUNT ?? told;
    warnings.push(
      `WORKER_COUNT is ${written}, but max_concurrent_requests_per_instance ${counted}, which counts here: ${counted} workers an instance. Set both to the same number.`,
    );
  }
  if (appInsightsEnabled && !INSIGHTS_KEYS.some((name) => env[name])) {
    warnings.push(
      "app_insights_enabled is true, but nothing says where to send to: set APPLICATIONINSIGHTS_CONNECTION_STRING for the endpoint's process or in environment_variables.",
    );
  }
  return warnings;
}
