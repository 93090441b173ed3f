// How many threads a session computes with.
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { environment } from "./environment.ts";

/** Memory that Lambda gives one whole processor for, in MB. */
const LAMBDA_MB_PER_PROCESSOR = 1769;
/** With this many processors a second thread has something to run on. */
const LAMBDA_PROCESSORS_FOR_TWO = 2;
const CGROUP_LIMIT = "/sys/fs/cgroup/cpu.max";

/** The processors, shared out among the workers. */
export function threadsPerSession(env: NodeJS.ProcessEnv = environment, cores: number = usableCores()): number {
  const lambdaMb = Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE);
  if (lambdaMb > 0 && lambdaMb < LAMBDA_MB_PER_PROCESSOR * LAMBDA_PROCESSORS_FOR_TWO) return 1;
  const workers = Number(env.WORKER_COUNT?.replaceAll("_", "")) || 1;
  return Math.max(1, Math.floor(cores / workers));
}

/** Those of the machine, or what a container may use of them. */
function usableCores(): number {
  let limit = Number.POSITIVE_INFINITY;
  try {
    // "200000 100000": microseconds of each period; "max 100000": no limit.
    const [quota, period] = readFileSync(CGROUP_LIMIT, "utf8").split(" ").map(Number);
    if (quota! > 0 && period! > 0) limit = Math.ceil(quota! / period!);
  } catch {
    // Another system.
  }
  return Math.min(limit, availableParallelism());
}
