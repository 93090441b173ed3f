import { monitorEventLoopDelay } from "node:perf_hooks";

/** How exact the delay is, in milliseconds: one wake-up in so many is all it costs. */
const RESOLUTION_MS = 50;

/** How long a delay is remembered, in milliseconds: a scrape every 15 s sees most of them. */
const PERIOD_MS = 10_000;

/** @returns the longest delay of this thread's event loop in this period and the one before, in seconds */
export function watchEventLoop(): () => number {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  let before = 0;
  setInterval(() => {
    before = longest();
    delays.reset();
  }, PERIOD_MS).unref();
  // The time between two looks is no delay.
  const longest = (): number => (delays.count === 0 ? 0 : Math.max(0, delays.max / 1e6 - RESOLUTION_MS) / 1_000);
  return () => Math.max(before, longest());
}
