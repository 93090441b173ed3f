import type { Assets, Deployment, DeploymentSpec } from "../types.ts";
import { versionMaker } from "./create-version.ts";
import { RunningDeployment } from "./deployment.ts";
import { Lines } from "./lines.ts";
import type { DeploymentOptions } from "./options.ts";

export type { DeploymentOptions } from "./options.ts";

/** A deployment that is not started yet. */
export function createDeployment(spec: DeploymentSpec, assets: Assets, options: DeploymentOptions = {}): Deployment {
  const lines = new Lines(spec.name, options.onLine);
  return new RunningDeployment(spec, assets, versionMaker(lines, options), lines);
}
