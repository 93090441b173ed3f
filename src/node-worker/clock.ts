// performance.now() is process.hrtime() from another starting point, and costs less.
const [seconds, nanoseconds] = process.hrtime();
const OFFSET_MS: number = seconds * 1_000 + nanoseconds / 1_000_000 - performance.now();

/** The system's monotonic clock in milliseconds, which front and worker share (CLOCK_MONOTONIC on Linux; Python's side is
 *  `monotonic_ns` in python/scorefn_worker/protocol.py). */
export function monotonicMs(): number {
  return OFFSET_MS + performance.now();
}
