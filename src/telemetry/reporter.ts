import type { Log } from "../core/log.ts";

/** How long a problem that goes on is not told again, in milliseconds: ten minutes. */
const QUIET_MS = 600_000;

/** Says in the log what goes wrong with telemetry, and says it once. */
export class Reporter {
  readonly #early = new Set<string>();
  #log: Log | undefined;
  #quietUntil = 0;
  #toldLost = 0;
  /** How many spans are lost by now. */
  lost: () => number = () => 0;

  constructor(warnings: readonly string[]) {
    for (const warning of warnings) this.atStart(warning);
  }

  /** True: there is nothing to say yet. */
  get isSilent(): boolean {
    return this.#early.size === 0;
  }

  attach(log: Log): void {
    this.#log = log;
    for (const warning of this.#early) log.server.warning(warning);
    this.#early.clear();
  }

  /** What was wrong with the settings. */
  atStart(warning: string): void {
    this.#early.add(warning);
  }

  line(text: string): void {
    this.#log?.line(text);
  }

  /** What goes wrong again and again, as long as its cause is there. */
  problem(problem: string): void {
    if (this.#log === undefined) {
      this.atStart(`Telemetry: ${problem}`);
      return;
    }
    const now = performance.now();
    if (now < this.#quietUntil) return;
    this.#quietUntil = now + QUIET_MS;
    this.#toldLost = this.lost();
    const lost = this.#toldLost === 0 ? "" : ` Spans lost so far: ${this.#toldLost}.`;
    const text = problem.replace(/\s*\.?\s*$/, "");
    this.#log.server.warning(
      `Telemetry: ${text}.${lost} Requests are not affected; for ten minutes this is not said again.`,
    );
  }

  /** @param pending spans that have not left */
  closed(pending: number): void {
    const lost = this.lost() + pending;
    if (lost > this.#toldLost) this.#log?.server.warning(`Telemetry: ${lost} spans were lost in all.`);
  }
}
