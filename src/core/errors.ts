import { attempt } from "./attempt.ts";
import { messageOf } from "./thrown.ts";
import type { ErrorReport } from "./types.ts";

/** Every error the product raises on purpose. `code` is stable; `status` is the HTTP status it is answered with; the
 *  client sees `message` only where `expose` is true, the log always sees everything. docs/errors.md lists all codes. */
export class ScoreError extends Error {
  /** The class's name where a bundler has shortened it. */
  static readonly className: string = "ScoreError";
  readonly code: string;
  readonly status: number;
  readonly expose: boolean;
  /** What the script host knows of the exception behind this error. */
  readonly report: ErrorReport | undefined;
  /** When it is worth coming back, in seconds; sent as Retry-After. */
  retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    const entry = ERROR_CODES[code];
    this.name = new.target.className;
    this.code = code;
    this.status = entry.status;
    this.expose = entry.expose;
    this.report = details.report;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

export interface ErrorDetails {
  readonly cause?: unknown;
  readonly report?: ErrorReport | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

/** The one table of codes; docs/errors.md says when each happens. `status` 0: never answered over HTTP, the command ends
 *  with an exit code instead. `expose`: the client may read the message. */
export const ERROR_CODES = {
  ERR_CONFIG: { status: 0, expose: false },
  ERR_PYTHON_NOT_FOUND: { status: 0, expose: false },
  ERR_PORT: { status: 0, expose: false },
  ERR_MODEL_SDK: { status: 503, expose: false },
  ERR_MODEL_ACCESS: { status: 503, expose: false },
  ERR_MODEL_NOT_FOUND: { status: 503, expose: false },
  ERR_MODEL_CHECKSUM: { status: 503, expose: false },
  ERR_MODEL_DISK: { status: 503, expose: false },
  ERR_MODEL_FETCH: { status: 503, expose: false },
  ERR_SCRIPT_LOAD: { status: 503, expose: false },
  ERR_SCRIPT_SHAPE: { status: 503, expose: false },
  ERR_SCRIPT_INIT: { status: 503, expose: false },
  ERR_BAD_INPUT: { status: 400, expose: true },
  ERR_BAD_REQUEST: { status: 400, expose: true },
  ERR_NOT_FOUND: { status: 404, expose: true },
  ERR_METHOD: { status: 405, expose: true },
  ERR_REQUEST_TIMEOUT: { status: 408, expose: true },
  ERR_BODY_TOO_LARGE: { status: 413, expose: true },
  ERR_MEDIA_TYPE: { status: 415, expose: true },
  ERR_HEADER_LIMIT: { status: 431, expose: true },
  ERR_SCRIPT_RUN: { status: 500, expose: false },
  ERR_RESULT: { status: 500, expose: false },
  ERR_SCORE_TIMEOUT: { status: 500, expose: false },
  ERR_DEADLINE: { status: 504, expose: true },
  ERR_ANSWER: { status: 500, expose: true },
  ERR_WORKER_START: { status: 503, expose: false },
  ERR_WORKER_EXIT: { status: 500, expose: false },
  ERR_CLIENT_GONE: { status: 499, expose: false },
  ERR_OVERLOAD: { status: 503, expose: true },
  ERR_STOPPING: { status: 503, expose: true },
  ERR_FRAME: { status: 500, expose: false },
  ERR_PROTOCOL_VERSION: { status: 500, expose: false },
  ERR_INTERNAL: { status: 500, expose: false },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** A flag, variable or file that cannot be used: one line that names the cause and the cure. */
export class ConfigError extends ScoreError {
  static override readonly className: string = "ConfigError";
}
/** The score script could not be found, compiled or imported. */
export class ScriptLoadError extends ScoreError {
  static override readonly className: string = "ScriptLoadError";
}
/** The score script lacks init() or run(), or run() has a wrong signature. */
export class ScriptShapeError extends ScoreError {
  static override readonly className: string = "ScriptShapeError";
}
/** init() raised. */
export class ScriptInitError extends ScoreError {
  static override readonly className: string = "ScriptInitError";
}
/** The request is at fault; the message is for the client. */
export class BadInputError extends ScoreError {
  static override readonly className: string = "BadInputError";
}
/** run() raised. */
export class ScriptRunError extends ScoreError {
  static override readonly className: string = "ScriptRunError";
}
/** The result of run() cannot be rendered. */
export class ResultError extends ScoreError {
  static override readonly className: string = "ResultError";
}
/** run() took longer than SCORING_TIMEOUT_MS. */
export class ScoreTimeoutError extends ScoreError {
  static override readonly className: string = "ScoreTimeoutError";
  readonly timeoutMs: number;
  constructor(timeoutMs: number, details: ErrorDetails = {}) {
    const message = `Script failed to finish execution within the allocated time: ${timeoutMs}ms`;
    const report = details.report ?? {
      type: "TimeoutError",
      message,
      traceback: `TimeoutError: ${message}`,
      location: null,
    };
    super("ERR_SCORE_TIMEOUT", `Scoring timeout after ${timeoutMs} ms`, { ...details, report });
    this.timeoutMs = timeoutMs;
  }
}
/** The time the host gives one request is nearly over. */
export class DeadlineError extends ScoreError {
  static override readonly className: string = "DeadlineError";
  readonly limitMs: number;
  constructor(limitMs: number) {
    super("ERR_DEADLINE", `The request was not answered within ${limitMs} ms, the time it has here`);
    this.limitMs = limitMs;
  }
}
/** A worker process died; the message says how. */
export class WorkerExitError extends ScoreError {
  static override readonly className: string = "WorkerExitError";
}
/** The request was turned away for lack of room; come back after `retryAfterSeconds`. */
export class OverloadError extends ScoreError {
  static override readonly className: string = "OverloadError";
  constructor(code: "ERR_OVERLOAD" | "ERR_STOPPING", message: string, retryAfterSeconds: number) {
    super(code, message, { retryAfterSeconds });
  }
}
/** The worker pipe carried something that is not a frame of this protocol. */
export class FrameError extends ScoreError {
  static override readonly className: string = "FrameError";
}

/** The error a request ends with when its signal has aborted for this reason. */
export function abortError(reason: unknown): ScoreError {
  if (reason instanceof ScoreError) return reason;
  return new ScoreError("ERR_CLIENT_GONE", "the client left before it was answered");
}

/** The error as a ScoreError, wrapping what was not one. Never throws, whatever was thrown. */
export function toScoreError(error: unknown): ScoreError {
  // A proxy may refuse to tell what it is an instance of.
  if (attempt(() => error instanceof ScoreError, false)) return error as ScoreError;
  return new ScoreError("ERR_INTERNAL", messageOf(error), { cause: error });
}
