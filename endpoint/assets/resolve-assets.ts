// What deployments need of this machine: found, or made.
import { chmod, mkdir } from "node:fs/promises";
import type { Assets, DeploymentSpec } from "../types.ts";
import type { AssetSources } from "./asset-sources.ts";
import { makeEnvironment } from "./environment.ts";
import { showModel } from "./model-view.ts";
import { type Plan, planDeployments } from "./plan.ts";
import { problem } from "./problem.ts";

/** Gets lines that say how far it is; each begins with the deployment's name. */
export type Progress = (line: string) => void;

/** Nothing is made before all that is asked for is known to be there.
 *  @throws InvalidSettingsError that has all that cannot be had; ScoreError `ERR_ENVIRONMENT`; the signal's reason when it
 *  aborts */
export async function resolveAssets(
  spec: DeploymentSpec,
  sources: AssetSources,
  progress: Progress,
  signal: AbortSignal = new AbortController().signal,
): Promise<Assets> {
  signal.throwIfAborted();
  const [plan] = await planDeployments([spec], sources);
  signal.throwIfAborted();
  return carryOut(spec, plan!, sources, progress, signal);
}

async function carryOut(
  { name }: DeploymentSpec,
  { model, served, python, environmentVariables, upstream, warnings }: Plan,
  sources: AssetSources,
  progress: Progress,
  signal: AbortSignal,
): Promise<Assets> {
  if (model !== null) await makeOwn(sources.folder);
  const modelDir = model === null ? null : await showModel(model, sources.folder);
  const cure =
    `correct the file, name a Python that has the packages with --python ${name}=PYTHON, or take the active one with ` +
    "--no-environments";
  const { cacheFolder, env } = sources;
  const make = { cacheFolder, env, cure, progress: (line: string) => progress(`${name}: ${line}`) };
  const interpreter =
    python === null || typeof python === "string" ? python : await makeEnvironment(python, make, signal);
  return { modelDir, served, python: interpreter, environmentVariables, upstream, warnings };
}

/** Only its owner's: what a deployment has may be secret. */
async function makeOwn(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
  } catch (error) {
    throw problem(`${folder} cannot be written to: ${(error as Error).message}`);
  }
}
