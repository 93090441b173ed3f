import type { Assets, Deployment, DeploymentSpec, ProvisioningState, Target } from "../types.ts";
import { AbsentTarget } from "./absent.ts";

/** A deployment as the endpoint sees it: what runs, and which operation is under way. */
export class Member {
  readonly name: string;
  spec: DeploymentSpec;
  /** Undefined until it has come up. */
  deployment: Deployment | undefined;
  /** The assets that it runs with. */
  assets: Assets | undefined;
  /** What was made for the version that runs. */
  folder: string | undefined;
  /** The same of all its versions that have one; with the end of those whose place another version has taken. */
  readonly folders: Map<string, Promise<void> | undefined> = new Map();
  /** Undefined: no operation is under way. */
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
