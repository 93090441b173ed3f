import { homedir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../../src/host.ts";
import type { SecretSources } from "./secrets.ts";

/** What a user says of this machine, for deployments whose files were written for another. */
export interface AssetSources {
  /** `name`, `name:version` or a reference as it stands in the file, to a path (`--model`). */
  readonly models: ReadonlyMap<string, string>;
  /** The same, to a Python, or the folder of an environment (`--environment`). */
  readonly environments: ReadonlyMap<string, string>;
  /** Deployment to Python, or the folder of an environment (`--python`). */
  readonly python: ReadonlyMap<string, string>;
  /** Takes the active Python for all that is not named otherwise (`--no-environments`). */
  readonly noEnvironments: boolean;
  readonly secrets: SecretSources;
  /** Deployment to `http://host:port` (`--upstream`). */
  readonly upstreams: ReadonlyMap<string, string>;
  /** Where things of one deployment may be put; made with mode 0700. */
  readonly folder: string;
  /** Where environments are kept. */
  readonly cacheFolder: string;
  /** Variables of the process: PATH, HOME, what pip is told. */
  readonly env: Environment;
}

/** Where environments are kept, unless somebody says otherwise: beside models, in the user's cache. */
export function usualCacheFolder(env: Environment): string {
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "scorefn", "environments");
}

/** What a user has said of a registered asset, by the words that it may be called. */
export function findNamed(
  map: ReadonlyMap<string, string>,
  { name, version, text }: { readonly name: string; readonly version: string | null; readonly text: string },
): string | undefined {
  const isLatest = version === null || version === "latest" || version === "@latest";
  const exact = map.get(text) ?? (isLatest ? undefined : map.get(`${name}:${version}`)) ?? map.get(name);
  if (exact !== undefined || !isLatest) return exact;
  // The newest of those that have a version.
  const newest = versionsOf(map, name)
    .sort((one, other) => compareVersions(one, other))
    .at(-1);
  return newest === undefined ? undefined : map.get(`${name}:${newest}`);
}

export function versionsOf(map: ReadonlyMap<string, string>, name: string): string[] {
  return [...map.keys()].filter((key) => key.startsWith(`${name}:`)).map((key) => key.slice(name.length + 1));
}

function compareVersions(one: string, other: string): number {
  return one.localeCompare(other, "en", { numeric: true });
}

/** Names of deployments that flags give and no file has. @param names lower case   @returns what is wrong, a line each */
export function unknownDeployments(
  { python, upstreams }: Pick<AssetSources, "python" | "upstreams">,
  names: readonly string[],
): string[] {
  const lines = (flag: string, map: ReadonlyMap<string, string>): string[] =>
    [...map.keys()]
      .filter((name) => !names.includes(name))
      .map((name) => `${flag}: there is no deployment ${name}; there is ${names.join(", ") || "none"}`);
  return [...lines("--python", python), ...lines("--upstream", upstreams)];
}
