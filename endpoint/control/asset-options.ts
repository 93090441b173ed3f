import type { AssetOptions } from "./types.ts";

/** What is said of one deployment, on top of what is said of all, or of the same one before. */
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
