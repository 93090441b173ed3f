// What the health port's thread and the main thread tell each other. Plain data only: it is cloned on its way.
import {
  type ErrorCode,
  type ErrorReport,
  type HeaderList,
  type Log,
  type RuntimeState,
  type ScoreError,
  ScoreError as ScoreFault,
  type ScoreRequest,
} from "../../../src/host.ts";

/** From the thread to the main thread. `id` counts the requests handed over. */
export type FromHealth =
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "not-listening"; readonly message: string; readonly code: string | undefined }
  | { readonly kind: "closed" }
  | { readonly kind: "log"; readonly logger: LoggerName; readonly level: LevelName; readonly message: string }
  | { readonly kind: "request"; readonly id: number; readonly request: PlainRequest }
  /** The client has left. */
  | { readonly kind: "abort"; readonly id: number }
  /** The next chunk of a streamed answer is wanted. */
  | { readonly kind: "pull"; readonly id: number }
  /** No more of it is. */
  | { readonly kind: "drop"; readonly id: number };

/** From the main thread to the thread. */
export type ToHealth =
  | {
      readonly kind: "state";
      readonly state: RuntimeState;
      readonly initialised: boolean;
      readonly failure: PlainError | undefined;
    }
  | { readonly kind: "answer"; readonly id: number; readonly answer: PlainAnswer }
  | { readonly kind: "chunk"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly id: number; readonly error: PlainError | undefined }
  /** Take no new connections; what runs may take so many milliseconds. */
  | { readonly kind: "close"; readonly graceMs: number };

export type LoggerName = "server" | "script" | "swagger" | "print" | "trace" | "access";
export type LevelName = keyof Log["server"];

/** A request for the main thread; `receivedAt` is on the clock of `monotonicMs()`. */
export type PlainRequest = Pick<ScoreRequest, "method" | "path" | "query" | "headers" | "body" | "remoteAddress"> & {
  readonly receivedAt: number;
};

export interface PlainAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  /** Null: streamed; to be pulled. */
  readonly body: string | Uint8Array | null;
}

export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly report: ErrorReport | undefined;
}

export function toPlainError({ code, message, report }: ScoreError): PlainError {
  return { code: code as ErrorCode, message, report };
}

export function fromPlainError({ code, message, report }: PlainError): ScoreError {
  return new ScoreFault(code, message, report === undefined ? {} : { report });
}

/** Milliseconds of a clock that all threads share; that of `performance.now()` is each thread's own. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
