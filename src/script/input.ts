import type { Log } from "../core/log.ts";
import type { TracePlace } from "../core/trace.ts";

/** What one call of run() is made of; `headers` and the rest only for scripts that take them. */
export interface ScriptInput {
  readonly body: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly requestId?: string;
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  /** As in RUN_META. */
  readonly logFields?: string;
  /** Undefined: what the headers say, if anything. */
  readonly trace?: TracePlace | undefined;
  /** Called when the script asks for its signal. */
  readonly signal: () => AbortSignal;
  /** Takes what the script logs for this request. Default: the log the script was loaded with. */
  readonly log?: Log | undefined;
}
