import { dirname } from "node:path";
import { ConfigError, createLog, processEnvironment } from "../../src/host.ts";
import type { Assets, Code, DeploymentSpec } from "../types.ts";
import type { Lines } from "./lines.ts";
import type { DeploymentOptions } from "./options.ts";
import { ScriptVersion } from "./script-version.ts";
import { deploymentEnvironment, deploymentSettings, firstInstances } from "./settings.ts";
import { openDeploymentTelemetry } from "./telemetry.ts";
import { UpstreamVersion } from "./upstream-version.ts";
import type { CreateVersion } from "./version.ts";

/** What a deployment's document asks for: a score script with workers of its own, or a server that the user runs. */
export function versionMaker(lines: Lines, options: DeploymentOptions): CreateVersion {
  return (spec, assets, instances) => {
    const { name, code } = spec;
    if (assets.upstream !== null) {
      return new UpstreamVersion(spec, assets.upstream, createLog(lines.writer("text"), "INFO").server);
    }
    if (code === null && assets.served === null) {
      const cure = `add code_configuration, or send its requests to a server that you run with --upstream ${name}=http://host:port`;
      throw new ConfigError(
        "ERR_CONFIG",
        `deployment ${name} has neither a score script nor a model that can be served: ${cure}`,
      );
    }
    return createScriptVersion(spec, code, assets, instances, lines, options);
  };
}

function createScriptVersion(
  spec: DeploymentSpec,
  code: Code | null,
  assets: Assets,
  running: number,
  lines: Lines,
  options: DeploymentOptions,
): ScriptVersion | Promise<ScriptVersion> {
  const { env: own = processEnvironment } = options;
  const instances = firstInstances(spec, running);
  const env = deploymentEnvironment(spec, code, assets, own);
  const settings = deploymentSettings(spec, assets, env, instances * spec.maxConcurrentRequestsPerInstance);
  const folder = code?.folder ?? dirname(assets.served!.path);
  const script = { folder, settings, instances };
  const opening = openDeploymentTelemetry(spec, settings.config, env);
  if (opening === undefined) return new ScriptVersion(spec, script, lines, options);
  return opening.then(async (telemetry) => {
    try {
      return new ScriptVersion(spec, script, lines, options, telemetry);
    } catch (error) {
      await telemetry?.close(0);
      throw error;
    }
  });
}
