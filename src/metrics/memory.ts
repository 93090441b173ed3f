import { readFileSync } from "node:fs";
import { attempt } from "../core/attempt.ts";

const KILOBYTE = 1_024;

/** @returns resident bytes of these processes; undefined on systems without /proc */
export function memoryOfAll(pids: readonly number[]): number | undefined {
  if (process.platform !== "linux") return undefined;
  return pids.reduce((sum, pid) => sum + memoryOf(pid), 0);
}

/** A process that has ended meanwhile has none. */
function memoryOf(pid: number): number {
  const status = attempt(() => readFileSync(`/proc/${pid}/status`, "latin1"), "");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * KILOBYTE;
}
