// Deployments for the mirror: real scripts in worker processes, and ones whose answers a test gives by hand.
import type { Target } from "../../../endpoint/types.ts";
import type { BodyStream, ScoreRequest, ScoreResponse } from "../../../src/host.ts";
import type { Service } from "../../setup/service.ts";

export function request(body: string | Uint8Array = "[1]", more: Partial<ScoreRequest> = {}): ScoreRequest {
  const headers = { "content-type": "application/json", "x-request-id": "id-1" };
  return { method: "POST", path: "/score", query: "", headers, body: Buffer.from(body as string), ...more };
}

export function json(body: string | Uint8Array | BodyStream, status = 200): ScoreResponse {
  return { status, headers: [["Content-Type", "application/json"]], body };
}

/** A deployment in front of a real script. */
export function deployed(name: string, { scorer }: Service, more: Partial<Target> = {}): Target {
  return target(name, (asked) => scorer.handle(asked), more);
}

export interface Handled extends Target {
  /** Requests it got so far. */
  readonly asked: ScoreRequest[];
  inFlight: number;
  isReady: boolean;
}

export function target(
  name: string,
  answer: (asked: ScoreRequest) => Promise<ScoreResponse> | ScoreResponse,
  more: Partial<Target> = {},
): Handled {
  const asked: ScoreRequest[] = [];
  const made = {
    name,
    capacity: 8,
    inFlight: 0,
    requestTimeoutMs: 60_000,
    isReady: true,
    whyNotReady: null,
    asked,
    async handle(copy: ScoreRequest): Promise<ScoreResponse> {
      asked.push(copy);
      made.inFlight++;
      try {
        return await answer(copy);
      } finally {
        made.inFlight--;
      }
    },
    ...more,
  };
  return made;
}

/** A promise that a test keeps, or breaks. */
export function promised<T>(): PromiseWithResolvers<T> {
  let resolve!: PromiseWithResolvers<T>["resolve"];
  let reject!: PromiseWithResolvers<T>["reject"];
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}
