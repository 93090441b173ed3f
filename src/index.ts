// The public names of the core.
export { type Address, type Config, type ErrorDetail, type LogLevel, resolveConfig } from "./config.ts";
export {
  BadInputError,
  ConfigError,
  DeadlineError,
  ERROR_CODES,
  type ErrorCode,
  FrameError,
  OverloadError,
  ResultError,
  ScoreError,
  ScoreTimeoutError,
  ScriptInitError,
  ScriptLoadError,
  ScriptRunError,
  ScriptShapeError,
  toScoreError,
  WorkerExitError,
} from "./errors.ts";
export { ncsaMessage } from "./log/format.ts";
export { batchLines, createLog, type Log, type Logger, type LoggingFile } from "./log/logger.ts";
export { openLog } from "./log/open.ts";
export { boundedLines } from "./log/outputs.ts";
export { lastLines, logStream } from "./log/stream.ts";
export type { Declaration, Declarations, InputOf, ResultOf } from "./schema/infer.ts";
export { type Sample, type SampleOptions, type SampleValue, sample } from "./schema/sample.ts";
export { type SchemaRun, schema } from "./schema/schema.ts";
export type { JsonObject, StandardIssue, StandardResult, StandardSchema } from "./schema/standard.ts";
export { createScorer, decodePath, type Scorer, type ScorerConfig } from "./scorer.ts";
export { type RawHttpRun, type RunContext, rawHttp, type ScoreScript, type ScriptLogger } from "./script/authoring.ts";
export { failedRuntime } from "./script/failed-runtime.ts";
export { type InProcessOptions, InProcessRuntime } from "./script/in-process.ts";
export { createRuntime } from "./script/load.ts";
export { createStartupLog, type StartupLog } from "./startup.ts";
export type * from "./types.ts";
export { PRODUCT, VERSION } from "./version.ts";
export { findPython } from "./worker/interpreter.ts";
