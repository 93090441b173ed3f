import { watched } from "./bodies.ts";
import type { ScoreResponse } from "./types.ts";

/** Counts requests from their coming to the last byte of their answers. */
export class InFlight {
  #count = 0;
  #accepted = 0;
  #idle: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }

  /** All that have ever come. */
  get accepted(): number {
    return this.#accepted;
  }

  begin(): void {
    this.#count++;
    this.#accepted++;
  }

  /** The answer; one whose stream is counted until its end, where it has one. */
  readonly answered = (response: ScoreResponse): ScoreResponse => {
    const { body } = response;
    if (typeof body !== "string" && !(body instanceof Uint8Array))
      return { ...response, body: watched(body, () => this.#end()) };
    this.#end();
    return response;
  };

  /** Resolves when nothing is in flight. */
  async idle(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #end(): void {
    this.#count--;
    if (this.#count === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
