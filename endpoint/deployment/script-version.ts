import type { Readable } from "node:stream";
import {
  createRuntime,
  createService,
  type Events,
  InFlight,
  openLog,
  type ScoreRequest,
  type ScoreResponse,
  type Service,
  type SilentWorker,
  TELEMETRY_GRACE_MS,
  type Telemetry,
  toScoreError,
  type UsableConfig,
  unlessAborted,
  within,
} from "../../src/host.ts";
import type { Deployment, DeploymentSpec } from "../types.ts";
import type { Lines } from "./lines.ts";
import type { DeploymentOptions } from "./options.ts";
import { askRegularly, FailureCounts, MS_PER_S } from "./probes.ts";
import { Readiness } from "./readiness.ts";
import { Scaling } from "./scaling.ts";
import { capacityOf } from "./settings.ts";
import { late, startLimit } from "./start-limit.ts";
import { STOP_MS, type Version } from "./version.ts";

/** How long the end waits for what workers have written last, in milliseconds: what they have started may hold their output. */
const LAST_OUTPUT_MS = 500;

export interface Script {
  /** In which its workers are started. */
  readonly folder: string;
  readonly settings: UsableConfig;
  /** To begin with. */
  readonly instances: number;
}

/** A score script, or a model in its place, with worker processes of its own. */
export class ScriptVersion implements Version {
  readonly spec: DeploymentSpec;
  readonly #service: Service;
  readonly #telemetry: Telemetry | undefined;
  readonly #flights = new InFlight();
  readonly #readiness: Readiness;
  readonly #scaling: Scaling | undefined;
  /** Ends of what its workers write. */
  readonly #outputs = new Set<Promise<void>>();
  #instances: number;
  /** Until a worker has come up again, or none can. */
  #waking: Promise<void> | undefined;
  #awake: () => void = () => {};
  #stops: (() => void)[] = [];
  #closed: Promise<void> | undefined;
  #hurry: () => void = () => {};

  /** @throws ConfigError for a `logging.json` that cannot be used */
  constructor(
    spec: DeploymentSpec,
    { folder, settings, instances }: Script,
    lines: Lines,
    { scaleDownMs, idleMs, subscribers = [] }: DeploymentOptions,
    telemetry?: Telemetry,
  ) {
    this.spec = spec;
    this.#instances = instances;
    this.#telemetry = telemetry;
    const { logFormat } = settings.config;
    const write = lines.writer(logFormat);
    const onOutput = (stream: Readable): void => {
      lines.read(stream, logFormat);
      const closed = new Promise<void>((resolve) => stream.once("close", resolve));
      this.#outputs.add(closed);
      void closed.then(() => this.#outputs.delete(closed));
    };
    this.#service = createService({
      settings,
      openLog: (config) => openLog(config, write, write),
      createRuntime: (config, log, events) => createRuntime(config, log, events, { onOutput, folder }),
      telemetry,
      subscribers: [this.#events, ...subscribers],
    });
    this.#readiness = new Readiness(spec.readinessProbe, () => this.#askReadiness(), this.#service.log.server);
    const { scale, maxConcurrentRequestsPerInstance: perInstance } = spec;
    this.#scaling = scale.type === "default" ? undefined : new Scaling(scale, perInstance, scaleDownMs, idleMs);
  }

  /** Somebody may sit at a breakpoint, in init() and anywhere else, and has one worker for that. */
  get #isDebugged(): boolean {
    return this.#service.config.debugPort !== null;
  }

  get workers(): Deployment["workers"] {
    return this.#service.runtime.load?.workers ?? { starting: 0, idle: 0, busy: 0, dead: 0 };
  }

  get instances(): number {
    return this.#instances;
  }

  get runtime(): Deployment["runtime"] {
    return this.#service.runtime;
  }

  get waiting(): number {
    return this.#service.runtime.load?.waiting ?? 0;
  }

  get inFlight(): number {
    return this.#flights.count;
  }

  /** One that scales from none takes as many as one instance does. */
  get capacity(): number {
    return capacityOf(this.spec, Math.max(1, this.#instances));
  }

  get trouble(): string | null {
    if (this.#instances === 0) return null;
    const { state, failure } = this.#service.runtime;
    return state === "failed" ? (failure?.message ?? "no worker is left") : this.#readiness.trouble;
  }

  handle(request: ScoreRequest): Promise<ScoreResponse> {
    this.#flights.begin();
    if (this.#instances === 0) this.#wake();
    const { scorer } = this.#service;
    const answer = this.#waking === undefined ? scorer.handle(request) : this.#handleAwake(request, this.#waking);
    return answer.then(this.#flights.answered);
  }

  async start(): Promise<void> {
    const [limitS, probe] = startLimit(this.spec);
    const limitMs = this.#isDebugged ? Number.POSITIVE_INFINITY : limitS * MS_PER_S;
    try {
      const isUp = await within(this.#service.runtime.start(), limitMs);
      if (!isUp) throw late(this.spec.name, limitS, probe);
    } catch (error) {
      if (this.#closed === undefined) this.#telemetry?.startFailed?.(toScoreError(error));
      throw error;
    }
  }

  watch(): void {
    if (this.#closed !== undefined) return;
    const { livenessProbe } = this.spec;
    const failures = new FailureCounts<number>(livenessProbe);
    this.#readiness.start();
    this.#stops.push(() => this.#readiness.stop());
    if (this.#isDebugged) return;
    const { initialDelay } = livenessProbe;
    const { runtime } = this.#service;
    const ask = async (timeoutMs: number): Promise<readonly SilentWorker[]> =>
      (await runtime.silentWorkers?.(timeoutMs, initialDelay * MS_PER_S)) ?? [];
    this.#stops.push(askRegularly(livenessProbe, ask, (silent) => this.#endSilent(silent, failures)));
    const { scale } = this.spec;
    if (this.#scaling === undefined || scale.type === "default") return;
    const timer = setInterval(() => this.#scale(), scale.pollingInterval * MS_PER_S).unref();
    this.#stops.push(() => clearInterval(timer));
  }

  retire(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  idle(): Promise<void> {
    return this.#flights.idle();
  }

  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#end(graceMs);
    if (graceMs === 0) this.#hurry();
    return this.#closed;
  }

  async #end(graceMs: number): Promise<void> {
    this.retire();
    const { runtime, scorer } = this.#service;
    const hurried = new Promise<void>((resolve) => {
      this.#hurry = () => {
        resolve();
        void runtime.close(0);
      };
    });
    await within(Promise.race([this.idle(), hurried]), graceMs);
    const ended = runtime.close(this.inFlight > 0 ? 0 : STOP_MS);
    this.#woken();
    await ended;
    scorer.flush();
    await within(Promise.all(this.#outputs), LAST_OUTPUT_MS);
    await this.#telemetry?.close(TELEMETRY_GRACE_MS);
  }

  /** A worker that comes up again ends the wait for it; so does one that cannot, and requests hear why. */
  get #events(): Events {
    return {
      workerReady: () => this.#woken(),
      workerEnded: () => {
        if (this.#waking !== undefined) setImmediate(() => this.#service.runtime.state === "failed" && this.#woken());
      },
    };
  }

  #wake(): void {
    this.#waking = new Promise((resolve) => {
      this.#awake = resolve;
    });
    this.#resize(1, "a request has come");
  }

  #woken(): void {
    this.#waking = undefined;
    this.#awake();
  }

  /** Waits outside the queue, whose time-out is for requests that wait for others. */
  async #handleAwake(request: ScoreRequest, awake: Promise<void>): Promise<ScoreResponse> {
    await unlessAborted(awake, request.signal).catch(() => {});
    return this.#service.scorer.handle(request);
  }

  #scale(): void {
    const { count: inFlight, accepted } = this.#flights;
    const wanted = this.#scaling!.next({ now: performance.now(), inFlight, accepted, instances: this.#instances });
    if (wanted !== this.#instances) this.#resize(wanted, `${inFlight} requests in flight`);
  }

  #resize(instances: number, why: string): void {
    const { runtime, log } = this.#service;
    log.server.info(`Scaling from ${this.#instances} to ${instances} instances: ${why}`);
    this.#instances = instances;
    runtime.resize?.(instances * this.spec.maxConcurrentRequestsPerInstance);
  }

  async #askReadiness(): Promise<string | null> {
    const { state, failure } = this.#service.runtime;
    // Waking up takes as long as the start does.
    const isFine = this.#instances === 0 || this.#waking !== undefined || state === "ready" || state === "busy";
    return isFine ? null : (failure?.message ?? "no worker is ready");
  }

  #endSilent(silent: readonly SilentWorker[], failures: FailureCounts<number>): void {
    const { failureThreshold } = this.spec.livenessProbe;
    const given = new Set(failures.add(silent.flatMap(({ pid }) => pid ?? [])));
    for (const worker of silent) {
      if (given.has(worker.pid ?? 0)) worker.kill(`it has not answered liveness_probe ${failureThreshold} times`);
    }
  }
}
