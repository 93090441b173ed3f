import type { StartOptions } from "../protocol/messages.ts";
import type { Launch, TakeOutput, WorkerCommand } from "./process.ts";
import type { QueueOptions } from "./queue.ts";

export interface PoolOptions extends QueueOptions {
  readonly command: WorkerCommand;
  readonly start: Omit<StartOptions, "protocol">;
  readonly workerCount: number;
  /** True: one process loads the script, and the workers are forked off it. */
  readonly preload?: boolean;
  /** Limit of one run() in milliseconds; 0: none. */
  readonly scoringTimeoutMs: number;
  /** A process that has not reported itself after so many milliseconds is killed. */
  readonly workerTimeoutMs: number;
  /** When a worker that died is replaced. `paced`: at once, or after a growing pause when it had not answered anything.
   *  `by-requests`: at once, but after several such deaths in a row, or a start that failed, only when the next request
   *  comes; nothing happens by the clock then, which a host that is frozen between requests needs. */
  readonly restart?: "paced" | "by-requests";
  /** Undefined: what workers write goes where this process writes. */
  readonly onOutput?: TakeOutput | undefined;
  /** How a process comes into being. Default: the command is started. */
  readonly launch?: Launch;
}
