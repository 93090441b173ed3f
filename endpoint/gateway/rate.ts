const SECOND_MS = 1_000;

/** Lets so many requests a second pass, and as many at once after a pause.
 *  @param now milliseconds of a clock that never goes back   @returns tells whether one more may pass, and counts it */
export function createRateLimit(perSecond: number, now: () => number = () => performance.now()): () => boolean {
  let left = perSecond;
  let at = now();
  return () => {
    const time = now();
    left = Math.min(perSecond, left + ((time - at) * perSecond) / SECOND_MS);
    at = time;
    if (left < 1) return false;
    left--;
    return true;
  };
}
