// The part of the door that hosts come in by whose start is to be short: nothing here leads to what only some settings need,
// as bundlers split files, not what is in them. A build of such a host takes it for the whole door.

export { type CreateRuntime, createServiceLater, type Service } from "./compose.ts";
export type { Environment } from "./config/reader.ts";
export { PORT_RANGE } from "./config/settings.ts";
export { resolveUsableLater, type UsableConfig } from "./config/usable.ts";
export { abandon, endEarly, unlessAborted } from "./core/cancel.ts";
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
export type { Events, RequestAnswered } from "./core/events.ts";
export type { Log, LogFields, LogFormat, Logger } from "./core/log.ts";
export { roundMs } from "./core/round.ts";
export { readTraceparent } from "./core/traceparent.ts";
export type * from "./core/types.ts";
export { inProcess } from "./in-process.ts";
export { ncsaMessage } from "./log/format.ts";
export { batchLines, createStyledLog } from "./log/logger.ts";
export { decodePath } from "./routes/route.ts";
export type { Scorer } from "./routes/scorer.ts";
export { mayHaveTelemetry, openTelemetryLater } from "./telemetry/later.ts";
export type { Telemetry } from "./telemetry/telemetry.ts";
