import type { RunOutcome, RuntimeState, ScoreError, ScoreRuntime, ScriptFacts } from "../../src/index.ts";

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
