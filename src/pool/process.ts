import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { FrameError, ScoreError, toScoreError, WorkerExitError } from "../core/errors.ts";
import { packageFile } from "../core/package-root.ts";
import { timerMs } from "../core/timer.ts";
import type { ErrorReport } from "../core/types.ts";
import { locateFault } from "../locate/python.ts";
import { FrameReader, FrameWriter, writeBuffers } from "../protocol/frame.ts";
import {
  type Failed,
  Frame,
  jsonPayload,
  type Loaded,
  PROTOCOL_VERSION,
  parseJson,
  type Ready,
  type StartOptions,
  type WorkerHello,
} from "../protocol/messages.ts";
import { readFailed, readLoaded, readReady } from "./answer.ts";
import { Children } from "./children.ts";
import { openOutputPipes } from "./output-pipe.ts";
import { readRecords, type TellRecords } from "./records.ts";
import { workerFolder } from "./start-folder.ts";
import type { WorkerLink } from "./worker-link.ts";

/** How to start the worker process of one script language. */
export interface WorkerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where it is started. Default: where this process was. */
  readonly folder?: string | undefined;
  /** Sent after an INTERRUPT or RECALL frame to a worker that cannot read while its script runs. */
  readonly nudgeSignal: NodeJS.Signals | null;
  /** Turns a failed start of the program itself into an error that names the cure. */
  readonly onMissing: (cause: Error) => ScoreError;
  /** Gets what the worker says of its program, each time one has started. */
  readonly onRuntime?: (runtime: string) => void;
  /** What an exit code of the program itself means, for codes that say more than that it has ended. */
  readonly onExitCode?: (code: number) => ScoreError | undefined;
}

/** How a process ended: of itself, by a signal, or not even started. */
export type Exit = { readonly code: number | null; readonly signal: string | null } | Error;

/** The front's ends of a worker's descriptors 3, 4 and 5. */
export interface WorkerPipes {
  readonly toWorker: Socket;
  readonly fromWorker: Socket;
  /** Never written to; text of the interpreter's fault handler comes out of it. */
  readonly lifeline: Socket;
}

/** What whoever launches a process tells of it. */
export interface LaunchEvents {
  /** Called at most once, maybe before the launch returns. */
  onPipes(pipes: WorkerPipes): void;
  /** Called once, never before the launch returns. */
  onExit(exit: Exit): void;
}

export interface LaunchedProcess {
  readonly pid: number | undefined;
  /** What is to end with it. */
  readonly children?: Children;
  kill(signal: NodeJS.Signals): void;
}

/** Brings a process into being: by starting a program, or by having another process forked (`preload.ts`). */
export type Launch = (events: LaunchEvents) => LaunchedProcess;

/** Is handed each stream that a worker and what it starts write to, and has to read it to its end. */
export type TakeOutput = (stream: Readable) => void;

export interface ProcessEvents {
  onLoaded(loaded: Loaded): void;
  onReady(ready: Ready): void;
  /** The script cannot be served; the process ends by itself. */
  onFailed(failed: Failed): void;
  /** A frame of the running script. @throws FrameError when it makes no sense */
  onFrame(type: number, id: number, payload: Buffer): void;
  /** The script has printed or logged. Undefined: the process was not asked to tell. */
  readonly onRecords?: TellRecords;
  /** Undefined: what the process writes goes where this one writes. */
  readonly onOutput?: TakeOutput | undefined;
  /** Called once, after the last frame. */
  onExit(error: ScoreError): void;
}

/** A process whose pipe has closed ends by itself within so many milliseconds, or is killed: it lives on, but nobody can
 *  reach it any more. */
const CLOSED_GRACE_MS = 1_000;

/** What a dead process has written is read for at most so many milliseconds: what it started may hold the pipe, and write. */
const DRAIN_LIMIT_MS = 1_000;

/** Between STOP and SIGKILL, in milliseconds, for a worker that has nothing left to do. */
const STOP_WAIT_MS = 2_000;

/** Errors of a start that say nothing about the program. */
const NO_ROOM: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "EAGAIN", "ENOMEM"]);

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
  #pipes: WorkerPipes | undefined;
  #bytesRead = 0;
  #faultText = "";
  #helloTimer: NodeJS.Timeout | undefined;
  #closedTimer: NodeJS.Timeout | undefined;
  #hasEnded = false;
  #stage: "hello" | "load" | "init" | "ready" = "hello";
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
    launch: Launch = (launchEvents) => spawnCommand(command, launchEvents, events.onOutput),
  ) {
    this.#command = command;
    this.#start = start;
    this.#events = events;
    this.#reader = new FrameReader((type, id, payload, beginBy) => this.#receive(type, id, payload, beginBy));
    let ended = (): void => {};
    this.#exited = new Promise((resolve) => {
      ended = resolve;
    });
    this.#child = launch({
      onPipes: (pipes) => this.#connect(pipes, helloMs),
      onExit: (exit) => void this.#finish(exit).then(ended),
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.#pipes?.toWorker.writable) writeBuffers(this.#pipes.toWorker, buffers);
  }

  nudge(): void {
    if (this.#command.nudgeSignal !== null) this.#child.kill(this.#command.nudgeSignal);
  }

  kill(reason = "its run() did not come back after its deadline"): void {
    this.#killReason ??= reason;
    this.noteChildren(true);
    this.#child.kill("SIGKILL");
  }

  /** Notes what is to end with this process when it is killed. Below a preload process are workers, which go on. */
  noteChildren(thoroughly = false): void {
    if (this.pid !== undefined && this.#start.forkSocket === undefined)
      this.#child.children?.note(this.pid, thoroughly);
  }

  /** Waits for a worker that was told to stop; kills it when it does not. */
  async ended(): Promise<void> {
    const timer = setTimeout(() => this.kill("it did not stop when asked to"), STOP_WAIT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #connect(pipes: WorkerPipes, helloMs: number): void {
    this.#pipes = pipes;
    const { toWorker, fromWorker, lifeline } = pipes;
    fromWorker.on("data", this.#feed);
    lifeline.on("data", (chunk: Buffer) => {
      if (this.#faultText.length < MAX_FAULT_CHARS) this.#faultText += chunk.toString("utf8");
      if (this.#events.onOutput === undefined) process.stderr.write(chunk);
    });
    this.#events.onOutput?.(lifeline);
    // Nothing comes out of it, but only a socket that is read notices that it was closed.
    toWorker.resume();
    for (const pipe of [toWorker, fromWorker, lifeline]) {
      // A broken pipe shows as closed.
      pipe.on("error", () => {});
      pipe.once("close", () => this.#closed());
    }
    const hello = new FrameWriter((buffers) => this.write(buffers), setImmediate);
    hello.send(Frame.HELLO, 0, jsonPayload(this.#start));
    hello.flush();
    if (helloMs > 0) {
      this.#helloTimer = setTimeout(() => this.kill(`it did not report itself within ${helloMs} ms`), timerMs(helloMs));
    }
  }

  #closed(): void {
    if (this.#hasEnded) return;
    this.#closedTimer ??= setTimeout(() => this.kill("it had closed its pipe and lived on"), CLOSED_GRACE_MS);
  }

  readonly #feed = (chunk: Buffer): void => {
    this.#bytesRead += chunk.length;
    try {
      this.#reader.feed(chunk);
    } catch (error) {
      this.#error ??= toScoreError(error);
      this.#pipes?.fromWorker.off("data", this.#feed).resume();
      this.kill("it broke the worker protocol");
    }
  };

  #receive(type: number, id: number, payload: Buffer, beginBy: number): void {
    if (beginBy !== 0) throw new FrameError("ERR_FRAME", `a worker sent frame type ${type} with a time in its head`);
    const { onRecords } = this.#events;
    if (type === Frame.RECORDS && onRecords !== undefined && this.#stage !== "hello") {
      onRecords(this.pid!, readRecords(id, payload));
      return;
    }
    if (this.#stage === "ready") {
      this.#events.onFrame(type, id, payload);
      return;
    }
    if (type === Frame.FAILED && this.#stage !== "hello") {
      this.#events.onFailed(readFailed(payload));
    } else if (type === Frame.WORKER_HELLO && this.#stage === "hello") {
      clearTimeout(this.#helloTimer);
      const hello = parseJson<WorkerHello>(payload);
      checkVersion(hello);
      this.#command.onRuntime?.(hello.runtime);
      this.#stage = "load";
    } else if (type === Frame.LOADED && this.#stage === "load") {
      this.#stage = "init";
      this.#events.onLoaded(readLoaded(payload));
    } else if (type === Frame.READY && this.#stage === "init") {
      this.#stage = "ready";
      this.#events.onReady(readReady(payload));
    } else throw new FrameError("ERR_FRAME", `a worker sent frame type ${type} before it was ready`);
  }

  async #finish(exit: Exit): Promise<void> {
    this.#hasEnded = true;
    clearTimeout(this.#helloTimer);
    clearTimeout(this.#closedTimer);
    if (!(exit instanceof Error) && exit.signal !== null) this.#child.children?.end();
    await this.#readRest();
    for (const pipe of Object.values(this.#pipes ?? {}) as Socket[]) pipe.destroy();
    this.#events.onExit(this.#describe(exit));
  }

  /** All that a dead process wrote lies in the pipe: it has been read when a whole turn of the event loop brings nothing. */
  async #readRest(): Promise<void> {
    const endAt = performance.now() + DRAIN_LIMIT_MS;
    let before: number;
    do {
      before = this.#bytesRead;
      // The rest of this turn, and one more: the first may be past the reading of pipes.
      for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    } while (this.#bytesRead !== before && performance.now() < endAt);
  }

  /** The program is missing, or there is no room for a process: then it is worth trying again. */
  #describeNoStart(cause: NodeJS.ErrnoException): ScoreError {
    if (!NO_ROOM.has(cause.code ?? "")) return this.#command.onMissing(cause);
    const message = `cannot start a worker: ${cause.message}; give the server more open files, processes or memory`;
    return new ScoreError("ERR_WORKER_START", message, { cause });
  }

  #describe(how: Exit): ScoreError {
    if (how instanceof ScoreError) return how;
    if (how instanceof Error) return this.#describeNoStart(how);
    if (this.#error !== undefined) return this.#error;
    const told = how.code === null ? undefined : this.#command.onExitCode?.(how.code);
    if (told !== undefined) return told;
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

function spawnCommand(
  { file, args, env, folder }: WorkerCommand,
  events: LaunchEvents,
  onOutput: TakeOutput | undefined,
): LaunchedProcess {
  let ended = false;
  const end = (exit: Exit): void => {
    if (!ended) events.onExit(exit);
    ended = true;
  };
  const pipes = (onOutput && openOutputPipes(["stdout", "stderr"])) ?? [];
  const [out, err] = pipes;
  const other = onOutput === undefined ? "inherit" : "pipe";
  const stdio: StdioOptions = ["ignore", out?.writeFd ?? other, err?.writeFd ?? other, "pipe", "pipe", "pipe"];
  let child: ChildProcess;
  try {
    child = spawn(file, args, { cwd: workerFolder(folder), env, stdio });
  } finally {
    for (const { writeFd } of pipes) closeSync(writeFd);
  }
  child.once("exit", (code, signal) => end({ code, signal }));
  // Also told when a signal cannot be sent, which ends nothing.
  child.on("error", (error) => child.pid === undefined && end(error));
  // Without descriptors left there are none of these.
  const [, stdout, stderr, toWorker, fromWorker, lifeline] = (child.stdio as unknown as Socket[] | undefined) ?? [];
  for (const output of [out?.reader ?? stdout, err?.reader ?? stderr]) {
    // What a worker has started may live on and hold it.
    if (output) onOutput?.(output.unref());
  }
  if (toWorker && fromWorker && lifeline) {
    events.onPipes({ toWorker, fromWorker, lifeline });
  }
  return Object.assign(child, { children: new Children() }) as LaunchedProcess;
}

function checkVersion({ protocol, runtime }: WorkerHello): void {
  if (protocol === PROTOCOL_VERSION) return;
  throw new FrameError(
    "ERR_PROTOCOL_VERSION",
    `the server speaks worker protocol ${PROTOCOL_VERSION}, the worker (${runtime}) ${protocol}; reinstall scorefn`,
  );
}
