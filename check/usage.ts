// Memory and open files of processes, as Linux tells them.
import { readdirSync, readFileSync } from "node:fs";
import type { Usage } from "./types.ts";

const KIB = 1024;

/** @returns undefined where the system does not tell, or one of them has ended */
export function usageOf(pids: readonly number[]): Usage | undefined {
  if (pids.length === 0) return undefined;
  try {
    let residentBytes = 0;
    let files = 0;
    for (const pid of pids) {
      residentBytes += statusBytes(pid, "VmRSS");
      files += readdirSync(`/proc/${pid}/fd`).length;
    }
    return { pids, residentBytes, files };
  } catch {
    return undefined;
  }
}

/** Most memory that they have had, added up; undefined where the system does not tell. */
export function peakBytesOf(pids: readonly number[]): number | undefined {
  try {
    const bytes = pids.reduce((sum, pid) => sum + statusBytes(pid, "VmHWM"), 0);
    return bytes === 0 ? undefined : bytes;
  } catch {
    return undefined;
  }
}

function statusBytes(pid: number, name: "VmRSS" | "VmHWM"): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0) * KIB;
}
