import type { Logger } from "../../src/host.ts";
import type { Probe } from "../types.ts";
import { askRegularly, ProbeCount } from "./probes.ts";

/** Asks whether a deployment that has been ready still is, as its `readiness_probe` says. */
export class Readiness {
  readonly #count: ProbeCount;
  readonly #probe: Probe;
  readonly #ask: (timeoutMs: number) => Promise<string | null>;
  readonly #log: () => Logger;
  #trouble: string | null = null;
  #stop: () => void = () => {};

  /** @param ask gives the reason why it is not, or null; never rejects */
  constructor(probe: Probe, ask: (timeoutMs: number) => Promise<string | null>, log: () => Logger) {
    this.#probe = probe;
    this.#ask = ask;
    this.#log = log;
    this.#count = new ProbeCount(probe, true);
  }

  /** Why it gets no requests; null: it does. */
  get trouble(): string | null {
    return this.#trouble;
  }

  start(): void {
    this.#stop = askRegularly(this.#probe, async (timeoutMs) => this.#take(await this.#ask(timeoutMs)));
  }

  stop(): void {
    this.#stop();
  }

  #take(reason: string | null): void {
    const hasChanged = this.#count.add(reason === null);
    if (this.#count.isUp) this.#trouble = null;
    else if (reason !== null) this.#trouble = `readiness_probe: ${reason}`;
    if (!hasChanged) return;
    const { failureThreshold } = this.#probe;
    if (this.#count.isUp) this.#log().info("readiness_probe succeeds again: requests are taken.");
    else this.#log().warning(`readiness_probe has failed ${failureThreshold} times, no requests are taken: ${reason}`);
  }
}
