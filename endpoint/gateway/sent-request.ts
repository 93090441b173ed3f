import { abandon, type DeadlineError, type ScoreResponse } from "../../src/host.ts";
import type { Target } from "../types.ts";
import type { Forwarded } from "./forwarded.ts";
import { type Refusal, TIMED_OUT } from "./refusals.ts";
import { Limited, type TimeLimits } from "./time-limits.ts";

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
    const sent = new Sent(request, target, at, limits, (result) => resolve(finish(result)));
    limits.add(sent);
    try {
      target.handle(request).then(
        (answer) => sent.settle({ answer }),
        (error: unknown) => sent.settle({ error }),
      );
    } catch (error) {
      sent.settle({ error });
    }
  });
}

class Sent extends Limited {
  readonly #request: Forwarded;
  readonly #limits: TimeLimits;
  #finish: ((result: Result) => void) | undefined;

  constructor(
    request: Forwarded,
    { requestTimeoutMs }: Target,
    at: number,
    limits: TimeLimits,
    finish: (result: Result) => void,
  ) {
    super(at, requestTimeoutMs);
    this.#request = request;
    this.#limits = limits;
    this.#finish = finish;
  }

  expire(error: DeadlineError): void {
    // Answers first: a deployment that hears of it may take its time to stop.
    this.#end({ refusal: TIMED_OUT });
    this.#request.abort(error);
  }

  settle(result: Result): void {
    this.#limits.delete(this);
    // Nobody waits for a late answer, whose stream would go on.
    if (!this.#end(result) && result.answer !== undefined) abandon(result.answer.body);
  }

  #end(result: Result): boolean {
    const finish = this.#finish;
    this.#finish = undefined;
    finish?.(result);
    return finish !== undefined;
  }
}
