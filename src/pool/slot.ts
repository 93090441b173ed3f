import type { ScoreError } from "../core/errors.ts";
import type { RuntimeLoad, RuntimeState, SilentWorker, WorkerState } from "../core/types.ts";
import type { Loaded } from "../protocol/messages.ts";
import type { WorkerProcess } from "./process.ts";
import type { WaitingRoom } from "./queue.ts";
import type { Worker } from "./worker.ts";

/** First pause before a worker that died without answering anything is started again, in milliseconds; it doubles. */
const RESTART_MIN_MS = 100;
const RESTART_MAX_MS = 30_000;

/** A worker that lived for so many milliseconds was in good health, whether or not it was asked anything. */
const HEALTHY_MS = 10_000;

/** How often a first start is tried anew when the process dies without saying why: it may have been killed from outside. */
const FIRST_START_RETRIES = 2;

/** One place for a worker: the process that fills it now, and how its predecessors fared. There is never more than one. */
export class Slot {
  process: WorkerProcess | undefined;
  /** The process once it is ready. */
  worker: Worker | undefined;
  facts: Loaded | undefined;
  /** What the process said of its failure before it ended. */
  reported: ScoreError | undefined;
  /** Why its first start is not tried again by itself, and how the process ended. */
  firstFailure: ScoreError | undefined;
  firstExit: ScoreError | undefined;
  /** True once the pool is to have one worker fewer: nothing new comes here, and the place goes with its process. */
  isRetired = false;
  /** True once a process of this place has been ready. */
  hasServed = false;
  restartTimer: NodeJS.Timeout | undefined;
  /** Deaths in a row of processes that were in no good health. */
  deaths = 0;
  /** When its process was started, on the clock of `performance.now()`. */
  startedAt = 0;
  #readyAt = 0;

  ready(worker: Worker): void {
    this.worker = worker;
    this.hasServed = true;
    this.firstFailure = undefined;
    this.#readyAt = performance.now();
  }

  /** The process has ended. @returns what it was; `hadWork`: it did not end because nothing was left to do */
  clear(): { worker: Worker | undefined; hadWork: boolean; reported: ScoreError | undefined } {
    const { worker, reported } = this;
    const hadWork = worker !== undefined && worker.unanswered > 0;
    this.process = undefined;
    this.worker = undefined;
    this.facts = undefined;
    this.reported = undefined;
    const wasHealthy = worker !== undefined && (worker.answered > 0 || performance.now() - this.#readyAt >= HEALTHY_MS);
    this.deaths = wasHealthy ? 0 : this.deaths + 1;
    return { worker, hadWork, reported };
  }

  get state(): WorkerState {
    if (this.worker !== undefined) return this.worker.isIdle ? "idle" : "busy";
    return this.process === undefined ? "dead" : "starting";
  }

  /** True when nothing is there and nothing is about to come. */
  get isResting(): boolean {
    return this.process === undefined && this.restartTimer === undefined;
  }

  /** Milliseconds until the next start, longer with each death. */
  get pauseMs(): number {
    return this.deaths === 0 ? 0 : Math.min(RESTART_MAX_MS, RESTART_MIN_MS * 2 ** (this.deaths - 1));
  }

  /** True when its first start may still succeed if it is tried again. */
  mayRetryFirstStart(reported: ScoreError | undefined): boolean {
    return reported === undefined && this.deaths <= FIRST_START_RETRIES;
  }
}

/** Undefined: no worker takes requests. */
export function servingState(slots: readonly Slot[]): Extract<RuntimeState, "ready" | "busy"> | undefined {
  let serves = false;
  for (const { worker, isRetired } of slots) {
    if (worker?.isIdle) return "ready";
    serves ||= worker !== undefined && !isRetired;
  }
  return serves ? "busy" : undefined;
}

/** So many of the places, those first whose end costs least: empty ones, then those that run least, the youngest first. */
export function leastNeeded(slots: readonly Slot[], count: number): readonly Slot[] {
  if (count <= 0) return [];
  const costOf = ({ process, worker }: Slot): number => {
    if (worker !== undefined) return 2 + worker.unanswered;
    return process === undefined ? 0 : 1;
  };
  return [...slots]
    .reverse()
    .sort((one, other) => costOf(one) - costOf(other))
    .slice(0, count);
}

/** As `ScoreRuntime.silentWorkers`. */
export async function silentOf(
  slots: readonly Slot[],
  withinMs: number,
  startMs: number,
): Promise<readonly SilentWorker[]> {
  const latest = performance.now() - startMs;
  const late = slots.flatMap(({ worker, process, startedAt, isRetired }) =>
    worker === undefined && process !== undefined && startedAt < latest && !isRetired ? process : [],
  );
  const asked = slots.flatMap(({ worker, process }) => (worker?.unanswered === 0 ? { worker, process } : []));
  const answers = await Promise.all(asked.map(({ worker }) => worker.showsLife(withinMs)));
  return [...late, ...asked.flatMap(({ process }, index) => (answers[index] ? [] : process!))];
}

/** What is counted now. */
export function loadOf(slots: readonly Slot[], room: Pick<WaitingRoom, "size" | "bytes">): RuntimeLoad {
  const workers = { starting: 0, idle: 0, busy: 0, dead: 0 };
  let unanswered = 0;
  const pids: number[] = [];
  for (const { state, worker, process } of slots) {
    workers[state]++;
    unanswered += worker?.unanswered ?? 0;
    if (process?.pid !== undefined) pids.push(process.pid);
  }
  return { waiting: room.size, waitingBytes: room.bytes, unanswered, workers, pids };
}
