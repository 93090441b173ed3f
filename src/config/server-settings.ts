// Settings of a server that a command starts. Functions do without them, and start sooner for it.
import { resolve } from "node:path";
import type { HostSetting } from "./host-settings.ts";
import type { SettingsReader } from "./reader.ts";
import { SETTINGS, type Setting, type SettingName } from "./settings.ts";

type ServerSettingName = "reload" | "reloadDirs";

const scorefn = { scope: "scorefn", group: "server", default: null, unit: null } as const;

const SERVER_SETTINGS: Readonly<Record<ServerSettingName, HostSetting>> = {
  reload: {
    ...scorefn,
    variable: "SCOREFN_RELOAD",
    flag: "reload",
    kind: "switch",
    default: "false",
    help: "Load the script anew when its files change; a version that does not come up changes nothing. For development.",
  },
  reloadDirs: {
    ...scorefn,
    variable: "SCOREFN_RELOAD_DIR",
    flag: "reload_dir",
    kind: "list",
    help: "With --reload: further folders whose files are watched, that of the model for example, separated by commas. scorefn takes the flag several times.",
  },
};

/** Every setting of the core, in the order of help and documents. */
export const ALL_SETTINGS: Readonly<Record<SettingName | ServerSettingName, Setting>> = {
  ...SETTINGS,
  ...SERVER_SETTINGS,
};

/** Settings that have a flag, the reference server's first. */
export const FLAG_SETTINGS: readonly (Setting & { readonly flag: string })[] = /* @__PURE__ */ Object.values(
  ALL_SETTINGS,
).filter((setting): setting is Setting & { readonly flag: string } => setting.flag !== null);

export interface ServerSettings {
  /** Load the script anew when its files change. */
  readonly reload: boolean;
  /** Folders that are watched for it besides those of the script, absolute. */
  readonly reloadDirs: readonly string[];
}

export function readServerSettings(read: SettingsReader): ServerSettings {
  const folders = read.text(SERVER_SETTINGS.reloadDirs)?.split(",") ?? [];
  return {
    reload: read.boolean(SERVER_SETTINGS.reload),
    reloadDirs: folders.flatMap((folder) => (folder.trim() === "" ? [] : resolve(folder.trim()))),
  };
}
