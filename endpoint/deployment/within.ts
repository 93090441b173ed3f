import { timerMs } from "../../src/host.ts";

/** Resolves with the promise, or after so many milliseconds, for which the process is not kept up.
 *  @returns whether it was in time */
export function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), timerMs(ms)).unref();
    promise.then(() => resolve(true), reject).finally(() => clearTimeout(timer));
  });
}
