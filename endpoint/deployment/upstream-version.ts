import { type Logger, ScoreError, type ScoreRequest, type ScoreResponse } from "../../src/host.ts";
import type { DeploymentSpec } from "../types.ts";
import { Readiness } from "./readiness.ts";
import { capacityOf } from "./settings.ts";
import { startLimit } from "./start-limit.ts";
import { createUpstreamLink, type UpstreamLink } from "./upstream-link.ts";
import { probe, probeTargetOf } from "./upstream-probe.ts";
import type { Version } from "./version.ts";

/** A server that the user runs. Its address is all that is known of it, so its queue, its workers and its time limits are its
 *  own affair; readiness is asked for at the readiness route of the environment's `inference_config`, or by a connection.
 *  Paths are passed on as they come. */
export class UpstreamVersion implements Version {
  readonly spec: DeploymentSpec;
  readonly workers = undefined;
  readonly runtime = undefined;
  readonly waiting = 0;
  readonly #link: UpstreamLink;
  readonly #log: Logger;
  readonly #readiness: Readiness;

  /** @throws ConfigError when the address is none */
  constructor(spec: DeploymentSpec, address: string, log: Logger) {
    this.spec = spec;
    this.#link = createUpstreamLink(address);
    this.#log = log;
    const target = probeTargetOf(spec, this.#link);
    this.#readiness = new Readiness(spec.readinessProbe, (timeoutMs) => probe(target, timeoutMs), log);
  }

  get instances(): number {
    return this.trouble === null ? this.spec.instanceCount : 0;
  }

  get capacity(): number {
    return capacityOf(this.spec, this.spec.instanceCount);
  }

  get inFlight(): number {
    return this.#link.inFlight;
  }

  get trouble(): string | null {
    return this.#readiness.trouble;
  }

  handle(request: ScoreRequest): Promise<ScoreResponse> {
    return this.#link.send(request);
  }

  async start(): Promise<void> {
    const { url } = this.#link;
    const [limitS] = startLimit(this.spec);
    const why = await this.#readiness.comesUp(limitS, (reason) => this.#log.info(`Waiting for ${url}: ${reason}`));
    if (why !== null) {
      const message = `Deployment ${this.spec.name}: the upstream ${url} is not ready: ${why}`;
      throw new ScoreError("ERR_UPSTREAM_DOWN", message);
    }
    this.#log.info(`The upstream ${url} is ready.`);
  }

  watch(): void {
    this.#readiness.start();
  }

  retire(): void {
    this.#readiness.stop();
  }

  idle(): Promise<void> {
    return this.#link.idle();
  }

  async close(graceMs: number): Promise<void> {
    this.retire();
    await this.#link.close(graceMs);
  }
}
