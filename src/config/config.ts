// Settings, for whoever has files and models to reckon with.
import { RARE } from "./rare.ts";
import { type ConfigInput, type ResolvedConfig, resolveWith } from "./resolve.ts";
import type { UsableConfig, UsableInput } from "./usable.ts";
import { resolveUsableWith } from "./without-these.ts";

export * from "./resolve.ts";
export {
  ALL_SETTINGS as SETTINGS,
  FLAG_SETTINGS,
  readServerSettings,
  type ServerSettings,
} from "./server-settings.ts";
export type { Setting } from "./settings.ts";

/** Flags, then environment, then the host's defaults, then config.json, then the defaults of the table (contract ENV-1)
 *  to one configuration.
 *  @throws InvalidSettingsError that names every value that cannot be used */
export function resolveConfig<H extends object = object>(input: ConfigInput<H> = {}): ResolvedConfig<H> {
  return resolveWith(RARE, input);
}

/** As `resolveConfig`, but a value that cannot be used leaves its default and the problem; all other values count, so that
 *  the host can say what is wrong on its own port. */
export function resolveUsable<H extends object = object>(input: UsableInput<H>): UsableConfig<H> {
  return resolveUsableWith(RARE, input);
}
