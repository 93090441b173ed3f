import { abandon, type DeadlineError, type ScoreResponse } from "../../src/host.ts";
import type { Target } from "../types.ts";
import type { Forwarded } from "./forwarded.ts";
import { type Refusal, TIMED_OUT } from "./refusals.ts";
import type { Limited, TimeLimits } from "./time-limits.ts";

/** What has become of a request: one of the three. */
export interface Result {
  readonly answer?: ScoreResponse;
  readonly refusal?: Refusal;
  /** What the deployment threw, which it should not. */
  readonly error?: unknown;
}

/** Gives the request to the deployment, and tells what comes first: its answer, or the end of its time. The time counts until
 *  the head of an answer: a stream that has begun may take as long as its client listens.
 *  @param finish called once, makes the answer for the client; must not throw */
export function sentRequest(
  request: Forwarded,
  target: Target,
  at: number,
  limits: TimeLimits,
  finish: (result: Result) => ScoreResponse,
): Promise<ScoreResponse> {
  return new Promise((resolve) => {
    let isOver = false;
    const limited: Limited = {
      dueAt: at + target.requestTimeoutMs,
      limitMs: target.requestTimeoutMs,
      expire(error: DeadlineError) {
        isOver = true;
        // Answers first: a deployment that hears of it may take its time to stop.
        resolve(finish({ refusal: TIMED_OUT }));
        request.abort(error);
      },
    };
    const settle = (result: Result): void => {
      if (isOver) {
        // Nobody waits for a late answer, whose stream would go on.
        if (result.answer !== undefined) abandon(result.answer.body);
        return;
      }
      isOver = true;
      limits.delete(limited);
      resolve(finish(result));
    };
    limits.add(limited);
    try {
      target.handle(request).then(
        (answer) => settle({ answer }),
        (error: unknown) => settle({ error }),
      );
    } catch (error) {
      settle({ error });
    }
  });
}
