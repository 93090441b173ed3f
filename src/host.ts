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
  readServerSettings,
  resolveConfig,
  resolveUsable,
  SETTINGS,
  type ServerSettings,
  type Setting,
} from "./config/config.ts";
export { isLoopback } from "./config/listen.ts";
export { CONFIG_FILE_NAME, SWAGGER_FILE_NAMES } from "./config/places.ts";
export {
  groupOf,
  meaningOf,
  referenceHelpOf,
  SETTING_GROUPS,
  type SettingGroup,
} from "./config/settings-help.ts";
export { readInteger } from "./config/values.ts";
export { attempt } from "./core/attempt.ts";
export { watched } from "./core/bodies.ts";
export type { Events } from "./core/events.ts";
export { STOP_GRACE_MS, TELEMETRY_GRACE_MS } from "./core/grace.ts";
export { InFlight } from "./core/in-flight.ts";
export { nearest } from "./core/nearest.ts";
export { packageFile } from "./core/package-root.ts";
export { pageHeaders } from "./core/page-headers.ts";
export { frameWith, type Paint, paintFor, plainPaint } from "./core/terminal.ts";
export { afterReading, timerMs } from "./core/timer.ts";
export { VERSION } from "./core/version.ts";
export { within } from "./core/within.ts";
export { createEventLog } from "./event-log.ts";
export * from "./host-lean.ts";
export { PyFloat, PythonJsonError, readPythonJson, renderPythonJson } from "./json/python-json.ts";
export { codeFrame } from "./locate/code-frame.ts";
export { missingPackageHint } from "./locate/path-alias.ts";
export { consoleMethods } from "./log/console.ts";
export { createLog, fieldsOf } from "./log/create.ts";
export { recordFormat } from "./log/json.ts";
export { openLog } from "./log/open.ts";
export { boundedLines, keptFiles, type LogOutputs } from "./log/outputs.ts";
export { lastLines, logStream } from "./log/stream.ts";
export { expose } from "./metrics/exposition.ts";
export { type Figures, GATEWAY_FAMILIES, type Labels } from "./metrics/families.ts";
export { Series } from "./metrics/instruments.ts";
export { createProcessRecorder, createRecorder, type Recorder } from "./metrics/recorder.ts";
export { metricsRoute } from "./metrics/route.ts";
export { detectModel } from "./model/detect.ts";
export { LockLost, withLock } from "./model/lock.ts";
export { shownUri } from "./model/source.ts";
export { createModelFront } from "./no-code/front/model-front.ts";
export { findPython } from "./pool/interpreter.ts";
export { loadReload } from "./reload/load.ts";
export { createScorer } from "./routes/create-scorer.ts";
export { needsScript } from "./routes/needs-script.ts";
export type { Route } from "./routes/route.ts";
export { createRuntime, isJavaScript, runsInNode } from "./runtime.ts";
export { type Compiled, CompileError, compile, formatOf, withMap } from "./script/compile.ts";
export { loadJavaScript } from "./script/javascript.ts";
export { isTypeScript } from "./script/typescript.ts";
export { createService } from "./service.ts";
export { loadInsights } from "./telemetry/load-insights.ts";
export { asksForTelemetry, openTelemetry } from "./telemetry/telemetry.ts";
