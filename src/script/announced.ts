import { toScoreError } from "../core/errors.ts";
import { type Events, endOf } from "../core/events.ts";
import type { RunCall, RunOutcome } from "../core/types.ts";

/** Runs, and tells whoever wants to know. Of a streamed answer it tells when run() gave it. */
export async function runAnnounced(
  { runBegun, runEnded }: Events,
  call: RunCall,
  queuedAt: number,
  run: () => RunOutcome | Promise<RunOutcome>,
): Promise<RunOutcome> {
  const { pid } = process;
  const begunAt = performance.now();
  runBegun?.({ call, pid, queuedAt, begunAt });
  try {
    const outcome = await run();
    runEnded?.({ call, pid, end: "ok", runMs: outcome.execMs });
    return outcome;
  } catch (error) {
    runEnded?.({ call, pid, end: endOf(toScoreError(error).code), runMs: performance.now() - begunAt });
    throw error;
  }
}
