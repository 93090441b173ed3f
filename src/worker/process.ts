import { spawn } from "node:child_process";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { FrameError, ScoreError, toScoreError, WorkerExitError } from "../errors.ts";
import { locateFault } from "../locate/python.ts";
import { packageFile } from "../package-root.ts";
import { timerMs } from "../timer.ts";
import type { ErrorReport } from "../types.ts";
import { FrameReader, FrameWriter, writeBuffers } from "./frame.ts";
import {
  type Failed,
  Frame,
  jsonPayload,
  type Loaded,
  PROTOCOL_VERSION,
  parseJson,
  type StartOptions,
  type WorkerHello,
} from "./protocol.ts";
import type { WorkerLink } from "./worker.ts";

/** How to start the worker process of one script language. */
export interface WorkerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Sent after an INTERRUPT or RECALL frame to a worker that cannot read while its script runs. */
  readonly nudgeSignal: NodeJS.Signals | null;
  /** Turns a failed start of the program itself into an error that names the cure. */
  readonly onMissing: (cause: Error) => ScoreError;
}

/** How a process ended: of itself, by a signal, or not even started. */
export type Exit = { readonly code: number | null; readonly signal: string | null } | Error;

/** What whoever launches a process tells of it. */
export interface LaunchEvents {
  /** Called at most once, maybe before the launch returns. */
  onPipes(pipes: { toWorker: Socket; fromWorker: Socket; lifeline: Socket }): void;
  /** Called once. */
  onExit(exit: Exit): void;
}

export interface LaunchedProcess {
  readonly pid: number | undefined;
  kill(signal: NodeJS.Signals): void;
}

/** Brings a process into being: by starting a program, or by having another process forked (`preload.ts`). */
export type Launch = (events: LaunchEvents) => LaunchedProcess;

export interface ProcessEvents {
  onLoaded(loaded: Loaded): void;
  onReady(): void;
  /** The script cannot be served; the process ends by itself. */
  onFailed(failed: Failed): void;
  /** A frame of the running script. @throws FrameError when it makes no sense */
  onFrame(type: number, id: number, payload: Buffer): void;
  /** Called once, after the last frame. */
  onExit(error: ScoreError): void;
}

/** After the process has ended its pipes are read for at most so many milliseconds: what it started may hold them. */
const PIPE_DRAIN_MS = 200;

/** Between STOP and SIGKILL, in milliseconds, for a worker that has nothing left to do. */
const STOP_WAIT_MS = 2_000;

/** The fault handler's text is kept up to this many characters; a dump of many threads is longer than anyone reads. */
const MAX_FAULT_CHARS = 65_536;

/** One worker process: starts it, shakes hands, carries bytes, and says how it ended. */
export class WorkerProcess implements WorkerLink {
  readonly #child: LaunchedProcess;
  readonly #command: WorkerCommand;
  readonly #events: ProcessEvents;
  readonly #start: StartOptions;
  readonly #exited: Promise<void>;
  readonly #reader: FrameReader;
  #toWorker: Socket | undefined;
  #pipe: Socket | undefined;
  #faults: Readable | undefined;
  #faultText = "";
  #helloTimer: NodeJS.Timeout | undefined;
  #ready = false;
  /** Why we ended it ourselves. */
  #killReason: string | undefined;
  #error: ScoreError | undefined;

  /** @param helloMs so long may it take to report itself, in milliseconds; 0: any time
   *  @param launch default: the command is started */
  constructor(
    command: WorkerCommand,
    start: StartOptions,
    helloMs: number,
    events: ProcessEvents,
    launch: Launch = (launchEvents) => spawnCommand(command, launchEvents),
  ) {
    this.#command = command;
    this.#start = start;
    this.#events = events;
    this.#reader = new FrameReader((type, id, payload) => this.#receive(type, id, payload));
    let ended = (): void => {};
    this.#exited = new Promise((resolve) => {
      ended = resolve;
    });
    this.#child = launch({
      onPipes: ({ toWorker, fromWorker, lifeline }) => this.#connect(toWorker, fromWorker, lifeline, helloMs),
      onExit: (exit) => void this.#finish(exit).then(ended),
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.#toWorker?.writable) writeBuffers(this.#toWorker, buffers);
  }

  nudge(): void {
    if (this.#command.nudgeSignal !== null) this.#child.kill(this.#command.nudgeSignal);
  }

  kill(reason = "its run() did not come back after its deadline"): void {
    this.#killReason ??= reason;
    this.#child.kill("SIGKILL");
  }

  /** Waits for a worker that was told to stop; kills it when it does not. */
  async ended(): Promise<void> {
    const timer = setTimeout(() => this.kill("it did not stop when asked to"), STOP_WAIT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #connect(toWorker: Socket, pipe: Socket, faults: Socket, helloMs: number): void {
    this.#toWorker = toWorker;
    this.#pipe = pipe;
    this.#faults = faults;
    toWorker.on("error", () => {});
    toWorker.resume();
    pipe.on("data", (chunk: Buffer) => this.#feed(chunk));
    // A broken pipe shows as the end of the process, which is where it is dealt with.
    pipe.on("error", () => {});
    faults.on("data", (chunk: Buffer) => {
      if (this.#faultText.length < MAX_FAULT_CHARS) this.#faultText += chunk.toString("utf8");
      process.stderr.write(chunk);
    });
    faults.on("error", () => {});
    const hello = new FrameWriter((buffers) => this.write(buffers), setImmediate);
    hello.send(Frame.HELLO, 0, jsonPayload(this.#start));
    hello.flush();
    if (helloMs > 0) {
      this.#helloTimer = setTimeout(() => this.kill(`it did not report itself within ${helloMs} ms`), timerMs(helloMs));
    }
  }

  #feed(chunk: Buffer): void {
    try {
      this.#reader.feed(chunk);
    } catch (error) {
      this.#error ??= toScoreError(error);
      this.#pipe?.removeAllListeners("data").resume();
      this.kill("it broke the worker protocol");
    }
  }

  #receive(type: number, id: number, payload: Buffer): void {
    if (this.#ready) {
      this.#events.onFrame(type, id, payload);
      return;
    }
    switch (type) {
      case Frame.WORKER_HELLO:
        clearTimeout(this.#helloTimer);
        checkVersion(parseJson<WorkerHello>(payload));
        return;
      case Frame.LOADED:
        this.#events.onLoaded(parseJson<Loaded>(payload));
        return;
      case Frame.READY:
        this.#ready = true;
        this.#events.onReady();
        return;
      case Frame.FAILED:
        this.#events.onFailed(parseJson<Failed>(payload));
        return;
      default:
        throw new FrameError("ERR_FRAME", `a worker sent frame type ${type} before it was ready`);
    }
  }

  async #finish(exit: Exit): Promise<void> {
    clearTimeout(this.#helloTimer);
    await Promise.race([
      Promise.all([closed(this.#pipe), closed(this.#faults)]),
      new Promise((resolve) => setTimeout(resolve, PIPE_DRAIN_MS)),
    ]);
    this.#toWorker?.destroy();
    this.#pipe?.destroy();
    this.#faults?.destroy();
    this.#events.onExit(this.#describe(exit));
  }

  #describe(how: Exit): ScoreError {
    if (how instanceof ScoreError) return how;
    if (how instanceof Error) return this.#command.onMissing(how);
    if (this.#error !== undefined) return this.#error;
    const code = how.code === null ? "has ended" : `exited with code ${how.code}`;
    const end = how.signal === null ? code : `was killed by ${how.signal}`;
    const reason = this.#killReason === undefined ? "" : ` because ${this.#killReason}`;
    const message = `worker process ${this.pid} ${end}${reason}`;
    const fault = this.#faultText.trim();
    const location = locateFault(fault, { ...this.#start, workerRoot: packageFile("python") });
    const report: ErrorReport = {
      type: "WorkerExitError",
      message,
      traceback: fault === "" ? message : `${fault}\n${message}`,
      location,
    };
    return new WorkerExitError("ERR_WORKER_EXIT", message, { report });
  }
}

function spawnCommand({ file, args, env }: WorkerCommand, events: LaunchEvents): LaunchedProcess {
  const child = spawn(file, args, { env, stdio: ["ignore", "inherit", "inherit", "pipe", "pipe", "pipe"] });
  child.once("exit", (code, signal) => events.onExit({ code, signal }));
  child.once("error", (error) => events.onExit(error));
  const [, , , toWorker, fromWorker, lifeline] = child.stdio as unknown as Socket[];
  events.onPipes({ toWorker: toWorker!, fromWorker: fromWorker!, lifeline: lifeline! });
  return child as LaunchedProcess;
}

function checkVersion({ protocol, runtime }: WorkerHello): void {
  if (protocol === PROTOCOL_VERSION) return;
  throw new FrameError(
    "ERR_PROTOCOL_VERSION",
    `the server speaks worker protocol ${PROTOCOL_VERSION}, the worker (${runtime}) ${protocol}; reinstall scorefn`,
  );
}

function closed(stream: Readable | undefined): Promise<void> {
  return stream === undefined || stream.destroyed
    ? Promise.resolve()
    : new Promise((resolve) => stream.once("close", () => resolve()));
}
