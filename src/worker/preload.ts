// The preload process (contract PROC-2): loads a Python script and runs its init() once, then forks the workers. A forked
// worker connects back through a unix socket, once for its pipe and once for its fault handler's text, and from then on
// is a worker like any other (docs/worker-protocol.md, §8).
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ScoreError, toScoreError } from "../errors.ts";
import { FrameWriter } from "./frame.ts";
import { type Exit, type Launch, type LaunchEvents, type WorkerCommand, WorkerProcess } from "./process.ts";
import { type Failed, type ForkEnded, Frame, type Loaded, parseJson, type StartOptions } from "./protocol.ts";

/** What a connection of a forked worker begins with: number of the fork, role of the connection; 4 bytes each. */
const PREAMBLE_BYTES = 8;
const ROLES = { 0: "toWorker", 1: "fromWorker", 2: "lifeline" } as const;

export interface PreloadOptions {
  readonly command: WorkerCommand;
  readonly start: StartOptions;
  /** A process that has not reported itself after so many milliseconds is killed; 0: never. */
  readonly helloMs: number;
}

export interface PreloadEvents {
  /** The script is about to be loaded. */
  onStarting(): void;
  /** init() is done. @param pid of the preload process */
  onReady(pid: number, loaded: Loaded): void;
  /** The script cannot be served. @returns the failure as an error, for every worker that waits */
  onFailed(failed: Failed): ScoreError;
  /** It ended after it had been ready; the next worker starts another. */
  onExit(error: ScoreError): void;
}

/** Launches workers by forking them off one process that has loaded the script. That process is started when a worker is
 *  asked for and there is none. */
export class Preload {
  readonly #options: PreloadOptions;
  readonly #events: PreloadEvents;
  readonly #forks = new Map<number, Fork>();
  #process: WorkerProcess | undefined;
  #writer: FrameWriter | undefined;
  #isReady = false;
  #listening: Promise<string> | undefined;
  #server: Server | undefined;
  #folder: string | undefined;
  #isClosing = false;
  #lastNumber = 0;

  constructor(options: PreloadOptions, events: PreloadEvents) {
    this.#options = options;
    this.#events = events;
  }

  readonly launch: Launch = (events) => {
    const number = ++this.#lastNumber;
    const fork = new Fork(events, () => this.#forks.delete(number));
    this.#forks.set(number, fork);
    if (this.#isReady) this.#order(number, fork);
    else void this.#begin();
    return fork;
  };

  /** Ends the preload process. The workers are ended by whoever had them launched. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#isReady) {
      this.#writer?.send(Frame.STOP, 0);
      this.#writer?.flush();
    } else {
      this.#process?.kill("the server is stopping");
    }
    await this.#process?.ended();
    this.#server?.close();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  #order(number: number, fork: Fork): void {
    fork.isOrdered = true;
    this.#writer!.send(Frame.FORK, number);
    this.#writer!.flush();
  }

  async #begin(): Promise<void> {
    try {
      this.#listening ??= this.#listen();
      const forkSocket = await this.#listening;
      if (this.#process === undefined && !this.#isClosing) this.#start(forkSocket);
    } catch (error) {
      this.#listening = undefined;
      this.#endAll(toScoreError(error));
    }
  }

  #start(forkSocket: string): void {
    const { command, start, helloMs } = this.#options;
    this.#events.onStarting();
    let loaded: Loaded | undefined;
    let failure: ScoreError | undefined;
    const template = new WorkerProcess(command, { ...start, forkSocket }, helloMs, {
      onLoaded: (facts) => {
        loaded = facts;
      },
      onReady: () => {
        this.#isReady = true;
        this.#events.onReady(template.pid!, loaded!);
        for (const [number, fork] of this.#forks) if (!fork.isOrdered) this.#order(number, fork);
      },
      onFailed: (failed) => {
        failure = this.#events.onFailed(failed);
      },
      onFrame: (type, id, payload) => this.#receive(type, id, payload),
      onExit: (error) => {
        const wasReady = this.#isReady;
        this.#process = undefined;
        this.#isReady = false;
        if (wasReady && !this.#isClosing) this.#events.onExit(error);
        this.#endAll(failure ?? error);
      },
    });
    this.#process = template;
    this.#writer = new FrameWriter((buffers) => template.write(buffers), setImmediate);
  }

  #receive(type: number, id: number, payload: Buffer): void {
    const fork = this.#forks.get(id);
    if (type === Frame.FORKED) fork?.forked(parseJson<{ pid: number }>(payload).pid);
    if (type !== Frame.FORK_ENDED) return;
    const { error, ...how } = parseJson<ForkEnded>(payload);
    fork?.exit(error === undefined ? how : new ScoreError("ERR_INTERNAL", `no worker can be forked: ${error}`));
  }

  /** Nobody is left to say how the workers end: those that are connected end with their pipe, the others now. */
  #endAll(error: ScoreError): void {
    for (const fork of this.#forks.values()) fork.orphan(error);
  }

  #listen(): Promise<string> {
    // Nobody else can look into the folder, so nobody else can connect.
    this.#folder = mkdtempSync(join(tmpdir(), "scorefn-"));
    const path = join(this.#folder, "fork");
    this.#server = createServer((socket) => this.#accept(socket));
    return new Promise((resolve, reject) => {
      this.#server!.once("error", reject).listen(path, () => resolve(path));
    });
  }

  #accept(socket: Socket): void {
    socket.on("error", () => {});
    const read = (): void => {
      const preamble: Buffer | null = socket.read(PREAMBLE_BYTES);
      if (preamble === null) return;
      socket.off("readable", read);
      const fork = this.#forks.get(preamble.readUInt32LE(0));
      const role = ROLES[preamble.readUInt32LE(4) as keyof typeof ROLES];
      if (fork === undefined || role === undefined) socket.destroy();
      else fork.connect(role, socket);
    };
    socket.on("readable", read);
  }
}

/** One worker that is to be, or has been, forked. */
class Fork {
  pid: number | undefined;
  /** True when the preload process has been told to fork it. */
  isOrdered = false;
  readonly #events: LaunchEvents;
  readonly #onEnd: () => void;
  #sockets: { toWorker?: Socket; fromWorker?: Socket; lifeline?: Socket } = {};
  #killSignal: NodeJS.Signals | undefined;
  #ended = false;

  constructor(events: LaunchEvents, onEnd: () => void) {
    this.#events = events;
    this.#onEnd = onEnd;
  }

  forked(pid: number): void {
    this.pid = pid;
    if (this.#killSignal !== undefined) this.kill(this.#killSignal);
  }

  connect(role: "toWorker" | "fromWorker" | "lifeline", socket: Socket): void {
    this.#sockets = { ...this.#sockets, [role]: socket };
    const { toWorker, fromWorker, lifeline } = this.#sockets;
    if (toWorker && fromWorker && lifeline) this.#events.onPipes({ toWorker, fromWorker, lifeline });
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#ended) return;
    if (this.pid === undefined) {
      this.#killSignal = signal;
      if (!this.isOrdered) this.exit({ code: null, signal });
      return;
    }
    try {
      process.kill(this.pid, signal);
    } catch {
      // It has ended, and its end is on the way.
    }
  }

  exit(exit: Exit): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    this.#events.onExit(exit);
  }

  orphan(error: ScoreError): void {
    const { fromWorker: pipe } = this.#sockets;
    if (pipe === undefined || pipe.destroyed) this.exit(pipe === undefined ? error : { code: null, signal: null });
    else pipe.once("close", () => this.exit({ code: null, signal: null }));
  }
}
