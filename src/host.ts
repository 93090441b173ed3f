// What adapters and packaging import: the only door to the core besides index.ts, which is the script authors'.
export {
  type Address,
  type Config,
  type ConfigInput,
  configurationErrorRecord,
  type Environment,
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
  SETTINGS,
  type Setting,
} from "./config/config.ts";
export { CONFIG_FILE_NAME } from "./config/file.ts";
export { meaningOf, referenceHelpOf } from "./config/settings-help.ts";
export { SWAGGER_FILE_NAMES } from "./config/swagger-files.ts";
export { resolveUsable, type UsableConfig } from "./config/usable.ts";
export { readInteger } from "./config/values.ts";
export {
  BadInputError,
  ConfigError,
  DeadlineError,
  type ErrorCode,
  OverloadError,
  ScoreError,
  ScriptRunError,
  toScoreError,
} from "./core/errors.ts";
export type { Log, LogFields, LogFormat, Logger } from "./core/log.ts";
export { packageFile } from "./core/package-root.ts";
export type * from "./core/types.ts";
export { VERSION } from "./core/version.ts";
export { createEventLog } from "./event-log.ts";
export { inProcess } from "./in-process.ts";
export { missingPackageHint } from "./locate/path-alias.ts";
export { consoleMethods } from "./log/console.ts";
export { ncsaFields } from "./log/fields.ts";
export { ncsaMessage } from "./log/format.ts";
export { recordFormat } from "./log/json.ts";
export { batchLines, createLog } from "./log/logger.ts";
export { openLog } from "./log/open.ts";
export { boundedLines } from "./log/outputs.ts";
export { lastLines, logStream } from "./log/stream.ts";
export { findPython } from "./pool/interpreter.ts";
export { decodePath } from "./routes/route.ts";
export { createScorer, type Scorer } from "./routes/scorer.ts";
export { createRuntime, isJavaScript } from "./runtime.ts";
export { type Compiled, CompileError, compile, formatOf, isTypeScript, withMap } from "./script/compile.ts";
export { loadJavaScript } from "./script/javascript.ts";
export { type CreateRuntime, createService, type Service } from "./service.ts";
