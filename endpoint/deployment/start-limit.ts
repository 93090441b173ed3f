import { ScoreError } from "../../src/host.ts";
import type { DeploymentSpec } from "../types.ts";
import { describeProbe, patienceOf } from "./probes.ts";

/** The probe that gives up first on a start, and after how many seconds. A container is up only when init() is done, so
 *  liveness counts, too. */
export function startLimit({
  livenessProbe,
  readinessProbe,
}: DeploymentSpec): readonly [limitS: number, probe: string] {
  const [live, ready] = [patienceOf(livenessProbe), patienceOf(readinessProbe)];
  return live < ready
    ? [live, `liveness_probe (${describeProbe(livenessProbe)})`]
    : [ready, `readiness_probe (${describeProbe(readinessProbe)})`];
}

export function late(name: string, limitS: number, probe: string): ScoreError {
  const cure = "give it more of initial_delay or failure_threshold if init() needs longer";
  return new ScoreError(
    "ERR_WORKER_START",
    `deployment ${name} was not ready after ${limitS} s, when its ${probe} gives up; ${cure}`,
  );
}
