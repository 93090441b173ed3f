import type { Target } from "../../../endpoint/types.ts";
import type { ScoreRequest, ScoreResponse } from "../../../src/host.ts";
import type { Service } from "../../setup/service.ts";

/** A real score script with its workers as a deployment. */
export interface ServiceTarget extends Target {
  requestTimeoutMs: number;
  capacity: number;
}

export function targetOf(service: Service): ServiceTarget {
  let inFlight = 0;
  return {
    name: "blue",
    capacity: 1_000,
    get inFlight() {
      return inFlight;
    },
    requestTimeoutMs: 180_000,
    isReady: true,
    whyNotReady: null,
    async handle(request: ScoreRequest): Promise<ScoreResponse> {
      inFlight++;
      try {
        return await service.scorer.handle(request);
      } finally {
        inFlight--;
      }
    },
  };
}
