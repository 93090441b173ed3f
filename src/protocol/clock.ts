/** How long an offset is used, in milliseconds. One that is wrong, because the process was held up while it was taken, is so
 *  for no longer. */
const OFFSET_AGE_MS = 1_000;

let offsetMs = 0;
let takenAt = Number.NEGATIVE_INFINITY;

/** The system's monotonic clock in milliseconds, which front and worker share (CLOCK_MONOTONIC on Linux; Python's side is
 *  `monotonic_ns` in python/scorefn_worker/protocol.py). For a worker, which must not think it earlier than it is. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

/** The same clock for the front: never ahead of it, may lag when the process was held up, and allocates nothing.
 *  @param now performance.now(), the same clock from another starting point */
export function laggingMonotonicMs(now: number): number {
  if (now - takenAt > OFFSET_AGE_MS) {
    // In this order: a pause between the two makes the offset smaller.
    offsetMs = monotonicMs() - performance.now();
    takenAt = now;
  }
  return offsetMs + now;
}
