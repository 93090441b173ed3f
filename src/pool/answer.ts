// What a worker answers, from frames to what the core takes. A worker may be broken in any way: whatever does not have the
// form of docs/worker-protocol.md is a FrameError, which ends it.
import {
  BadInputError,
  FrameError,
  ResultError,
  type ScoreError,
  ScoreTimeoutError,
  ScriptRunError,
} from "../core/errors.ts";
import type { ErrorReport, RunOutcome } from "../core/types.ts";
import {
  type Failed,
  type Loaded,
  parseJson,
  type Ready,
  type ResponseMeta,
  type RunError,
  splitMeta,
} from "../protocol/messages.ts";
import type { ChunkStream } from "./chunk-stream.ts";
import type { Job } from "./job.ts";

const EXEC_MS_BYTES = 8;

/** @throws FrameError */
export function readResult(payload: Buffer): Extract<RunOutcome, { kind: "json" }> {
  if (payload.length < EXEC_MS_BYTES) throw malformed("a RESULT of less than 8 bytes");
  const execMs = payload.readDoubleLE(0);
  if (!Number.isFinite(execMs)) throw malformed("a RESULT whose time is not a number");
  return { kind: "json", body: payload.subarray(EXEC_MS_BYTES), execMs };
}

/** @throws FrameError */
export function readResponse(payload: Buffer): { meta: ResponseMeta; body: Buffer } {
  const { meta, body } = splitMeta<ResponseMeta>(payload);
  const isWhole =
    isObject(meta) &&
    Number.isInteger(meta.status) &&
    Number.isFinite(meta.execMs) &&
    typeof meta.stream === "boolean" &&
    typeof meta.fromScript === "boolean" &&
    Array.isArray(meta.headers) &&
    meta.headers.every((header) => Array.isArray(header) && header.length === 2 && header.every(isText));
  if (!isWhole) throw malformed("a RESPONSE whose meta lacks something");
  return { meta, body };
}

const ERROR_KINDS: ReadonlySet<unknown> = new Set(["input", "run", "result", "interrupted", "stream"]);

/** @throws FrameError */
export function readError(payload: Buffer, timeoutMs: number): ScoreError {
  const answer = parseJson<RunError>(payload);
  if (!isObject(answer) || !ERROR_KINDS.has(answer.kind)) throw malformed("an ERROR of no known kind");
  const { kind, error: report } = answer;
  checkReport(report);
  switch (kind) {
    case "input":
      return new BadInputError("ERR_BAD_INPUT", report.message, { report });
    case "result":
      return new ResultError("ERR_RESULT", report.message, { report });
    case "interrupted":
      return new ScoreTimeoutError(timeoutMs, { report });
    default:
      return new ScriptRunError("ERR_SCRIPT_RUN", `${report.type}: ${report.message}`, { report });
  }
}

/** @throws FrameError */
export function checkReport(report: ErrorReport): void {
  const isWhole =
    isObject(report) &&
    isText(report.type) &&
    isText(report.message) &&
    isText(report.traceback) &&
    (report.location === null || isObject(report.location));
  if (!isWhole) throw malformed("an error report that lacks something");
}

/** @throws FrameError */
export function readIds(payload: Buffer): readonly number[] {
  const answer = parseJson<{ ids: number[] }>(payload);
  if (!isObject(answer) || !Array.isArray(answer.ids) || !answer.ids.every(Number.isInteger)) {
    throw malformed("a RECALLED without ids");
  }
  return answer.ids;
}

const TAKES: ReadonlySet<unknown> = new Set(["body", "headers", "request", "model"]);

/** @throws FrameError */
export function readLoaded(payload: Buffer): Loaded {
  const loaded = parseJson<Loaded>(payload);
  if (!isObject(loaded) || !TAKES.has(loaded.takes) || typeof loaded.concurrent !== "boolean") {
    throw malformed("a LOADED that lacks something");
  }
  return loaded;
}

/** @throws FrameError */
export function readReady(payload: Buffer): Ready {
  const ready = parseJson<Ready>(payload);
  if (!isObject(ready) || (ready.meta !== undefined && !TAKES.has(ready.meta))) {
    throw malformed("a READY that asks for an unknown meta");
  }
  if (ready.traces !== undefined && typeof ready.traces !== "boolean") throw malformed("a READY with odd traces");
  return ready;
}

const STAGES: ReadonlySet<unknown> = new Set(["protocol", "load", "model", "shape", "init"]);
const LEVELS: ReadonlySet<unknown> = new Set(["INFO", "WARNING", "ERROR", "CRITICAL"]);

/** @throws FrameError */
export function readFailed(payload: Buffer): Failed {
  const failed = parseJson<Failed>(payload);
  const isWhole =
    isObject(failed) &&
    STAGES.has(failed.stage) &&
    Array.isArray(failed.records) &&
    failed.records.every((record) => isObject(record) && LEVELS.has(record.level) && isText(record.message));
  if (!isWhole) throw malformed("a FAILED that lacks something");
  checkReport(failed.error);
  return failed;
}

export function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

export function isText(value: unknown): value is string {
  return typeof value === "string";
}

export function malformed(what: string): FrameError {
  return new FrameError("ERR_FRAME", `a worker sent ${what}`);
}

/** @throws FrameError when frame `type` has come outside a stream */
export function expectStream({ id, stream }: Job, type: number): ChunkStream {
  if (stream === undefined) throw new FrameError("ERR_FRAME", `frame ${type} without a RESPONSE for request ${id}`);
  return stream;
}

/** @throws FrameError when there is none, for frame `type` of request `id` */
export function expectBegun(job: Job | undefined, type: number, id: number): Job {
  if (job !== undefined) return job;
  throw new FrameError("ERR_FRAME", `a worker sent frame ${type} for request ${id}, which has not begun`);
}

/** @throws FrameError when frame `type` has come inside a stream */
export function expectNoStream({ id, stream }: Job, type: number): void {
  if (stream !== undefined) throw new FrameError("ERR_FRAME", `frame ${type} inside the stream of request ${id}`);
}
