import { InFlight, type ScoreRequest, type ScoreResponse } from "../../src/host.ts";
import type { Deployment, DeploymentSpec } from "../types.ts";
import type { Version } from "./version.ts";

/** A server that the user runs. What passes requests on to it also knows whether it is ready. */
export class UpstreamVersion implements Version {
  readonly spec: DeploymentSpec;
  readonly #upstream: Deployment;
  readonly #flights = new InFlight();

  constructor(spec: DeploymentSpec, upstream: Deployment) {
    this.spec = spec;
    this.#upstream = upstream;
  }

  get workers(): undefined {
    return undefined;
  }

  get runtime(): undefined {
    return undefined;
  }

  get waiting(): number {
    return this.#upstream.waiting;
  }

  get instances(): number {
    return this.#upstream.instances;
  }

  get capacity(): number {
    return this.#upstream.capacity;
  }

  get inFlight(): number {
    return this.#flights.count;
  }

  get trouble(): string | null {
    return this.#upstream.whyNotReady;
  }

  handle(request: ScoreRequest): Promise<ScoreResponse> {
    this.#flights.begin();
    return this.#upstream.handle(request).then(this.#flights.answered);
  }

  start(): Promise<void> {
    return this.#upstream.start();
  }

  watch(): void {}

  retire(): void {}

  idle(): Promise<void> {
    return this.#flights.idle();
  }

  close(graceMs: number): Promise<void> {
    return this.#upstream.close(graceMs);
  }
}
