import { readFileSync } from "node:fs";

/** Descriptors kept from the connections of the score port, for those of the health port, for workers and files. */
const RESERVED = 128;

/** How many connections the score port may have, so that the process is not out of descriptors when the health port
 *  accepts one: both threads draw on the same limit.
 *  @param limits stands in for the text of /proc/self/limits   @returns undefined where no limit is known */
export function maxScoreConnections(limits: string | undefined = readLimits()): number | undefined {
  const soft = /^Max open files\s+(\d+)/m.exec(limits ?? "")?.[1];
  if (soft === undefined) return undefined;
  return Math.max(Number(soft) - RESERVED, Math.floor(Number(soft) / 2));
}

function readLimits(): string | undefined {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    // No Linux.
    return undefined;
  }
}
