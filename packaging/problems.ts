// What is wrong with what was asked, found in one go and told at once, as `scorefn serve` does.
import { ConfigError, InvalidSettingsError } from "../src/host.ts";

/** Collects them; what depends on a wrong value is left out by whoever asks for it. */
export class Problems {
  readonly #texts: string[];

  /** @param known found before */
  constructor(known: readonly string[] = []) {
    this.#texts = [...known];
  }

  add(text: string): void {
    this.#texts.push(text);
  }

  /** @returns what `action` gives; undefined when it throws a ConfigError, which is then one of the problems */
  take<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.#note(error);
      return undefined;
    }
  }

  /** As `take`. */
  async wait<T>(action: () => Promise<T>): Promise<T | undefined> {
    return action().catch((error: unknown) => {
      this.#note(error);
      return undefined;
    });
  }

  /** @throws InvalidSettingsError that has all of them */
  throwIfAny(): void {
    if (this.#texts.length === 0) return;
    throw new InvalidSettingsError(this.#texts.map((text) => ({ kind: "launcher", text })));
  }

  #note(error: unknown): void {
    if (!(error instanceof ConfigError)) throw error;
    this.#texts.push(error.message);
  }
}
