import { abortError, type ScoreError } from "../core/errors.ts";
import type { ScoreRequest } from "../core/types.ts";
import { Pending } from "../pool/pending.ts";
import { type QueueOptions, WaitingRoom } from "../pool/queue.ts";

/** Where requests wait while no version can take them, with the bounds of waiting for a worker. */
export class Hall {
  readonly #room: WaitingRoom;
  readonly #waiting = new Set<Pending<void>>();

  constructor(options: QueueOptions) {
    this.#room = new WaitingRoom(options, () => {});
  }

  get size(): number {
    return this.#room.size;
  }

  get bytes(): number {
    return this.#room.bytes;
  }

  refusal(bodyBytes: number): ScoreError | undefined {
    return this.#room.refusal(bodyBytes);
  }

  /** Resolves when there is a version. @throws ScoreError when the wait ends before */
  wait({ body, signal }: Pick<ScoreRequest, "body" | "signal">): Promise<void> {
    const pending = new Pending<void>(body.length, signal, performance.now());
    if (signal?.aborted) pending.giveUp(abortError(signal.reason));
    else if (this.#room.enter(pending)) {
      pending.holder = { givenUp: () => this.#waiting.delete(pending) };
      this.#waiting.add(pending);
    }
    return pending.outcome;
  }

  /** Lets all go on, in the order in which they came. */
  open(): void {
    for (const pending of this.#waiting) pending.resolve();
    this.#waiting.clear();
  }

  rejectAll(error: ScoreError): void {
    for (const pending of this.#waiting) pending.reject(error);
    this.#waiting.clear();
  }
}
