import { ConfigError, type ScoreError } from "../core/errors.ts";
import { InvalidSettingsError, type Problem } from "./problems.ts";
import type { Rare } from "./rare.ts";
import type { Environment } from "./reader.ts";
import { type Config, type ConfigInput, needsRare, resolveWith } from "./resolve.ts";

/** Settings of a host that stays up whatever they are. */
export interface UsableConfig<H extends object = object> {
  readonly config: Config & H;
  readonly warnings: readonly string[];
  /** Why some settings were left out: the reason that requests get. */
  readonly problem?: ScoreError;
}

/** As `resolveUsable`, for a host that can wait: what reads files is loaded only where there are some. */
export async function resolveUsableLater<H extends object = object>(input: UsableInput<H>): Promise<UsableConfig<H>> {
  const rare = needsRare(input) ? (await import("./rare.ts")).RARE : undefined;
  return resolveUsableWith(rare, input);
}

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

export type UsableInput<H extends object> = ConfigInput<H> & { readonly env: Environment };

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
