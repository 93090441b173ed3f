import type { Assets, Deployment, DeploymentSpec, ProvisioningState, Target } from "../types.ts";
import { AbsentTarget } from "./absent.ts";

/** A deployment as the endpoint sees it: what runs, if it runs, and what is being done to it. */
export class Member {
  readonly name: string;
  spec: DeploymentSpec;
  /** Undefined until it is up, and when it did not come up after a restart of the endpoint. */
  deployment: Deployment | undefined;
  /** Those that it runs with. */
  assets: Assets | undefined;
  /** Of its versions so far: what was made for them. */
  readonly folders: string[] = [];
  /** Undefined: nothing is being done. */
  operation: "Creating" | "Updating" | "Deleting" | undefined;
  readonly #absent: AbsentTarget;

  constructor(spec: DeploymentSpec) {
    this.name = spec.name;
    this.spec = spec;
    this.#absent = new AbsentTarget(spec.name, spec.requestTimeoutMs);
  }

  get target(): Target {
    return this.deployment ?? this.#absent;
  }

  get state(): ProvisioningState {
    return this.operation ?? this.deployment?.state ?? "Failed";
  }

  /** It did not come up. */
  failed(why: string): void {
    this.deployment = undefined;
    this.#absent.whyNotReady = why;
  }
}
