// What adapters and packaging import: the only door to the core besides index.ts, which is the script authors'.

export {
  type Address,
  type Config,
  type ConfigInput,
  configurationErrorRecord,
  FLAG_SETTINGS,
  type Flags,
  type HostSetting,
  type HostSettings,
  InvalidSettingsError,
  type LogLevel,
  type Problem,
  processEnvironment,
  type ResolvedConfig,
  resolveConfig,
  resolveUsable,
  SETTINGS,
  type Setting,
} from "./config/config.ts";
export { CONFIG_FILE_NAME, SWAGGER_FILE_NAMES } from "./config/places.ts";
export { meaningOf, referenceHelpOf } from "./config/settings-help.ts";
export { readInteger } from "./config/values.ts";
export type { Events } from "./core/events.ts";
export { packageFile } from "./core/package-root.ts";
export { VERSION } from "./core/version.ts";
export { createEventLog } from "./event-log.ts";
export * from "./host-lean.ts";
export { PyFloat, PythonJsonError, readPythonJson } from "./json/python-json.ts";
