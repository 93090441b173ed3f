import type { Environment, Events } from "../../src/host.ts";

export interface DeploymentOptions {
  /** Default: that of this process. A deployment's own variables come on top, and stay with its workers. */
  readonly env?: Environment;
  /** Gets each line that a deployment writes: its server's records, and what its workers and what they start print. */
  readonly onLine?: (deployment: string, line: string) => void;
  /** Hear what happens in the deployment's server, whichever version of it. */
  readonly subscribers?: readonly Events[];
  /** Milliseconds without a request after which a deployment with `min_instances: 0` has no instances any more. */
  readonly idleMs?: number;
  /** Milliseconds for which fewer instances must have been enough before any of them ends. */
  readonly scaleDownMs?: number;
}
