// Where an endpoint's control gets the other parts of an endpoint from. Each is loaded when it is first asked for.
import { openCacheFolder, processEnvironment } from "../../src/host.ts";
import type { DeploymentSpec } from "../types.ts";
import type { AssetOptions, AssetWork, Parts } from "./types.ts";

export const PARTS: Parts = {
  files: () => import("../spec/index.ts"),

  async report() {
    const { renderReport } = await import("./rendered.ts");
    return { render: renderReport };
  },

  async flags() {
    const { ENVIRONMENT_PAIRS, MODEL_PAIRS, parsePairs, PYTHON_PAIRS, UPSTREAM_PAIRS } = await import(
      "../assets/pairs.ts"
    );
    const forms = { model: MODEL_PAIRS, environment: ENVIRONMENT_PAIRS, python: PYTHON_PAIRS, upstream: UPSTREAM_PAIRS };
    return { pairs: (flag, texts) => Object.fromEntries(parsePairs(forms[flag], texts)) };
  },

  async running() {
    const [files, { CREDENTIALS }, { createFront }, { createUpstream }, { createDeployment }, assets, secrets] =
      await Promise.all([
        import("../spec/index.ts"),
        import("./credentials.ts"),
        import("./front.ts"),
        import("../gateway/upstream.ts"),
        import("../deployment/index.ts"),
        import("../assets/resolve-assets.ts"),
        import("../assets/secrets-file.ts"),
      ]);
    const resolveAssets = async (
      spec: DeploymentSpec,
      options: AssetOptions,
      { folder, progress, signal }: AssetWork,
    ) => {
      const file = options.secretsFile === null ? null : secrets.readSecretsFile(options.secretsFile);
      const { models, environments, pythons, upstreams, makesEnvironments } = options;
      const given = {
        models: new Map(Object.entries(models)),
        environments: new Map(Object.entries(environments)),
        python: new Map(Object.entries(pythons)),
        noEnvironments: !makesEnvironments,
        secrets: { file, env: processEnvironment },
        upstreams: new Map(Object.entries(upstreams)),
        folder,
        cacheFolder: await openCacheFolder(null, processEnvironment, "environments"),
        env: processEnvironment,
      };
      return assets.resolveAssets(spec, given, progress, signal);
    };
    return {
      files,
      credentials: CREDENTIALS,
      resolveAssets,
      createDeployment: (spec, found, { log }) =>
        createDeployment(spec, found, { createUpstream, onLine: (name, line) => log.line(shown(name, line)) }),
      createFront,
    };
  },
};

/** Lines of several deployments in one log say whose they are; records in JSON do so themselves. */
function shown(deployment: string, line: string): string {
  return line.startsWith("{") ? line : `${deployment} | ${line}`;
}
