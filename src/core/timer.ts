/** Longest time setTimeout takes; a longer one would fire at once. */
const MAX_TIMER_MS = 0x7fff_ffff;

/** A delay that setTimeout takes: whole milliseconds, never early; whoever waits longer looks again when it fires. */
export function timerMs(ms: number): number {
  return Math.min(Math.ceil(ms), MAX_TIMER_MS);
}

/** For a timer that has fired. Between a timer and an immediate the event loop reads what has come in, so that a process that
 *  stood still (SIGSTOP, a frozen host) takes no answer for late that was there in time. */
export function afterReading(act: () => void): void {
  setImmediate(act);
}
