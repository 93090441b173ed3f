import { readdirSync, readFileSync } from "node:fs";
import { attempt } from "../core/attempt.ts";
import { type Stat, statOf } from "./proc-stat.ts";

/** The processes below a worker, joblib's for example: they end with a worker that is killed, as it cannot end them itself
 *  any more, and would live on for minutes. One that has made a session of its own (setsid) is meant to live on. Known on Linux
 *  only. */
export class Children {
  /** By process id, when each has started: an id may be used again. */
  #known = new Map<number, string>();

  /** Notes who they are, while the worker lives: of an orphan nobody can tell whose it was.
   *  @param worker a process that this one, or its preload process, has started; of any other nothing is noted
   *  @param thoroughly also those that other threads than the first have started: a worker may have a hundred threads, and
   *    each takes some 20 µs */
  note(worker: number, thoroughly: boolean): void {
    const stat = statOf(worker);
    // It has just died: what was known of it is the last that can be.
    if (stat === undefined || stat.state === "Z" || !isOurs(stat)) return;
    this.#known = new Map();
    this.#collect(worker, stat.session, thoroughly);
  }

  /** Ends those that were noted last. */
  end(): void {
    for (const [pid, startedAt] of this.#known) {
      if (statOf(pid)?.startedAt === startedAt) attempt(() => process.kill(pid, "SIGKILL"), false);
    }
    this.#known.clear();
  }

  #collect(parent: number, session: string, thoroughly: boolean): void {
    for (const pid of childrenOf(parent, thoroughly)) {
      const stat = statOf(pid);
      if (stat?.session !== session || this.#known.has(pid)) continue;
      this.#known.set(pid, stat.startedAt);
      this.#collect(pid, session, thoroughly);
    }
  }
}

function childrenOf(pid: number, thoroughly: boolean): number[] {
  const threads = thoroughly ? attempt(() => readdirSync(`/proc/${pid}/task`), []) : [String(pid)];
  return threads.flatMap((thread) => {
    const text = attempt(() => readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1"), "");
    return text.split(" ").filter(Boolean).map(Number);
  });
}

/** Whatever anybody tells of a process, nothing of a stranger's is ended. */
function isOurs({ parent }: Stat): boolean {
  return parent === process.pid || statOf(parent)?.parent === process.pid;
}
