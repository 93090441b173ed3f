import type { ScoreError } from "../core/errors.ts";
import type { CancelSignal, ScriptFacts } from "../core/types.ts";
import { Pending } from "./pending.ts";
import type { WaitingRoom } from "./queue.ts";

/** Requests that wait to hear what the script is. */
export class LoadGate {
  readonly #room: WaitingRoom;
  readonly #waiting = new Set<Pending<ScriptFacts>>();
  #facts: ScriptFacts | undefined;

  constructor(room: WaitingRoom) {
    this.#room = room;
  }

  /** What the script turned out to be; undefined until a worker has been ready. */
  get facts(): ScriptFacts | undefined {
    return this.#facts;
  }

  /** Waits with the bounds of the room. @throws ScoreError */
  wait(bytes: number, signal: CancelSignal | undefined): Promise<ScriptFacts> {
    const pending = new Pending<ScriptFacts>(bytes, signal, performance.now());
    if (this.#room.enter(pending)) {
      pending.holder = { givenUp: () => this.#waiting.delete(pending) };
      this.#waiting.add(pending);
    }
    return pending.outcome;
  }

  open(facts: ScriptFacts): void {
    this.#facts = facts;
    for (const pending of this.#waiting) pending.resolve(facts);
    this.#waiting.clear();
  }

  rejectAll(error: ScoreError): void {
    for (const pending of this.#waiting) pending.reject(error);
    this.#waiting.clear();
  }
}
