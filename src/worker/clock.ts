/** The system's monotonic clock in milliseconds, which front and worker share (CLOCK_MONOTONIC on Linux; Python's side is
 *  `monotonic_ns` in python/scorefn_worker/protocol.py). Not performance.now() with an offset, though that is quicker: when
 *  the process is held up between the two readings that the offset is made of, it is wrong for ever. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}
