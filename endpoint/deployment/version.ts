import type { ScoreRequest, ScoreResponse } from "../../src/host.ts";
import type { Assets, Deployment, DeploymentSpec } from "../types.ts";

/** How long what has nothing left to do may take to end by itself, in milliseconds. */
export const STOP_MS = 2_000;

/** One version of a deployment that runs: what an update puts another in the place of. */
export interface Version extends Pick<Deployment, "workers" | "instances" | "waiting" | "capacity" | "runtime"> {
  readonly spec: DeploymentSpec;
  readonly inFlight: number;
  /** Why no request can be taken; null: it can. */
  readonly trouble: string | null;
  handle(request: ScoreRequest): Promise<ScoreResponse>;
  /** Resolves when it is ready. @throws ScoreError when it cannot be, with the script's own reason */
  start(): Promise<void>;
  /** Begins to watch it and to scale it. */
  watch(): void;
  /** Ends what `watch` has begun: it gets nothing new, and ends when that which it has is done. */
  retire(): void;
  /** Resolves when nothing is in flight. */
  idle(): Promise<void>;
  /** Ends it; what is in flight may take so many milliseconds. A second call with 0 ends what the first one waits for. */
  close(graceMs: number): Promise<void>;
}

/** Makes a version that is not started yet: at once, unless something has to be loaded for it.
 *  @param instances that there are now, where that is for the load to say   @throws ScoreError */
export type CreateVersion = (spec: DeploymentSpec, assets: Assets, instances: number) => Version | Promise<Version>;
