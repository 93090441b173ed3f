import { attempt } from "./attempt.ts";
import { messageOf } from "./thrown.ts";
import type { ErrorReport, RunFacts } from "./types.ts";

/** Every error the product raises on purpose. `code` is stable and says by ERROR_CODES what the client gets; the log always
 *  has everything. docs/errors.md lists all codes. */
export class ScoreError extends Error {
  /** The class's name where a bundler has shortened it. */
  static readonly className: string = "ScoreError";
  readonly code: ErrorCode;
  /** What the script host knows of the exception behind this error. */
  readonly report: ErrorReport | undefined;
  /** When it is worth coming back, in seconds; sent as Retry-After. */
  retryAfterSeconds: number | undefined;
  /** What is known of the run() that it ended; undefined: none had begun. */
  ran: RunFacts | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.className;
    this.code = code;
    this.report = details.report;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }

  /** HTTP status of the answer; 0: see ERROR_CODES. */
  get status(): number {
    return ERROR_CODES[this.code].status;
  }
}

export interface ErrorDetails {
  readonly cause?: unknown;
  readonly report?: ErrorReport | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

export type ErrorCode =
  | "ERR_CONFIG"
  | "ERR_PYTHON_NOT_FOUND"
  | "ERR_ENVIRONMENT"
  | "ERR_PORT"
  | "ERR_MODEL_SDK"
  | "ERR_MODEL_ACCESS"
  | "ERR_MODEL_NOT_FOUND"
  | "ERR_MODEL_CHECKSUM"
  | "ERR_MODEL_DISK"
  | "ERR_MODEL_FETCH"
  | "ERR_MODEL_LOAD"
  | "ERR_SCRIPT_LOAD"
  | "ERR_SCRIPT_SHAPE"
  | "ERR_SCRIPT_INIT"
  | "ERR_BAD_INPUT"
  | "ERR_BAD_REQUEST"
  | "ERR_NOT_FOUND"
  | "ERR_METHOD"
  | "ERR_REQUEST_TIMEOUT"
  | "ERR_BODY_TOO_LARGE"
  | "ERR_MEDIA_TYPE"
  | "ERR_HEADER_LIMIT"
  | "ERR_SCRIPT_RUN"
  | "ERR_RESULT"
  | "ERR_SCORE_TIMEOUT"
  | "ERR_DEADLINE"
  | "ERR_ANSWER"
  | "ERR_WORKER_START"
  | "ERR_WORKER_EXIT"
  | "ERR_UPSTREAM"
  | "ERR_UPSTREAM_DOWN"
  | "ERR_CLIENT_GONE"
  | "ERR_OVERLOAD"
  | "ERR_STOPPING"
  | "ERR_FRAME"
  | "ERR_PROTOCOL_VERSION"
  | "ERR_INTERNAL";

/** What a code means for whoever asked. */
interface ErrorFace {
  /** HTTP status of the answer; 0: the command ends with an exit code instead, and a host that stays up answers 503. */
  readonly status: number;
  /** The text for the client; null: the error's own message. */
  readonly text: string | null;
  /** Value of `x-ms-run-function-failed` (contract HDR-11). */
  readonly runFailed: boolean;
  /** True where the answer may say what failed where (contract ERR-11). */
  readonly detail: boolean;
}

const seeLogs = (text: string): string => `${text}. Check the logs for more info.`;
const NOT_STARTED_TEXT = seeLogs("The scoring script could not be started");
const FAILED_TEXT = seeLogs("An unexpected error occurred in scoring script");
const INTERNAL_TEXT = seeLogs("An unexpected internal error occurred");

/** The client's fault, or the host's limits: it is told all. */
const open = (status: number): ErrorFace => ({ status, text: null, runFailed: false, detail: false });
/** The script does not come up. */
const notStarted = (status: number, text: string = NOT_STARTED_TEXT): ErrorFace => ({
  status,
  text,
  runFailed: true,
  detail: true,
});
/** The script fails while it answers. */
const failed = (text: string | null): ErrorFace => ({ status: 500, text, runFailed: true, detail: true });
/** A fault that says nothing to the client. */
const internal = (status: number): ErrorFace => ({ status, text: INTERNAL_TEXT, runFailed: false, detail: false });

/** The one table of codes; docs/errors.md says when each happens. */
export const ERROR_CODES: Readonly<Record<ErrorCode, ErrorFace>> = {
  ERR_CONFIG: notStarted(0),
  ERR_PYTHON_NOT_FOUND: notStarted(0),
  ERR_ENVIRONMENT: notStarted(0),
  ERR_PORT: internal(0),
  ERR_MODEL_SDK: notStarted(503),
  ERR_MODEL_ACCESS: notStarted(503),
  ERR_MODEL_NOT_FOUND: notStarted(503),
  ERR_MODEL_CHECKSUM: notStarted(503),
  ERR_MODEL_DISK: notStarted(503),
  ERR_MODEL_FETCH: notStarted(503),
  ERR_MODEL_LOAD: notStarted(503, seeLogs("The model could not be loaded")),
  ERR_SCRIPT_LOAD: notStarted(503),
  ERR_SCRIPT_SHAPE: notStarted(503),
  ERR_SCRIPT_INIT: notStarted(503),
  ERR_BAD_INPUT: open(400),
  ERR_BAD_REQUEST: open(400),
  ERR_NOT_FOUND: open(404),
  ERR_METHOD: open(405),
  ERR_REQUEST_TIMEOUT: open(408),
  ERR_BODY_TOO_LARGE: open(413),
  ERR_MEDIA_TYPE: open(415),
  ERR_HEADER_LIMIT: open(431),
  ERR_SCRIPT_RUN: failed(FAILED_TEXT),
  ERR_RESULT: failed(INTERNAL_TEXT),
  ERR_SCORE_TIMEOUT: failed(null),
  ERR_DEADLINE: open(504),
  ERR_ANSWER: open(500),
  ERR_WORKER_START: notStarted(503),
  ERR_WORKER_EXIT: failed(FAILED_TEXT),
  ERR_UPSTREAM: open(502),
  ERR_UPSTREAM_DOWN: open(503),
  ERR_CLIENT_GONE: internal(499),
  ERR_OVERLOAD: open(503),
  ERR_STOPPING: open(503),
  ERR_FRAME: internal(500),
  ERR_PROTOCOL_VERSION: internal(500),
  ERR_INTERNAL: internal(500),
};

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
  constructor(code: "ERR_OVERLOAD" | "ERR_STOPPING", message: string, retryAfterSeconds: number = RETRY_AFTER_SECONDS) {
    super(code, message, { retryAfterSeconds });
  }
}
/** What a client that is turned away is told to wait before it comes back, in seconds. */
export const RETRY_AFTER_SECONDS = 1;

/** Nothing more is taken. */
export function stopping(): OverloadError {
  return new OverloadError("ERR_STOPPING", "The server is stopping.");
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
