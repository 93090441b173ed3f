import { monitorEventLoopDelay } from "node:perf_hooks";

/** What a test waits for comes within so long, or nothing happens any more: 3 minutes. A test that passes never waits for it,
 *  so it is far more than a machine takes that has eight other processes to run; a tight one would measure that machine. */
export const DEADLINE_MS: number = 3 * 60_000;

/** For a whole test, or what is done before or after it: 5 minutes, so that what it waits for says first what is missing. */
export const TEST_DEADLINE_MS: number = 5 * 60_000;

/** Timers that fire later than this on a machine say that it is starved: 30 ms, a tenth of the margin that Lambda's
 *  functions are given to answer. */
const STARVED_MS = 30;
const NANOSECONDS_PER_MS = 1e6;

/** Watches how late timers of this process fire. A limit that leaves fractions of a second to several processes can only
 *  be asked of a machine that has them.
 *  @returns tells whether the machine has been starved meanwhile */
export function watchForStarvation(): () => boolean {
  const delays = monitorEventLoopDelay({ resolution: 5 });
  delays.enable();
  return () => {
    delays.disable();
    return delays.max > STARVED_MS * NANOSECONDS_PER_MS;
  };
}
