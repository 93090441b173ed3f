import { DeadlineError } from "../../src/host.ts";

/** The part of Lambda's context that is looked at; absent when a handler is called by hand. */
export interface LambdaContext {
  getRemainingTimeInMillis?(): number;
  readonly awsRequestId?: string;
  readonly invokedFunctionArn?: string;
  /** X-Ray's, as newer runtime clients tell it. */
  readonly xRayTraceId?: string | undefined;
  /** What the caller of a direct invocation says besides the event. */
  readonly clientContext?: { readonly custom?: unknown; readonly Custom?: unknown } | undefined;
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
  readonly #limitMs: number | undefined;
  readonly #onLimit: (error: DeadlineError) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param onLimit called at the limit */
  constructor(context: LambdaContext | undefined, onLimit: (error: DeadlineError) => void) {
    this.#onLimit = onLimit;
    const remainingMs = context?.getRemainingTimeInMillis?.();
    if (remainingMs === undefined) return;
    this.#limitMs = Math.max(0, Math.floor(remainingMs - Math.min(MARGIN_MS, remainingMs * MARGIN_SHARE)));
  }

  /** What the work gives; rejects with a DeadlineError a little after the limit, for what did not answer by itself. The
   *  limit goes on to count until `clear` is called. */
  bound<T>(work: Promise<T>): Promise<T> {
    const limitMs = this.#limitMs;
    if (limitMs === undefined) return work;
    return new Promise((resolve, reject) => {
      this.#timer = setTimeout(() => {
        const error = new DeadlineError(limitMs);
        this.#timer = setTimeout(reject, PATIENCE_MS, error);
        this.#onLimit(error);
      }, limitMs);
      work.then(resolve, reject);
    });
  }

  /** Without it a timer would outlive the request, and fire in a later one after a freeze. */
  clear(): void {
    clearTimeout(this.#timer);
  }
}
