import { ConfigError, type ScoreError } from "../core/errors.ts";
import { type Config, type ConfigInput, resolveConfig } from "./config.ts";
import { InvalidSettingsError, type Problem } from "./problems.ts";
import type { Environment } from "./reader.ts";

/** Settings of a host that stays up whatever they are. */
export interface UsableConfig<H extends object = object> {
  readonly config: Config & H;
  readonly warnings: readonly string[];
  /** Why some settings were left out: the reason that requests get. */
  readonly problem?: ScoreError;
}

/** As `resolveConfig`, but a value that cannot be used leaves its default and the problem; all other values count, so that
 *  the host can say what is wrong on its own port. */
export function resolveUsable<H extends object = object>(input: Input<H>): UsableConfig<H> {
  const problems: Problem[] = [];
  let rest = input;
  for (;;) {
    try {
      const resolved = resolveConfig(rest);
      if (problems.length === 0) return resolved;
      const cause = new InvalidSettingsError(problems);
      return { ...resolved, problem: new ConfigError("ERR_CONFIG", cause.message, { cause }) };
    } catch (error) {
      if (!(error instanceof InvalidSettingsError)) throw error;
      problems.push(...error.problems);
      rest = withoutThese(rest, error.problems);
    }
  }
}

type Input<H extends object> = ConfigInput<H> & { readonly env: Environment };

/** Without files, too, which may be what is wrong. A file that cannot be read hides what is wrong with variables. */
function withoutThese<H extends object>(input: Input<H>, problems: readonly Problem[]): Input<H> {
  const unusable = new Set(problems.flatMap(({ variable }) => variable?.toUpperCase() ?? []));
  const entries = Object.entries(input.env);
  const usable = entries.filter(([name]) => !unusable.has(name.toUpperCase()));
  const helps = usable.length < entries.length || input.withoutFiles !== true;
  return helps
    ? { ...input, env: Object.fromEntries(usable), withoutFiles: true }
    : { env: {}, host: input.host, withoutFiles: true };
}
