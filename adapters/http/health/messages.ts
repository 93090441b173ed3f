// What the health port's thread and the main thread tell each other. Plain data only: it is cloned on its way.
import {
  type ErrorCode,
  type ErrorReport,
  type Figures,
  type Log,
  type LogFields,
  type ModelFacts,
  type RuntimeState,
  type ScoreError,
  ScoreError as ScoreFault,
} from "../../../src/host.ts";

/** From the thread to the main thread. */
export type FromHealth =
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "not-listening"; readonly message: string; readonly code: string | undefined }
  | { readonly kind: "closed" }
  | {
      readonly kind: "log";
      readonly logger: LoggerName;
      readonly level: LevelName;
      readonly message: string;
      readonly fields?: LogFields | undefined;
    };

/** From the main thread to the thread. */
export type ToHealth =
  | {
      readonly kind: "state";
      readonly state: RuntimeState;
      readonly initialised: boolean;
      readonly failure: PlainError | undefined;
      /** What the ready path shows of the last edit; undefined: nothing is reloaded. */
      readonly reload: object | undefined;
      /** What is known of models; undefined: a script is served, or nothing is known yet. */
      readonly models: readonly ModelFacts[] | undefined;
    }
  /** What is measured, as it is now. */
  | { readonly kind: "figures"; readonly figures: Figures }
  /** Take no new connections; what runs may take so many milliseconds. */
  | { readonly kind: "close"; readonly graceMs: number };

export type LoggerName = "server" | "script" | "swagger" | "print" | "trace" | "access";
export type LevelName = keyof Log["server"];

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
