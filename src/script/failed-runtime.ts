import type { ScoreError } from "../errors.ts";
import type { RunOutcome, RuntimeState, ScoreRuntime, ScriptFacts } from "../types.ts";

/** Stands in for the runtime of a script that could not even be tried, and tells every request why. */
export class FailedRuntime implements ScoreRuntime {
  readonly failure: ScoreError;
  readonly state: RuntimeState = "failed";

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
