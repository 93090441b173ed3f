import type { ScoreError } from "../core/errors.ts";
import { InvalidSettingsError } from "./problems.ts";
import type { Environment } from "./reader.ts";
import { type Config, type ConfigInput, needsRare, resolveWith } from "./resolve.ts";

/** Settings of a host that stays up whatever they are. */
export interface UsableConfig<H extends object = object> {
  readonly config: Config & H;
  readonly warnings: readonly string[];
  /** Why some settings were left out: the reason that requests get. */
  readonly problem?: ScoreError;
}

export type UsableInput<H extends object> = ConfigInput<H> & { readonly env: Environment };

/** As `resolveUsable`, for a host that can wait: what reads files is loaded only where there are some, and what leaves settings
 *  out only where one is wrong. */
export async function resolveUsableLater<H extends object = object>(input: UsableInput<H>): Promise<UsableConfig<H>> {
  const rare = needsRare(input) ? (await import("./rare.ts")).RARE : undefined;
  try {
    return resolveWith(rare, input);
  } catch (error) {
    if (!(error instanceof InvalidSettingsError)) throw error;
    const { resolveUsableWith } = await import("./without-these.ts");
    return resolveUsableWith(rare, input);
  }
}
