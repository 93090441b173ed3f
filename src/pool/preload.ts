// The preload process (contract PROC-2): loads a Python script and runs its init() once, then forks the workers. A forked
// worker connects back through a unix socket, once for each of its descriptors, and from then on is a worker like any
// other (docs/worker-protocol.md, §8).
import { FrameError, ScoreError, toScoreError } from "../core/errors.ts";
import type { Events } from "../core/events.ts";
import { FrameWriter } from "../protocol/frame.ts";
import { type Failed, type ForkEnded, Frame, type Loaded, parseJson, type StartOptions } from "../protocol/messages.ts";
import { factsOf } from "../protocol/wire-schemas.ts";
import { Fork } from "./fork.ts";
import { ForkListener } from "./fork-listener.ts";
import type { PoolOptions } from "./pool-options.ts";
import { type Launch, type TakeOutput, type WorkerCommand, WorkerProcess } from "./process.ts";
import { recordTeller, type TellRecords } from "./records.ts";

/** So long may the preload process take to fork a worker, and that to connect, in milliseconds. To fork takes well below a
 *  second, however much memory there is to share; a process that is stopped never does. */
const FORK_LIMIT_MS = 30_000;

export interface PreloadOptions {
  readonly command: WorkerCommand;
  readonly start: StartOptions;
  /** A process that has not reported itself after so many milliseconds is killed; 0: never. */
  readonly helloMs: number;
  readonly onOutput?: TakeOutput | undefined;
  /** Takes the place of FORK_LIMIT_MS. */
  readonly forkLimitMs?: number;
}

export interface PreloadEvents {
  /** The script is about to be loaded. */
  onStarting(): void;
  /** init() is done. @param pid of the preload process */
  onReady(pid: number, loaded: Loaded): void;
  /** The script cannot be served. @returns the failure as an error, for every worker that waits */
  onFailed(failed: Failed): ScoreError;
  /** The script has printed or logged. Undefined: nobody wants to know. */
  readonly onRecords?: TellRecords;
  /** It ended after it had been ready; the next worker starts another. */
  onExit(error: ScoreError): void;
}

/** Launches workers by forking them off one process that has loaded the script. That process is started when a worker is
 *  asked for and there is none. */
export class Preload {
  readonly #options: PreloadOptions;
  readonly #events: PreloadEvents;
  /** By number. A number is never used twice, so a worker that comes too late is nobody else. */
  readonly #forks = new Map<number, Fork>();
  #process: WorkerProcess | undefined;
  #writer: FrameWriter | undefined;
  #isReady = false;
  #listening: Promise<ForkListener> | undefined;
  #isClosing = false;
  /** It ends since there is nothing to fork; whoever is asked for meanwhile is forked off the next one. */
  #isResting = false;
  #lastNumber = 0;

  constructor(options: PreloadOptions, events: PreloadEvents) {
    this.#options = options;
    this.#events = events;
  }

  readonly launch: Launch = (events) => {
    const number = ++this.#lastNumber;
    const fork = new Fork(events, {
      onLate: () => this.#process?.kill(`it did not fork a worker within ${this.#forkLimitMs} ms`),
      onEnd: () => this.#forks.delete(number),
    });
    this.#forks.set(number, fork);
    if (this.#isReady) this.#order(number, fork);
    else void this.#begin();
    return fork;
  };

  /** The process that is there now. */
  get process(): WorkerProcess | undefined {
    return this.#process;
  }

  /** Ends the preload process until a worker is asked for. To be called when there is none. */
  rest(): void {
    const { process } = this;
    if (process === undefined || this.#isClosing || this.#isResting) return;
    this.#isResting = true;
    if (this.#isReady) {
      this.#stop();
      void process.ended();
    } else process.kill("no worker is wanted");
    this.#isReady = false;
  }

  #stop(): void {
    this.#writer?.send(Frame.STOP, 0);
    this.#writer?.flush();
  }

  /** Ends the preload process. The workers are ended by whoever had them launched. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#isReady) {
      this.#stop();
    } else {
      this.#process?.kill("the server is stopping");
    }
    await this.#process?.ended();
    const listener = await this.#listening?.catch(() => undefined);
    listener?.close();
  }

  get #forkLimitMs(): number {
    return this.#options.forkLimitMs ?? FORK_LIMIT_MS;
  }

  #order(number: number, fork: Fork): void {
    fork.order(this.#forkLimitMs);
    this.#writer!.send(Frame.FORK, number);
    this.#writer!.flush();
  }

  async #begin(): Promise<void> {
    try {
      this.#listening ??= ForkListener.open(
        (number, role, socket) => this.#forks.get(number)?.connect(role, socket) ?? false,
      );
      const listener = await this.#listening;
      if (this.#isClosing) this.#endAll(new ScoreError("ERR_INTERNAL", "the server is stopping"));
      else if (this.#process === undefined) this.#start(listener);
    } catch (error) {
      // The next worker that is asked for tries again.
      if ((await this.#listening?.catch(() => undefined)) === undefined) this.#listening = undefined;
      this.#endAll(toScoreError(error));
    }
  }

  #start({ path, secret }: ForkListener): void {
    const { command, start, helloMs, onOutput } = this.#options;
    this.#events.onStarting();
    let loaded: Loaded | undefined;
    let failure: ScoreError | undefined;
    const template = new WorkerProcess(command, { ...start, forkSocket: path, forkSecret: secret }, helloMs, {
      onLoaded: (facts) => {
        loaded = facts;
      },
      onReady: () => {
        if (this.#isResting) return;
        this.#isReady = true;
        this.#events.onReady(template.pid!, loaded!);
        for (const [number, fork] of this.#forks) if (!fork.isOrdered) this.#order(number, fork);
      },
      onFailed: (failed) => {
        failure = this.#events.onFailed(failed);
      },
      onFrame: (type, id, payload) => this.#receive(type, id, payload),
      onRecords: this.#events.onRecords,
      onOutput,
      onExit: (error) => {
        const wasReady = this.#isReady;
        const wasResting = this.#isResting;
        this.#process = undefined;
        this.#isReady = false;
        this.#isResting = false;
        if (wasResting && !this.#isClosing) {
          if (this.#forks.size > 0) void this.#begin();
          return;
        }
        if (wasReady && !this.#isClosing) this.#events.onExit(error);
        this.#endAll(failure ?? error);
      },
    });
    this.#process = template;
    this.#writer = new FrameWriter((buffers) => template.write(buffers), setImmediate);
  }

  /** One that has been given up meanwhile is unknown here.  @throws FrameError */
  #receive(type: number, id: number, payload: Buffer): void {
    const fork = this.#forks.get(id);
    if (type === Frame.FORKED) {
      fork?.forked(parseJson<{ pid: unknown }>(payload).pid);
    } else if (type === Frame.FORK_ENDED) {
      const { error, code, signal } = parseJson<ForkEnded>(payload);
      fork?.exit(
        error === undefined
          ? { code, signal }
          : new ScoreError("ERR_INTERNAL", `no worker can be forked: ${String(error)}`),
      );
    } else {
      throw new FrameError("ERR_FRAME", `the preload process sent frame type ${type}`);
    }
  }

  #endAll(error: ScoreError): void {
    for (const fork of [...this.#forks.values()]) fork.orphan(error);
  }
}

/** The preload process of a pool. What is said of the script's start is said of it, once (contract PROC-2, BAN-8).
 *  @param report writes what it said of its failure */
export function createPreload(
  { command, workerTimeoutMs, onOutput }: Pick<PoolOptions, "command" | "workerTimeoutMs" | "onOutput">,
  start: StartOptions,
  events: Events,
  report: (failed: Failed) => ScoreError,
): Preload {
  return new Preload(
    { command, start, helloMs: workerTimeoutMs, onOutput },
    {
      onStarting: () => events.scriptStarting?.(undefined),
      onReady: (pid, loaded) => events.scriptReady?.({ pid, facts: factsOf(loaded) }),
      onFailed: report,
      onRecords: recordTeller(events),
      onExit: (exit) => events.preloadEnded?.({ exit }),
    },
  );
}
