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

/** Settings of the server behind one deployment: what Azure sets, with the deployment's variables over it (contract ENV-1,
 *  ENV-2), and what its YAML says of workers and limits over both.
 *  @param env of this process, which stays as it is   @param workers to begin with */
export function deploymentSettings(
  spec: DeploymentSpec,
  code: Code,
  { modelDir, python, environmentVariables }: Assets,
  env: Environment,
  workers: number,
): UsableConfig {
  const script = join(code.folder, code.scoringScript);
  const azure = {
    AML_APP_ROOT: dirname(script),
    AZUREML_ENTRY_SCRIPT: basename(script),
    AZUREML_MODEL_DIR: modelDir ?? undefined,
  };
  const { kind, requestTimeoutMs, maxQueueWaitMs, maxConcurrentRequestsPerInstance } = spec;
  const usable = withoutSecretValues(spec, environmentVariables, {
    env: { ...env, ...azure, ...environmentVariables },
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
  return { ...usable, config: Object.freeze(own) };
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
export function deploymentWarnings(
  spec: DeploymentSpec,
  { warnings, environmentVariables }: Assets,
): readonly string[] {
  const { WORKER_COUNT: told } = environmentVariables;
  const { maxConcurrentRequestsPerInstance: counted } = spec;
  if (told === undefined || told.trim() === String(counted)) return warnings;
  // As it stands in the file: the value may be a secret's.
  const written = spec.environmentVariables.WORKER_COUNT ?? told;
  const text = `WORKER_COUNT is ${written}, but max_concurrent_requests_per_instance ${counted}, which counts here: ${counted} workers an instance. Set both to the same number.`;
  return [...warnings, text];
}
