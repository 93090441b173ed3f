import { ScoreError, type ScoreRequest, type ScoreResponse } from "../../src/host.ts";
import type { Target } from "../types.ts";

const UNAVAILABLE = 503;

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
    const { message } = new ScoreError("ERR_STOPPING", `the deployment ${this.name} does not run: ${this.whyNotReady}`);
    return { status: UNAVAILABLE, headers: [["content-type", "text/plain"]], body: message };
  }
}
