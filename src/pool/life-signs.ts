import { afterReading, timerMs } from "../core/timer.ts";

/** Those who wait for a sign of life of one worker. */
export class LifeSigns {
  #waiting: (() => void)[] = [];

  /** @param orElse tells, when none has come in time, whether there is a reason for that */
  within(ms: number, orElse: () => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => afterReading(() => resolve(orElse())), timerMs(ms)).unref();
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  show(): void {
    if (this.#waiting.length > 0) for (const shown of this.#waiting.splice(0)) shown();
  }
}
