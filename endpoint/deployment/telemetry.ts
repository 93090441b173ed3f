import {
  asksForTelemetry,
  type Config,
  type Environment,
  loadInsights,
  openTelemetry,
  type Telemetry,
} from "../../src/host.ts";
import type { DeploymentSpec } from "../types.ts";

/** Traces and Application Insights of one version of a deployment, which what it sends is named after.
 *  @param env with the deployment's own variables   @returns undefined: nothing is asked for, and nothing loaded */
export function openDeploymentTelemetry(
  { endpointName, name }: DeploymentSpec,
  config: Config,
  env: Environment,
): Promise<Telemetry | undefined> | undefined {
  if (config.appInsightsKey === null && !asksForTelemetry(env)) return undefined;
  // A name that the user gives counts for all deployments that have it.
  const serviceName = env.SERVICE_NAME ? config.serviceName : `${endpointName}.${name}`;
  const resource = { "scorefn.endpoint": endpointName, "scorefn.deployment": name };
  return openTelemetry({ ...config, serviceName }, env, { loadInsights, resource });
}
