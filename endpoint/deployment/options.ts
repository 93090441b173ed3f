import type { Environment, Events, Logger } from "../../src/host.ts";
import type { Assets, Deployment, DeploymentSpec } from "../types.ts";

export interface DeploymentOptions {
  /** Default: that of this process. A deployment's own variables come on top, and stay with its workers. */
  readonly env?: Environment;
  /** Gets each line that a deployment writes: its server's records, and what its workers and what they start print. */
  readonly onLine?: (deployment: string, line: string) => void;
  /** Hear what happens in the deployment's server, whichever version of it. */
  readonly subscribers?: readonly Events[];
  /** What passes requests on to a server that the user runs. */
  readonly createUpstream?: CreateUpstream;
  /** Milliseconds without a request after which a deployment with `min_instances: 0` has no instances any more. */
  readonly idleMs?: number;
  /** Milliseconds for which fewer instances must have been enough before any of them ends. */
  readonly scaleDownMs?: number;
}

/** @param log goes to the deployment's lines   @returns one that only this deployment uses, for this version of it */
export type CreateUpstream = (spec: DeploymentSpec, assets: Assets, log: Logger) => Deployment;
