import { ConfigError, type Logger, ScoreError, type ScoreRequest, type ScoreResponse } from "../../src/host.ts";
import type { Assets, Deployment, DeploymentSpec, ProvisioningState, Replaced } from "../types.ts";
import { createUpstreamLink, type UpstreamLink } from "./upstream-link.ts";
import { type ProbeTarget, probe, probeTargetOf } from "./upstream-probe.ts";

const SECOND_MS = 1_000;
/** How often one is asked that is not ready, at least, in milliseconds: the cloud's ten seconds are long on a desk. */
const NOT_READY_PERIOD_MS = 1_000;
/** The gateway takes twice as many requests as can run: the others wait. */
const CAPACITY_FACTOR = 2;
/** Lines that are kept of what has happened. */
const MAX_LINES = 1_000;
/** How long requests of the old server may take after an update before they are broken off, in milliseconds: longer than any
 *  time limit of a request. */
const UPDATE_GRACE_MS = 300_000;

/** A deployment whose requests go to a server that the user runs. Its address is all that is known of it, so its queue, its
 *  workers and its time limits are its own affair; readiness is asked for at the readiness route of the environment's
 *  `inference_config`, or by a connection. Paths are passed on as they come.
 *  @throws ConfigError when the address is none */
export function createUpstream(spec: DeploymentSpec, assets: Assets, log: Logger): Deployment {
  return new Upstream(spec, assets, log);
}

class Upstream implements Deployment {
  readonly name: string;
  readonly workers = undefined;
  readonly waiting = 0;
  spec: DeploymentSpec;
  state: ProvisioningState = "Creating";
  whyNotReady: string | null = "it has not been asked yet";
  readonly #log: Logger;
  readonly #lines: string[] = [];
  readonly #closed = new AbortController();
  /** The server, and those before it that have requests left. */
  #link: UpstreamLink;
  readonly #old = new Set<UpstreamLink>();
  #failures = 0;
  #successes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(spec: DeploymentSpec, assets: Assets, log: Logger) {
    this.name = spec.name;
    this.spec = spec;
    this.#log = log;
    this.#link = linkOf(spec, assets);
  }

  get capacity(): number {
    const { instanceCount, maxConcurrentRequestsPerInstance } = this.spec;
    return CAPACITY_FACTOR * instanceCount * maxConcurrentRequestsPerInstance;
  }

  get inFlight(): number {
    let sum = this.#link.inFlight;
    for (const link of this.#old) sum += link.inFlight;
    return sum;
  }

  get requestTimeoutMs(): number {
    return this.spec.requestTimeoutMs;
  }

  get isReady(): boolean {
    return this.whyNotReady === null;
  }

  get instances(): number {
    return this.isReady ? this.spec.instanceCount : 0;
  }

  handle = (request: ScoreRequest): Promise<ScoreResponse> => this.#link.send(request);

  logs(lines: number): readonly string[] {
    return lines > 0 ? this.#lines.slice(-lines) : [];
  }

  async start(): Promise<void> {
    const why = await this.#untilReady(this.#link, this.spec);
    if (why !== null) {
      this.state = "Failed";
      this.#setReady(why);
      await this.close(0);
      throw notUp(this.spec, this.#link, why);
    }
    this.state = "Succeeded";
    this.#setReady(null);
    this.#watch();
  }

  async update(spec: DeploymentSpec, assets: Assets): Promise<Replaced> {
    const link = linkOf(spec, assets);
    const before = this.state;
    this.state = "Updating";
    const why = await this.#untilReady(link, spec);
    if (why !== null) {
      this.state = before;
      await link.close(0);
      throw notUp(spec, link, why);
    }
    const old = this.#link;
    this.#link = link;
    this.spec = spec;
    this.state = "Succeeded";
    this.#failures = 0;
    this.#setReady(null);
    this.#watch();
    this.#old.add(old);
    return { ended: old.close(UPDATE_GRACE_MS).then(() => void this.#old.delete(old)) };
  }

  async close(graceMs: number): Promise<void> {
    if (this.state !== "Failed") this.state = "Deleting";
    this.whyNotReady ??= "it is closed";
    clearTimeout(this.#timer);
    this.#closed.abort();
    await Promise.all([this.#link, ...this.#old].map((link) => link.close(graceMs)));
  }

  /** Asks until it is ready, or has had the time that its probe gives it. @returns why it is not ready; null: it is */
  async #untilReady(link: UpstreamLink, spec: DeploymentSpec): Promise<string | null> {
    const { initialDelay, period, failureThreshold, successThreshold, timeout } = spec.readinessProbe;
    const target = probeTargetOf(spec, link);
    const endsAt = performance.now() + (initialDelay + period * failureThreshold) * SECOND_MS;
    let successes = 0;
    let said: string | null = null;
    for (;;) {
      const why = await probe(target, timeout * SECOND_MS);
      if (this.#closed.signal.aborted) return "it is closed";
      successes = why === null ? successes + 1 : 0;
      if (successes >= successThreshold) return null;
      const left = endsAt - performance.now();
      if (left <= 0) return why ?? "it was not ready often enough";
      if (why !== null && why !== said) this.#say(`waits for ${link.url}: ${why}`);
      said = why;
      await this.#pause(Math.min(period * SECOND_MS, NOT_READY_PERIOD_MS, left));
    }
  }

  /** Ends early when the deployment is closed. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#closed;
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done);
    });
  }

  #watch(): void {
    clearTimeout(this.#timer);
    const { period } = this.spec.readinessProbe;
    const ms = this.isReady ? period * SECOND_MS : Math.min(period * SECOND_MS, NOT_READY_PERIOD_MS);
    this.#timer = setTimeout(() => void this.#look(), ms);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const link = this.#link;
    const { failureThreshold, successThreshold, timeout } = this.spec.readinessProbe;
    const target: ProbeTarget = probeTargetOf(this.spec, link);
    const why = await probe(target, timeout * SECOND_MS);
    if (this.#closed.signal.aborted || link !== this.#link) return;
    this.#failures = why === null ? 0 : this.#failures + 1;
    this.#successes = why === null ? this.#successes + 1 : 0;
    if (why === null && this.#successes >= successThreshold) this.#setReady(null);
    else if (why !== null && this.#failures >= failureThreshold) this.#setReady(why);
    this.#watch();
  }

  #setReady(why: string | null): void {
    const wasReady = this.isReady;
    this.whyNotReady = why;
    if (why === null && !wasReady) this.#say(`is ready at ${this.#link.url}`);
    else if (why !== null && wasReady) this.#say(`is not ready at ${this.#link.url}: ${why}`);
  }

  #say(what: string): void {
    const line = `Deployment ${this.name} ${what}`;
    this.#log.info(line);
    this.#lines.push(`${new Date().toISOString()} ${line}`);
    if (this.#lines.length > MAX_LINES) this.#lines.shift();
  }
}

function linkOf({ name }: DeploymentSpec, { upstream }: Assets): UpstreamLink {
  if (upstream !== null) return createUpstreamLink(upstream);
  const message = `Deployment ${name} has an upstream, which an update cannot take away; delete it and create it anew`;
  throw new ConfigError("ERR_CONFIG", message);
}

function notUp({ name }: DeploymentSpec, { url }: UpstreamLink, why: string): ScoreError {
  return new ScoreError("ERR_UPSTREAM_DOWN", `Deployment ${name}: the upstream ${url} is not ready: ${why}`);
}
