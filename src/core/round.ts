/** To a microsecond, as records show it. */
export function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
