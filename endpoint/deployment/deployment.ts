import {
  OverloadError,
  type ScoreError,
  type ScoreRequest,
  type ScoreResponse,
  toScoreError,
  unlessAborted,
} from "../../src/host.ts";
import { errorAnswer } from "../error-answer.ts";
import type { Assets, Deployment, DeploymentSpec, ProvisioningState, Replaced } from "../types.ts";
import type { Lines } from "./lines.ts";
import { type CreateVersion, STOP_MS, type Version } from "./version.ts";

/** The life of a deployment, from version to version. */
export class RunningDeployment implements Deployment {
  readonly name: string;
  readonly #create: CreateVersion;
  readonly #lines: Lines;
  readonly #first: readonly [DeploymentSpec, Assets];
  /** What gets new requests. */
  #current: Version | undefined;
  /** What comes up to take its place. */
  #next: Version | undefined;
  /** What has been replaced, and still answers. */
  readonly #former = new Set<Version>();
  #state: ProvisioningState = "Creating";
  #failure: ScoreError | undefined;
  #starting: Promise<void> | undefined;
  /** The last update that was asked for: one begins when the one before it has ended. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  /** Not started yet. @param lines that its versions write */
  constructor(spec: DeploymentSpec, assets: Assets, create: CreateVersion, lines: Lines) {
    this.name = spec.name;
    this.#create = create;
    this.#lines = lines;
    this.#first = [spec, assets];
  }

  get spec(): DeploymentSpec {
    return this.#current?.spec ?? this.#first[0];
  }

  get state(): ProvisioningState {
    return this.#state;
  }

  get workers(): Deployment["workers"] {
    return this.#current?.workers;
  }

  get instances(): number {
    return this.#current?.instances ?? 0;
  }

  get runtime(): Deployment["runtime"] {
    return this.#current?.runtime;
  }

  get waiting(): number {
    return this.#current?.waiting ?? 0;
  }

  get capacity(): number {
    return this.#current?.capacity ?? 0;
  }

  get inFlight(): number {
    return (this.#current?.inFlight ?? 0) + this.leaving;
  }

  get leaving(): number {
    let sum = 0;
    for (const { inFlight } of this.#former) sum += inFlight;
    return sum;
  }

  get requestTimeoutMs(): number {
    return this.spec.requestTimeoutMs;
  }

  get isReady(): boolean {
    return this.whyNotReady === null;
  }

  get whyNotReady(): string | null {
    if (this.#closed !== undefined || this.#current === undefined || this.#state === "Creating") {
      return this.#unavailable().message;
    }
    return this.#current.trouble;
  }

  readonly handle = (request: ScoreRequest): Promise<ScoreResponse> => {
    if (this.#current === undefined || this.#closed !== undefined) {
      return Promise.resolve(errorAnswer(this.#unavailable()));
    }
    return this.#current.handle(request);
  };

  logs(lines: number): readonly string[] {
    return this.#lines.last(lines);
  }

  start(): Promise<void> {
    if (this.#starting === undefined) {
      this.#starting = this.#begin();
      this.#turn = this.#starting.catch(() => {});
    }
    return this.#starting;
  }

  update(spec: DeploymentSpec, assets: Assets): Promise<Replaced> {
    this.start().catch(() => {});
    const turn = this.#turn.then(() => this.#replace(spec, assets));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#end(graceMs);
    if (graceMs === 0) for (const version of this.#versions) void version.close(0);
    return this.#closed;
  }

  async #begin(): Promise<void> {
    try {
      const [spec, assets] = this.#first;
      // Requests that come meanwhile wait in it.
      await this.#bringUp(spec, assets, (version) => {
        this.#current = version;
      });
      this.#state = "Succeeded";
      this.#current!.watch();
    } catch (error) {
      this.#failure = toScoreError(error);
      if (this.#closed === undefined) {
        this.#state = "Failed";
        this.#closed = Promise.resolve();
      }
      throw this.#failure;
    }
  }

  async #replace(spec: DeploymentSpec, assets: Assets): Promise<Replaced> {
    if (this.#closed !== undefined) throw this.#unavailable();
    this.#state = "Updating";
    try {
      const next = await this.#bringUp(spec, assets, (version) => {
        this.#next = version;
      });
      const former = this.#current!;
      this.#current = next;
      next.watch();
      return { ended: this.#retire(former) };
    } finally {
      this.#next = undefined;
      if (this.#closed === undefined) this.#state = "Succeeded";
    }
  }

  /** @param onCreated called before it is up   @throws ScoreError when it does not come up; it has been ended then */
  async #bringUp(spec: DeploymentSpec, assets: Assets, onCreated: (version: Version) => void): Promise<Version> {
    const { signal } = this.#closing;
    if (signal.aborted) throw signal.reason;
    const made = this.#create(spec, assets, this.instances);
    // At once where that can be: who asks meanwhile finds it.
    const version = made instanceof Promise ? await made : made;
    onCreated(version);
    try {
      if (signal.aborted) throw signal.reason;
      await unlessAborted(version.start(), signal);
      if (signal.aborted) throw signal.reason;
      return version;
    } catch (error) {
      await version.close(0);
      throw toScoreError(error);
    }
  }

  async #retire(version: Version): Promise<void> {
    this.#former.add(version);
    version.retire();
    await version.idle();
    await version.close(STOP_MS);
    this.#former.delete(version);
  }

  get #versions(): readonly Version[] {
    return [this.#current, this.#next, ...this.#former].filter((version) => version !== undefined);
  }

  async #end(graceMs: number): Promise<void> {
    this.#state = "Deleting";
    this.#closing.abort(this.#unavailable());
    await Promise.all(this.#versions.map((version) => version.close(graceMs)));
    // What was coming up ends itself.
    await this.#turn;
  }

  /** Why nothing is taken. */
  #unavailable(): ScoreError {
    if (this.#failure !== undefined && this.#state === "Failed") return this.#failure;
    const what = this.#state === "Creating" ? "starting" : "being deleted";
    return new OverloadError("ERR_STOPPING", `Deployment ${this.name} is ${what}.`);
  }
}
