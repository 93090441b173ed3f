/** The `AbortSignal` of one request. It is made when the script asks for it, which few scripts do, and may be asked for
 *  after it has aborted. */
export class LazySignal {
  #controller: AbortController | undefined;
  #reason: DOMException | undefined;

  /** Why nobody waits for the request any more; undefined while somebody does. */
  get reason(): DOMException | undefined {
    return this.#reason;
  }

  signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** The first reason stays. */
  abort(reason: DOMException): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

/** What a script reads in `signal.reason`, wherever it runs. */
export function deadlinePassed(): DOMException {
  return new DOMException("the scoring deadline has passed", "TimeoutError");
}

export function clientGone(): DOMException {
  return new DOMException("the client has left", "AbortError");
}
