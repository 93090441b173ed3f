/** How long what goes on is not told again, in milliseconds. */
const QUIET_MS = 600_000;

/** Where the log is told. */
export interface Teller {
  warning(message: string): void;
  info(message: string): void;
}

/** Whether the service takes what it is sent, and what is lost: told once when it begins, and when it ends. */
export class Losses {
  readonly #tell: Teller;
  #isFailing = false;
  #isTold = false;
  #quietUntil = 0;
  #lost = 0;

  constructor(tell: Teller) {
    this.#tell = tell;
  }

  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** An attempt has failed. */
  failing(reason: string): void {
    this.#isFailing = true;
    if (!this.#warn(`${reason}. Requests are not affected; telemetry is kept for some minutes, then dropped`)) return;
    this.#isTold = true;
  }

  /** The service has taken something. */
  works(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    if (!this.#isTold) return;
    this.#isTold = false;
    this.#tell.info(`Application Insights takes telemetry again; ${this.#takeCount()}.`);
  }

  /** @param why said where nothing else has been said of late */
  lost(count: number, why: string): void {
    this.#lost += count;
    if (!this.#isFailing) this.#warn(`${why}. Requests are not affected; ${this.#describe()}`);
  }

  /** For the last time. @param more items that are given up now */
  close(more: number): void {
    this.#lost += more;
    if (this.#lost > 0) this.#tell.warning(`Application Insights: ${this.#takeCount()}.`);
  }

  #warn(message: string): boolean {
    const now = performance.now();
    if (now < this.#quietUntil) return false;
    this.#quietUntil = now + QUIET_MS;
    this.#tell.warning(`Application Insights: ${message}. For ten minutes this is not said again.`);
    return true;
  }

  #takeCount(): string {
    const text = this.#describe();
    this.#lost = 0;
    return text;
  }

  #describe(): string {
    if (this.#lost === 0) return "nothing was lost";
    return this.#lost === 1 ? "1 item of telemetry was lost" : `${this.#lost} items of telemetry were lost`;
  }
}
