import { DeadlineError } from "../../src/index.ts";

/** The part of Lambda's context that is looked at; absent when a handler is called by hand. */
export interface LambdaContext {
  getRemainingTimeInMillis?(): number;
}

/** So much earlier than Lambda we end a request, in milliseconds: time to stop the script, to replace its worker and to
 *  send the answer. When Lambda ends it, the client gets a bare 502 and the environment is thrown away. */
const MARGIN_MS = 300;

/** The margin is never more than this share of the time there is. */
const MARGIN_SHARE = 0.25;

/** So long after a request was told to end it is answered for it, in milliseconds. */
const PATIENCE_MS = 50;

/** The time limit of one invocation. */
export class Deadline {
  /** Rejects with a DeadlineError a little after the limit, for what did not answer by itself. */
  readonly missed: Promise<never> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param onLimit called at the limit */
  constructor(context: LambdaContext | undefined, onLimit: (error: DeadlineError) => void) {
    const remainingMs = context?.getRemainingTimeInMillis?.();
    if (remainingMs === undefined) return;
    const limitMs = Math.max(0, Math.floor(remainingMs - Math.min(MARGIN_MS, remainingMs * MARGIN_SHARE)));
    this.missed = new Promise((_resolve, reject) => {
      this.#timer = setTimeout(() => {
        const error = new DeadlineError(limitMs);
        onLimit(error);
        this.#timer = setTimeout(reject, PATIENCE_MS, error);
      }, limitMs);
    });
  }

  /** Without it a timer would outlive the request, and fire in a later one after a freeze. */
  clear(): void {
    clearTimeout(this.#timer);
  }
}
