import type { RuntimeLoad } from "../core/types.ts";
import type { Hall } from "./hall.ts";

/** What versions that live side by side hold together, and those who wait for one. */
export function mergedLoad(loads: readonly (RuntimeLoad | undefined)[], hall: Hall | undefined): RuntimeLoad {
  const workers = { starting: 0, idle: 0, busy: 0, dead: 0 };
  const sum = { waiting: hall?.size ?? 0, waitingBytes: hall?.bytes ?? 0, unanswered: 0 };
  const pids: number[] = [];
  for (const load of loads) {
    if (load === undefined) continue;
    sum.waiting += load.waiting;
    sum.waitingBytes += load.waitingBytes;
    sum.unanswered += load.unanswered;
    for (const state of ["starting", "idle", "busy", "dead"] as const) workers[state] += load.workers[state];
    pids.push(...load.pids);
  }
  return { ...sum, workers, pids };
}
