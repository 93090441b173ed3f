/** Work that is done one after the other, in the order in which it was asked for. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  /** @returns the work's outcome; work that fails does not keep what comes after it from being done */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  /** Resolves when all that has been asked for so far is done. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
