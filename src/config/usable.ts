import { ConfigError, type ScoreError } from "../core/errors.ts";
import { type Config, type ConfigInput, resolveConfig } from "./config.ts";
import { InvalidSettingsError } from "./problems.ts";
import type { Environment } from "./reader.ts";

/** Settings of a host that stays up whatever they are. */
export interface UsableConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
  /** Why some settings were left out: the reason that requests get. */
  readonly problem?: ScoreError;
}

/** As `resolveConfig`, but a value that cannot be used leaves its default and the problem; all other values count, so that
 *  the host can say what is wrong on its own port. */
export function resolveUsable(input: ConfigInput & { readonly env: Environment }): UsableConfig {
  try {
    return resolveConfig(input);
  } catch (error) {
    if (!(error instanceof InvalidSettingsError)) throw error;
    const problem = new ConfigError("ERR_CONFIG", error.message, { cause: error });
    const unusable = new Set(error.problems.flatMap(({ variable }) => variable?.toUpperCase() ?? []));
    return { ...resolveRest(input, unusable), problem };
  }
}

/** Without files, which may be what is wrong. */
function resolveRest(input: ConfigInput & { readonly env: Environment }, unusable: ReadonlySet<string>): UsableConfig {
  const env = Object.fromEntries(Object.entries(input.env).filter(([name]) => !unusable.has(name.toUpperCase())));
  try {
    return resolveConfig({ ...input, env, withoutFiles: true });
  } catch (error) {
    if (!(error instanceof InvalidSettingsError)) throw error;
    return resolveConfig({ ...input, env: {}, withoutFiles: true });
  }
}
