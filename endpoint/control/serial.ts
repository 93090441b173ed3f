/** Does one piece of work after the other, in the order in which they were asked for. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  /** @returns the outcome of the work. Work that fails does not stop the work after it. */
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
