import { readFileSync } from "node:fs";
import { attempt } from "../core/attempt.ts";

/** What the system says of a process. */
export interface Stat {
  /** `R`, `S`, `T` and so on. */
  readonly state: string;
  readonly parent: number;
  readonly session: string;
  /** In a unit of the system's: tells it from a later process with the same id. */
  readonly startedAt: string;
}

/** Fields 3, 4, 6 and 22 of proc(5)'s stat. They are counted from behind the name of the program, which may hold anything.
 *  @returns undefined when it has ended, and on systems without /proc */
export function statOf(pid: number): Stat | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "latin1"), "");
  const [state, parent, , session, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const startedAt = rest[15];
  return startedAt === undefined ? undefined : { state: state!, parent: Number(parent), session: session!, startedAt };
}
