import { unlessAborted } from "../core/cancel.ts";
import { type ScoreError, stopping, toScoreError } from "../core/errors.ts";
import type { Events } from "../core/events.ts";
import type { ScoreRequest, ScoreResponse } from "../core/types.ts";
import type { QueueOptions } from "../pool/queue.ts";
import { needsScript } from "../routes/needs-script.ts";
import { decodePath } from "../routes/route.ts";
import { Hall } from "./hall.ts";
import { type ReloadStatus, statusMember } from "./status.ts";
import { type Made, Version } from "./version.ts";

export interface ReloadOptions extends QueueOptions {
  /** Reads all files anew. @throws ScoreError for those that cannot be used */
  readonly create: () => Promise<Made>;
  /** A service that tells every request this reason. */
  readonly createFailed: (failure: ScoreError) => Promise<Made>;
  /** Called before a version loads, so that no edit from then on passes unnoticed. @param loads it is about to */
  readonly onLoading: (loads: Made) => Promise<void>;
  readonly events: Events;
  /** How much of a failure clients see. */
  readonly errorDetail: "none" | "location" | "full";
}

/** A version that takes longer than this to come up is told of, in milliseconds: long for a script, short for whoever waits. */
const SLOW_MS = 10_000;

/** So long after it was written a file may be known to have changed, in milliseconds. */
const NOTICED_MS = 1_000;

/** Puts a new version of a service in the place of the one that serves. The new one comes up beside it and takes over when it
 *  is ready; the former one answers what it has. One that does not come up changes nothing. Of edits that follow each
 *  other the last one wins. */
export class ReloadingService {
  readonly #options: ReloadOptions;
  /** What gets new requests. */
  #current: Version;
  /** True: it has come up. */
  #isUp = false;
  /** What comes up to take its place. */
  #next: Version | undefined;
  /** What has been replaced, and still answers. */
  readonly #former = new Set<Version>();
  /** While it is not known whether there will be a version. */
  #hall: Hall | undefined;
  /** What the ready path shows of it. */
  #members: { readonly reload?: Record<string, unknown> } = {};
  #status!: ReloadStatus;
  readonly #changed = new Set<string>();
  #turn: Promise<void> = Promise.resolve();
  /** Aborted when what comes up is out of date. */
  #superseded = new AbortController();
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;
  #cameUpAt = Number.NEGATIVE_INFINITY;
  #firstUp: () => void = () => {};
  readonly #started: Promise<void>;

  /** @param first what is to be started */
  constructor(first: Made, options: ReloadOptions) {
    this.#options = options;
    this.#hall = new Hall(options);
    this.#current = this.#version(first);
    this.#tell({ version: 0, state: "starting", changed: [] });
    this.#started = new Promise((resolve) => {
      this.#firstUp = resolve;
    });
  }

  get current(): Made {
    return this.#current.made;
  }

  /** What has become of the last edit, as members of the ready path's answer. */
  get members(): { readonly reload?: Record<string, unknown> } {
    return this.#members;
  }

  get hall(): Hall | undefined {
    return this.#hall;
  }

  /** Whether a version comes up, or has done so just now: what it has written is noticed a little later. */
  get isComingUp(): boolean {
    return this.#next !== undefined || performance.now() - this.#cameUpAt < NOTICED_MS;
  }

  get isClosing(): boolean {
    return this.#closed !== undefined;
  }

  get versions(): readonly Version[] {
    return [...new Set([this.#current, this.#next, ...this.#former])].filter((version) => version !== undefined);
  }

  /** Resolves when a version has come up for the first time. Never rejects. */
  start(): Promise<void> {
    const version = this.#current;
    const { signal } = this.#superseded;
    this.#turn = this.#turn.then(() => this.#attempt([], signal, async () => version));
    return this.#started;
  }

  /** Files have changed. */
  reload(changed: readonly string[]): void {
    if (this.#closed !== undefined) return;
    for (const path of changed) this.#changed.add(path);
    this.#superseded.abort(stopping());
    const superseded = new AbortController();
    this.#superseded = superseded;
    this.#turn = this.#turn.then(async () => {
      // A later edit takes this one along.
      if (superseded.signal.aborted || this.#closed !== undefined) return;
      const paths = [...this.#changed];
      this.#options.events.reloading?.({ changed: paths });
      await this.#attempt(paths, superseded.signal, async () => this.#version(await this.#options.create()));
    });
  }

  /** Resolves when nothing is coming up. */
  async settled(): Promise<void> {
    let turn: Promise<void> | undefined;
    while (turn !== this.#turn) {
      turn = this.#turn;
      await turn;
    }
  }

  handle(request: ScoreRequest): Promise<ScoreResponse> {
    const hall = this.#hall;
    const hasModel = this.current.config.model !== null;
    if (hall === undefined || !needsScript(decodePath(request.path), hasModel)) return this.#current.handle(request);
    return hall.wait(request).then(
      () => this.handle(request),
      (error: unknown) => this.current.scorer.refuse(request, toScoreError(error)),
    );
  }

  /** As a runtime's: a second call with 0 ends what the first one waits for. */
  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#end(graceMs);
    if (graceMs === 0) for (const version of this.versions) void version.close(0);
    return this.#closed;
  }

  async #end(graceMs: number): Promise<void> {
    this.#closing.abort(stopping());
    this.#superseded.abort(stopping());
    this.#hall?.rejectAll(stopping());
    this.#hall = undefined;
    await Promise.all(this.versions.map((version) => version.close(version === this.#next ? 0 : graceMs)));
    await this.#turn;
  }

  /** Brings a version up and lets it take over, unless a later edit or the end comes first. Never rejects.
   *  @param changed since the version that serves */
  async #attempt(changed: readonly string[], signal: AbortSignal, create: () => Promise<Version>): Promise<void> {
    const begunAt = performance.now();
    const { events } = this.#options;
    this.#tell({ version: this.#status.version, state: changed.length === 0 ? "starting" : "reloading", changed });
    const slow = setTimeout(() => {
      events.reloadSlow?.({ changed, ms: performance.now() - begunAt, isServed: this.#isUp });
    }, SLOW_MS).unref();
    try {
      await this.#bringUp(await create(), signal);
      for (const path of changed) this.#changed.delete(path);
      this.#tell({ version: this.#status.version + 1, state: "watching", changed: [] });
      const ms = performance.now() - begunAt;
      if (changed.length > 0) events.reloaded?.({ changed, ms });
    } catch (error) {
      if (signal.aborted) return;
      for (const path of changed) this.#changed.delete(path);
      const failure = toScoreError(error);
      const isServed = this.#isUp;
      if (!isServed) await this.#answerWith(failure);
      if (this.#closed !== undefined) return;
      this.#tell({ version: this.#status.version, state: "failed", changed, failure });
      events.reloadFailed?.({ changed, ms: performance.now() - begunAt, failure, isServed });
    } finally {
      clearTimeout(slow);
    }
  }

  /** Has the version take over. @throws ScoreError; the version has been ended then, unless there is no other */
  async #bringUp(version: Version, signal: AbortSignal): Promise<void> {
    this.#next = version;
    try {
      if (signal.aborted) throw signal.reason;
      await this.#options.onLoading(version.made);
      if (signal.aborted) throw signal.reason;
      if (version.made.config.debugPort !== null) await this.#endCurrent(version);
      // Requests wait, and probes have nobody else to ask.
      if (this.#hall !== undefined && this.#current !== version) this.#replace(version);
      if (signal.aborted) throw signal.reason;
      await unlessAborted(this.#comingUp(version), signal);
      if (signal.aborted) throw signal.reason;
      this.#takeOver(version);
    } catch (error) {
      if (signal.aborted || version !== this.#current) await version.close(0);
      throw error;
    } finally {
      this.#next = undefined;
    }
  }

  /** Resolves when it may take over: with all its workers beside a version that serves, else with the first of them. */
  async #comingUp({ made: { runtime } }: Version): Promise<void> {
    const started = runtime.start();
    // Who waits for it is somebody who waits: where none may, all of it has to be there.
    const first = this.#isUp ? undefined : runtime.whenLoaded?.(0);
    await Promise.race([started, first?.catch(() => started) ?? started]);
  }

  /** The debugger has room for one: requests wait for the next version. */
  async #endCurrent(next: Version): Promise<void> {
    const current = this.#current;
    if (!this.#isUp || current === next) return;
    this.#isUp = false;
    this.#hall ??= new Hall(this.#options);
    await unlessAborted(current.retire(), this.#closing.signal);
  }

  #takeOver(version: Version): void {
    this.#isUp = true;
    this.#cameUpAt = performance.now();
    if (this.#current !== version) this.#replace(version);
    this.#firstUp();
    this.#openHall();
  }

  /** There is no version that could serve: all hear why. */
  async #answerWith(failure: ScoreError): Promise<void> {
    if (this.#current.made.runtime.failure !== failure) {
      const version = this.#version(await this.#options.createFailed(failure));
      // The end may have come meanwhile, and has ended all versions that it knew.
      if (this.#closed !== undefined) return version.close(0);
      this.#replace(version);
    }
    this.#openHall();
  }

  #replace(version: Version): void {
    const former = this.#current;
    this.#current = version;
    this.#former.add(former);
    void former.retire().then(() => this.#former.delete(former));
  }

  #openHall(): void {
    const hall = this.#hall;
    this.#hall = undefined;
    hall?.open();
  }

  #version(made: Made): Version {
    made.runtime.reload = () => this.#members;
    return new Version(made);
  }

  #tell(status: ReloadStatus): void {
    this.#status = status;
    this.#members = { reload: statusMember(status, this.#options.errorDetail) };
  }
}
