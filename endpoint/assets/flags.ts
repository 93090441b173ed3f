// What flags of a command say of deployments' assets, as plain data that an endpoint keeps from one start to the next.
import { type Environment, processEnvironment } from "../../src/host.ts";
import type { Assets, DeploymentSpec } from "../types.ts";
import { type AssetSources, unknownDeployments, usualCacheFolder } from "./asset-sources.ts";
import { ENVIRONMENT_PAIRS, MODEL_PAIRS, type PairForm, PYTHON_PAIRS, parsePairs, UPSTREAM_PAIRS } from "./pairs.ts";
import { planDeployments } from "./plan.ts";
import { type Progress, resolveAssets } from "./resolve-assets.ts";
import { readSecretsFile } from "./secrets-file.ts";

type Pairs = Readonly<Record<string, string>>;

export interface AssetFlags {
  readonly models: Pairs;
  readonly environments: Pairs;
  readonly pythons: Pairs;
  readonly upstreams: Pairs;
  /** Read anew whenever a deployment is created or updated; null: there is none. */
  readonly secretsFile: string | null;
  /** False: `--no-environments`. */
  readonly makesEnvironments: boolean;
}

type FlagName = "model" | "environment" | "python" | "upstream";

const FORMS: Readonly<Record<FlagName, PairForm>> = {
  model: MODEL_PAIRS,
  environment: ENVIRONMENT_PAIRS,
  python: PYTHON_PAIRS,
  upstream: UPSTREAM_PAIRS,
};

/** @param flag without dashes   @throws ConfigError with all that is wrong, a line each */
export function readPairs(flag: FlagName, texts: readonly string[]): Pairs {
  return Object.fromEntries(parsePairs(FORMS[flag], texts));
}

export interface AssetWork {
  /** Of this version of the deployment alone. */
  readonly folder: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** @throws as resolveAssets(); ConfigError when the file of secrets cannot be read */
export async function resolveWithFlags(
  spec: DeploymentSpec,
  flags: AssetFlags,
  { folder, progress, signal }: AssetWork,
  env: Environment = processEnvironment,
): Promise<Assets> {
  const sources = sourcesOf(flags, folder, env);
  const assets = await resolveAssets(spec, sources, progress, signal);
  const ofFile = sources.secrets.file?.warnings ?? [];
  return { ...assets, warnings: [...assets.warnings, ...ofFile] };
}

/** Looks up what several deployments ask for, and makes nothing: for a start that is to begin with all of it, or not at all.
 *  @throws InvalidSettingsError that has all that cannot be had, and flags for deployments that are not there */
export async function checkAssets(
  specs: readonly DeploymentSpec[],
  flags: AssetFlags,
  env: Environment = processEnvironment,
): Promise<void> {
  const sources = sourcesOf(flags, "", env);
  const names = specs.map(({ name }) => name.toLowerCase());
  await planDeployments(specs, sources, unknownDeployments(sources, names));
}

function sourcesOf(flags: AssetFlags, folder: string, env: Environment): AssetSources {
  const map = (pairs: Pairs): Map<string, string> => new Map(Object.entries(pairs));
  return {
    models: map(flags.models),
    environments: map(flags.environments),
    python: map(flags.pythons),
    upstreams: map(flags.upstreams),
    noEnvironments: !flags.makesEnvironments,
    secrets: { file: flags.secretsFile === null ? null : readSecretsFile(flags.secretsFile), env },
    folder,
    cacheFolder: usualCacheFolder(env),
    env,
  };
}
