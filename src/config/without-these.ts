import { ConfigError } from "../core/errors.ts";
import { InvalidSettingsError, type Problem } from "./problems.ts";
import type { Rare } from "./rare.ts";
import { resolveWith } from "./resolve.ts";
import type { UsableConfig, UsableInput } from "./usable.ts";

/** What can be used of the settings, and what is wrong with the rest. */
export function resolveUsableWith<H extends object>(rare: Rare | undefined, input: UsableInput<H>): UsableConfig<H> {
  const problems: Problem[] = [];
  let rest = input;
  for (;;) {
    try {
      const resolved = resolveWith(rare, rest);
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

/** Without files, too, which may be what is wrong. A file that cannot be read hides what is wrong with variables. */
function withoutThese<H extends object>(input: UsableInput<H>, problems: readonly Problem[]): UsableInput<H> {
  const unusable = new Set(problems.flatMap(({ variable }) => variable?.toUpperCase() ?? []));
  const entries = Object.entries(input.env);
  const usable = entries.filter(([name]) => !unusable.has(name.toUpperCase()));
  const helps = usable.length < entries.length || input.withoutFiles !== true;
  return helps
    ? { ...input, env: Object.fromEntries(usable), withoutFiles: true }
    : { env: {}, host: input.host, withoutFiles: true };
}
