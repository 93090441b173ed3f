// The health port as a server of its own (contract ENV-9, RT-9): the main thread's side.
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import {
  type Address,
  type Config,
  type Figures,
  type Log,
  packageFile,
  type ScoreRuntime,
  toScoreError,
} from "../../../src/host.ts";
import { type FromHealth, type ToHealth, toPlainError } from "./messages.ts";
import type { HealthThreadData } from "./thread.ts";

export { maxScoreConnections } from "./descriptors.ts";

/** How often the thread is told the runtime's state when it has changed, and what is measured, in milliseconds: far below
 *  the period of any probe, and next to no work. */
const STATE_PERIOD_MS = 100;

/** Serves the health port from a thread of its own, which answers `/` and the ready path whatever this one is doing. */
export class HealthServer {
  readonly #config: Config;
  readonly #runtime: ScoreRuntime;
  readonly #log: Log;
  readonly #figures: (() => Figures) | undefined;
  #thread: Worker | undefined;
  #told:
    | (Pick<ScoreRuntime, "state" | "initialised" | "failure"> & { readonly reload: unknown; readonly models: unknown })
    | undefined;

  /** @param config its first address of `listen` that is no health port gets what the thread does not answer
   *  @param runtime whose state the thread reports
   *  @param figures what the thread shows as metrics; undefined: they are off */
  constructor(config: Config, runtime: ScoreRuntime, log: Log, figures?: () => Figures) {
    this.#config = config;
    this.#runtime = runtime;
    this.#log = log;
    this.#figures = figures;
  }

  /** @returns where it listens   @throws the listening error */
  listen(address: Address): Promise<{ readonly port: number }> {
    const { workerEnv: _private, ...config } = this.#config;
    const workerData: HealthThreadData = { config, address };
    const thread = new Worker(pathToFileURL(packageFile("dist/adapters/http/health/thread.js")), { workerData });
    this.#thread = thread;
    this.reportState();
    this.#reportFigures();
    const watch = setInterval(() => {
      this.reportState();
      this.#reportFigures();
    }, STATE_PERIOD_MS).unref();
    thread.once("exit", () => clearInterval(watch));
    return new Promise((resolve, reject) => {
      thread.on("message", (message: FromHealth) => {
        if (message.kind === "listening") resolve(message);
        else if (message.kind === "not-listening") reject(listenError(message, address));
        else if (message.kind === "log") this.#log[message.logger][message.level](message.message, message.fields);
      });
      thread.once("error", (error: Error) => {
        // Not started again: a port that refuses connections is how a host learns that something is wrong here.
        this.#log.server.critical(`The thread of health port ${address.port} failed: ${error.stack}\n`);
        reject(error);
      });
    });
  }

  /** Tells the thread the runtime's state, unless it knows. Called when the script has started, too: its first run() may
   *  block this thread before the next tick. */
  reportState(): void {
    const { state, initialised, failure, facts } = this.#runtime;
    const models = facts?.models;
    const reload = this.#runtime.reload?.();
    const told = this.#told;
    const isKnown = state === told?.state && initialised === told.initialised && failure === told.failure;
    if (isKnown && reload === told.reload && models === told.models) return;
    this.#told = { state, initialised, failure, reload, models };
    const plain = failure && toPlainError(toScoreError(failure));
    const record: ToHealth = { kind: "state", state, initialised, failure: plain, reload, models };
    this.#thread?.postMessage(record);
  }

  /** The thread has nothing else to go by while this one is busy. */
  #reportFigures(): void {
    if (this.#figures === undefined) return;
    this.#thread?.postMessage({ kind: "figures", figures: this.#figures() } satisfies ToHealth);
  }

  /** Takes no new connections, lets running requests end (up to `graceMs` milliseconds), then closes. */
  async close(graceMs: number): Promise<void> {
    const thread = this.#thread;
    if (thread === undefined) return;
    const closed = new Promise<void>((resolve) => {
      thread.once("exit", () => resolve());
      thread.on("message", (message: FromHealth) => message.kind === "closed" && resolve());
    });
    thread.postMessage({ kind: "close", graceMs } satisfies ToHealth);
    // A thread that is gone already says nothing any more; threadId tells.
    if (thread.threadId !== -1) await closed;
    await thread.terminate();
  }
}

function listenError(
  { message, code }: Extract<FromHealth, { kind: "not-listening" }>,
  { host, port }: Address,
): Error {
  return Object.assign(new Error(message), { code, address: host, port });
}
