// A deployment on a machine, for tests of what it asks of it.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { AssetSources } from "../../../endpoint/assets/asset-sources.ts";
import { resolveAssets } from "../../../endpoint/assets/resolve-assets.ts";
import type { Assets, DeploymentSpec, EnvironmentReference, InferenceRoutes } from "../../../endpoint/types.ts";
import { InvalidSettingsError } from "../../../src/host.ts";
import { PYTHON_SCRIPT, type Tree, tree } from "../../packaging/tree.ts";
import { type Machine, machine } from "./machine.ts";

export const env: Machine["env"] = machine().env;
const probe = { initialDelay: 10, period: 10, timeout: 2, successThreshold: 1, failureThreshold: 30 };
const port = { port: 5001, path: "/" };
export const inference: InferenceRoutes = { liveness: port, readiness: port, scoring: { port: 5001, path: "/score" } };
export const inline: Extract<EnvironmentReference, { kind: "inline" }> = {
  kind: "inline",
  name: null,
  image: null,
  hasBuild: false,
  conda: null,
  inference: null,
};
export const registered = { kind: "registered", name: "sk", version: "1", text: "azureml:sk:1" } as const;

export interface SetUp {
  readonly root: string;
  readonly spec: DeploymentSpec;
  readonly options: AssetSources;
  readonly resolve: () => Promise<Assets>;
}

/** A deployment of a folder with a model and a script in it. */
export function setUp(
  change: Partial<DeploymentSpec> = {},
  given: Partial<AssetSources> = {},
  files: Tree = {},
): SetUp {
  const root = tree({ "model/a.pkl": "a", "code/score.py": PYTHON_SCRIPT, ...files });
  const spec: DeploymentSpec = {
    name: "blue",
    endpointName: "e",
    kind: "managed",
    model: { kind: "inline", name: null, version: null, type: "custom_model", path: join(root, "model") },
    code: { folder: join(root, "code"), scoringScript: "score.py" },
    environment: null,
    environmentVariables: {},
    instanceCount: 1,
    appInsightsEnabled: false,
    requestTimeoutMs: 5000,
    maxConcurrentRequestsPerInstance: 1,
    maxQueueWaitMs: 500,
    livenessProbe: probe,
    readinessProbe: probe,
    scale: { type: "default" },
    ...change,
  };
  const options: AssetSources = {
    models: new Map(),
    environments: new Map(),
    python: new Map(),
    noEnvironments: false,
    secrets: { file: null, env: {} },
    upstreams: new Map(),
    folder: join(root, "state/blue"),
    cacheFolder: join(root, "cache"),
    env,
    ...given,
  };
  return { root, spec, options, resolve: () => resolveAssets(spec, options, () => {}) };
}

export async function problemsOf({ resolve, root }: SetUp): Promise<string[]> {
  const error: unknown = await resolve().catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(InvalidSettingsError);
  // Nothing has been made.
  expect(readdirSync(root).filter((name) => name === "state" || name === "cache")).toEqual([]);
  const texts = (error as InvalidSettingsError).problems.map(({ text }) => text);
  for (const text of texts) expect(text).toMatch(/^deployment blue: [^\n]+$/);
  return texts.map((text) => text.replace("deployment blue: ", ""));
}
