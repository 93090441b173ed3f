import type { RunEnd } from "../core/events.ts";
import type { ErrorReport } from "../core/types.ts";
import type { Job } from "./job.ts";
import type { MetaOptions } from "./run-meta.ts";

/** What a worker needs of its process. */
export interface WorkerLink {
  /** Process id. */
  readonly pid?: number | undefined;
  /** Hands the bytes of one turn to the pipe. */
  write(buffers: readonly Uint8Array[]): void;
  /** Makes a synchronous script look at its pipe. */
  nudge(): void;
  /** Ends the process at once. */
  kill(): void;
}

export interface WorkerOptions extends MetaOptions {
  /** Requests begun at a time. */
  readonly concurrency: number;
  /** Limit of one run() in milliseconds; 0: none. */
  readonly timeoutMs: number;
}

/** What the worker tells the pool. */
export interface WorkerEvents {
  /** A number for a request that is sent, unlike all that are under way. */
  newId(): number;
  /** It has room for another request. */
  onFree(): void;
  /** These come back, in order; they have not begun, and will not here. */
  onRecalled(jobs: Job[]): void;
  /** A run() that was interrupted at its deadline came back, long answered; the report tells where it was. */
  onInterrupted(report: ErrorReport): void;
  /** Its run() begins. */
  readonly onBegun?: ((job: Job) => void) | undefined;
  /** Its run() has ended. */
  readonly onEnded?: ((job: Job, end: RunEnd, runMs: number) => void) | undefined;
}
