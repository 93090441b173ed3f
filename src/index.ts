// What authors of score scripts import.
export {
  type RawHttpRun,
  type RunContext,
  rawHttp,
  type ScoreScript,
  type ScriptLogger,
} from "./authoring/authoring.ts";
export type { Declaration, Declarations, InputOf, ResultOf } from "./authoring/infer.ts";
export { type Sample, type SampleOptions, type SampleValue, sample } from "./authoring/sample.ts";
export { type SchemaRun, schema } from "./authoring/schema.ts";
export type { JsonObject, StandardIssue, StandardResult, StandardSchema } from "./authoring/standard.ts";
