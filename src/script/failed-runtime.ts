import { type ScoreError, toScoreError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { RunOutcome, RuntimeState, ScoreRuntime, ScriptFacts } from "../core/types.ts";

/** Takes the place of the runtime of a script that could not even be tried, and tells every request why. */
class FailedRuntime implements ScoreRuntime {
  readonly failure: ScoreError;
  readonly state: RuntimeState = "failed";
  readonly initialised = false;

  constructor(failure: ScoreError) {
    this.failure = failure;
  }

  start(): Promise<ScriptFacts> {
    return Promise.reject(this.failure);
  }

  run(): Promise<RunOutcome> {
    return Promise.reject(this.failure);
  }

  async close(): Promise<void> {}
}

/** Logs why a script cannot be tried, for a host that stays up all the same. */
export function failedRuntime(error: unknown, log: Log): ScoreRuntime {
  const failure = toScoreError(error);
  log.server.critical(failure.message);
  return new FailedRuntime(failure);
}
