// What deployments need of this machine: found, or made.
import { chmod, mkdir } from "node:fs/promises";
import { InvalidSettingsError } from "../../src/host.ts";
import type { Assets, DeploymentSpec } from "../types.ts";
import { makeEnvironment } from "./environment.ts";
import { showModel } from "./model-view.ts";
import type { AssetOptions } from "./options.ts";
import { type Plan, planDeployment } from "./plan.ts";
import { problem } from "./problem.ts";

/** Gets lines that say how far it is; each begins with the deployment's name. */
export type Progress = (line: string) => void;

/** As resolveAllAssets(), for one deployment. */
export async function resolveAssets(
  spec: DeploymentSpec,
  options: AssetOptions,
  progress: Progress,
  signal: AbortSignal = new AbortController().signal,
): Promise<Assets> {
  const all = await resolveAllAssets([{ spec, options }], progress, signal);
  return all.get(spec.name)!;
}

/** Nothing is made before all that is asked for is known to be there.
 *  @param wanted each with options of its own, as folders are each deployment's own
 *  @throws InvalidSettingsError that has all that cannot be had, by deployment; ScoreError `ERR_ENVIRONMENT`; the signal's
 *  reason when it aborts */
export async function resolveAllAssets(
  wanted: readonly { readonly spec: DeploymentSpec; readonly options: AssetOptions }[],
  progress: Progress,
  signal: AbortSignal,
): Promise<Map<string, Assets>> {
  signal.throwIfAborted();
  const plans = await Promise.all(wanted.map(({ spec, options }) => planDeployment(spec, options)));
  const problems = wanted.flatMap(({ spec }, index) =>
    plans[index]!.problems.map((text) => `deployment ${spec.name}: ${text}`),
  );
  if (problems.length > 0) {
    throw new InvalidSettingsError(problems.map((text) => ({ kind: "launcher" as const, text })));
  }
  const assets = new Map<string, Assets>();
  for (const [index, { spec, options }] of wanted.entries()) {
    signal.throwIfAborted();
    assets.set(spec.name, await carryOut(spec, plans[index]!, options, progress, signal));
  }
  return assets;
}

async function carryOut(
  { name }: DeploymentSpec,
  { model, python, environmentVariables, upstream, warnings }: Plan,
  options: AssetOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<Assets> {
  if (model !== null) await makeOwn(options.folder);
  const modelDir = model === null ? null : await showModel(model, options.folder);
  const cure =
    `correct the file, name a Python that has the packages with --python ${name}=PYTHON, or take the active one with ` +
    "--no-environments";
  const { cacheFolder, env } = options;
  const make = { cacheFolder, env, cure, progress: (line: string) => progress(`${name}: ${line}`) };
  const interpreter =
    python === null || typeof python === "string" ? python : await makeEnvironment(python, make, signal);
  return { modelDir, python: interpreter, environmentVariables, upstream, warnings };
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
