import type { Socket } from "node:net";
import { FrameError, type ScoreError } from "../core/errors.ts";
import { Children } from "./children.ts";
import { statOf } from "./proc-stat.ts";
import type { Exit, LaunchEvents, LaunchedProcess } from "./process.ts";

/** Roles of the three connections of a forked worker. */
const TO_WORKER = 0;
const FROM_WORKER = 1;
const LIFELINE = 2;
const ROLES = 3;

/** So long may the preload process take to say how a worker has ended whose lifeline has closed, in milliseconds. A preload
 *  process that is stopped never does. */
const END_LIMIT_MS = 2_000;

export interface ForkEvents {
  /** The preload process has not forked it in time. */
  onLate(): void;
  onEnd(): void;
}

/** One worker that is to be, or has been, forked off the preload process. */
export class Fork implements LaunchedProcess {
  pid: number | undefined;
  readonly children: Children = new Children();
  readonly #launch: LaunchEvents;
  readonly #events: ForkEvents;
  readonly #sockets = new Map<number, Socket>();
  #startedAt: string | undefined;
  #isOrdered = false;
  /** Its sockets are in the hands of whoever had it launched. */
  #isHandedOver = false;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(launch: LaunchEvents, events: ForkEvents) {
    this.#launch = launch;
    this.#events = events;
  }

  /** True when the preload process has been told to fork it. */
  get isOrdered(): boolean {
    return this.#isOrdered;
  }

  /** @param limitMs for the fork, and again for its connections */
  order(limitMs: number): void {
    this.#isOrdered = true;
    this.#timer = setTimeout(() => {
      if (this.pid === undefined) this.#events.onLate();
      else this.kill("SIGKILL");
    }, limitMs);
  }

  /** @throws FrameError when that is not the id of a process that can be ours */
  forked(pid: unknown): void {
    if (!Number.isSafeInteger(pid) || (pid as number) <= 1 || this.pid !== undefined) {
      throw new FrameError("ERR_FRAME", `the preload process says that it has forked process ${String(pid)}`);
    }
    this.pid = pid as number;
    this.#startedAt = statOf(this.pid)?.startedAt;
    this.#timer?.refresh();
    this.#handOver();
  }

  /** @returns false when this connection is not awaited */
  connect(role: number, socket: Socket): boolean {
    if (!this.#isOrdered || role >= ROLES || this.#sockets.has(role)) return false;
    this.#sockets.set(role, socket);
    this.#handOver();
    return true;
  }

  /** A worker may connect before the preload process has come to say which one it is. Until then it gets no requests: it
   *  would have to be given up, with all that it runs, if the preload process ended now. */
  #handOver(): void {
    if (this.pid === undefined || this.#sockets.size < ROLES) return;
    this.#isHandedOver = true;
    clearTimeout(this.#timer);
    this.#sockets.get(LIFELINE)!.once("close", () => {
      if (!this.#ended) this.#timer = setTimeout(() => this.#endUntold(), END_LIMIT_MS);
    });
    const [toWorker, fromWorker, lifeline] = [TO_WORKER, FROM_WORKER, LIFELINE].map((at) => this.#sockets.get(at)!);
    this.#launch.onPipes({ toWorker: toWorker!, fromWorker: fromWorker!, lifeline: lifeline! });
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#ended) return;
    if (this.pid === undefined) {
      // Nobody knows it yet; when it connects, nobody awaits it, and it ends.
      if (signal === "SIGKILL") this.#drop({ code: null, signal });
      return;
    }
    // Whoever waits for it may be quicker than we hear of its end, and its id is free then.
    if (statOf(this.pid)?.startedAt !== this.#startedAt) return;
    try {
      process.kill(this.pid, signal);
    } catch {
      // It has ended, and its end is on the way.
    }
  }

  exit(exit: Exit): void {
    if (this.#ended) return;
    if (!this.#isHandedOver) this.#drop(exit);
    else this.#end(exit);
  }

  /** The preload process has ended, and nobody is left to say how this one ends. One that works goes on, and its lifeline
   *  tells. The others are given up. */
  orphan(error: ScoreError): void {
    if (!this.#isHandedOver) {
      if (this.pid !== undefined) this.kill("SIGKILL");
      this.#drop(error);
      return;
    }
    const lifeline = this.#sockets.get(LIFELINE)!;
    if (lifeline.destroyed) this.#endUntold();
    else lifeline.once("close", () => this.#endUntold());
  }

  /** Its lifeline has closed, and nobody says how it has ended. */
  #endUntold(): void {
    // It may have closed its descriptors and live on.
    this.kill("SIGKILL");
    this.#end({ code: null, signal: null });
  }

  /** Its sockets are closed, which ends it; one that has all three is left to whoever reads them. */
  #drop(exit: Exit): void {
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#end(exit);
  }

  #end(exit: Exit): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#events.onEnd();
    this.#launch.onExit(exit);
  }
}
