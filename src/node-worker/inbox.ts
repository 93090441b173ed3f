import { isInTime } from "../protocol/messages.ts";
import type { Task } from "./task.ts";

/** The requests that a worker has received and not begun, in their order (docs/worker-protocol.md, §4). One sent at once
 *  ("begin by" is 0) begins in any case; a waiting one only while its time has not passed. */
export class Inbox {
  readonly #now: () => number;
  #tasks: Task[] = [];
  #stopping = false;

  /** @param now the clock of "begin by", in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    return this.#tasks.length;
  }

  push(task: Task): void {
    if (task.beginBy === 0 || !this.#stopping) this.#tasks.push(task);
  }

  /** Takes out the request whose turn it is, and forgets those whose time has passed. */
  next(): Task | undefined {
    for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) {
      if (task.beginBy === 0 || isInTime(task.beginBy, this.#now())) return task;
    }
    return undefined;
  }

  /** Forgets this waiting request, or with 0 all, and says which those were. */
  giveBack(id: number): number[] {
    const isGiven = (task: Task): boolean => task.beginBy !== 0 && (id === 0 || id === task.id);
    const given = this.#tasks.filter(isGiven);
    if (given.length > 0) this.#tasks = this.#tasks.filter((task) => !isGiven(task));
    return given.map((task) => task.id);
  }

  /** From now on no waiting request begins. */
  stop(): void {
    this.#stopping = true;
    this.giveBack(0);
  }

  /** A request that waits is not found: the front interrupts what it knows to have begun. */
  findSentAtOnce(id: number): Task | undefined {
    return this.#tasks.find((task) => task.id === id && task.beginBy === 0);
  }
}
