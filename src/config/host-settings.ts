import type { Environment, SettingsReader } from "./reader.ts";
import type { Setting } from "./settings.ts";
import type { Address } from "./values.ts";

/** A row that a host adds to the core's table of settings. */
export interface HostSetting extends Setting {
  /** As in help and docs/configuration.md. */
  readonly help: string;
  /** Under which title help shows it. Default: that of the clouds. */
  readonly group?: "server";
}

/** Where a platform wants the server to listen. */
export interface PlatformAddresses {
  /** In place of the usual address. */
  readonly addresses?: readonly Address[];
  /** In place of the usual port. */
  readonly port?: number | undefined;
}

/** The settings of a host.
 *  @typeParam H what it adds to the configuration */
export interface HostSettings<H extends object = object> {
  readonly rows: readonly HostSetting[];
  /** Reads its rows; values that cannot be used are reported with those of the core. */
  readonly read: (read: SettingsReader) => H;
  readonly listen?: (read: SettingsReader, env: Environment) => PlatformAddresses;
}
