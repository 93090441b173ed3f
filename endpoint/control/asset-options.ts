import type { AssetOptions } from "./types.ts";

/** The options of one deployment, added to those of all deployments or to its own earlier ones. */
export function withAssets(base: AssetOptions, own: AssetOptions): AssetOptions {
  return {
    models: { ...base.models, ...own.models },
    environments: { ...base.environments, ...own.environments },
    pythons: { ...base.pythons, ...own.pythons },
    upstreams: { ...base.upstreams, ...own.upstreams },
    secretsFile: own.secretsFile ?? base.secretsFile,
    makesEnvironments: base.makesEnvironments && own.makesEnvironments,
  };
}
