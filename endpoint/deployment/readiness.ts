import type { Logger } from "../../src/host.ts";
import type { Probe } from "../types.ts";
import { askRegularly, MS_PER_S, ProbeCount } from "./probes.ts";

/** How often one is asked that is not ready, at least, in milliseconds: the cloud's ten seconds are long on a desk. */
const NOT_READY_PERIOD_MS = 1_000;

/** Asks a deployment whether it is ready, as its `readiness_probe` says. */
export class Readiness {
  readonly #probe: Probe;
  readonly #ask: (timeoutMs: number) => Promise<string | null>;
  readonly #log: Logger;
  readonly #count: ProbeCount;
  #trouble: string | null = null;
  #stop: () => void = () => {};

  /** @param ask gives the reason why it is not, or null; never rejects */
  constructor(probe: Probe, ask: (timeoutMs: number) => Promise<string | null>, log: Logger) {
    this.#probe = probe;
    this.#ask = ask;
    this.#log = log;
    this.#count = new ProbeCount(probe, true);
  }

  /** Why it gets no requests; null: it does. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Asks at once, and on until it is up or the time is over. @param onReason hears of each new reason why it is not yet
   *  @returns why it is not up; null: it is */
  comesUp(limitS: number, onReason: (reason: string) => void): Promise<string | null> {
    const count = new ProbeCount(this.#probe, false);
    const endsAt = performance.now() + limitS * MS_PER_S;
    this.#trouble = "it has not come up yet";
    return new Promise((resolve) => {
      const end = (why: string | null): void => {
        stop();
        this.#trouble = why;
        resolve(why);
      };
      const take = (reason: string | null): void => {
        count.add(reason === null);
        if (count.isUp) end(null);
        else if (performance.now() >= endsAt) end(reason ?? "it was not ready often enough");
        else if (reason !== null && reason !== said) onReason(reason);
        said = reason;
      };
      let said: string | null = null;
      const pauseMs = (): number => Math.min(this.#pauseMs(false), Math.max(0, endsAt - performance.now()));
      const stop = askRegularly(this.#probe, this.#ask, take, pauseMs, 0);
      this.#stop = () => end("it is closed");
    });
  }

  /** Asks whether one that is up still is. */
  start(): void {
    this.#stop = askRegularly(
      this.#probe,
      this.#ask,
      (reason) => this.#take(reason),
      () => this.#pauseMs(this.#count.isUp),
    );
  }

  stop(): void {
    this.#stop();
  }

  #pauseMs(isUp: boolean): number {
    const periodMs = this.#probe.period * MS_PER_S;
    return isUp ? periodMs : Math.min(periodMs, NOT_READY_PERIOD_MS);
  }

  #take(reason: string | null): void {
    const hasChanged = this.#count.add(reason === null);
    if (this.#count.isUp) this.#trouble = null;
    else if (reason !== null) this.#trouble = `readiness_probe: ${reason}`;
    if (!hasChanged) return;
    const { failureThreshold } = this.#probe;
    if (this.#count.isUp) this.#log.info("readiness_probe succeeds again: requests are taken.");
    else this.#log.warning(`readiness_probe has failed ${failureThreshold} times, no requests are taken: ${reason}`);
  }
}
