import { OverloadError, type ScoreRequest, type ScoreResponse } from "../../src/host.ts";
import { errorAnswer } from "../error-answer.ts";
import type { Target } from "../types.ts";

/** Takes the place of a deployment that is still starting, or that did not come up when the endpoint was started again. */
export class AbsentTarget implements Target {
  readonly name: string;
  readonly capacity: number = 0;
  readonly inFlight: number = 0;
  readonly requestTimeoutMs: number;
  readonly isReady: boolean = false;
  whyNotReady: string = "it is being started";

  constructor(name: string, requestTimeoutMs: number) {
    this.name = name;
    this.requestTimeoutMs = requestTimeoutMs;
  }

  async handle(_request: ScoreRequest): Promise<ScoreResponse> {
    const message = `the deployment ${this.name} does not run: ${this.whyNotReady}`;
    return errorAnswer(new OverloadError("ERR_STOPPING", message));
  }
}
