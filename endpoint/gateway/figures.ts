import { Latencies } from "../latencies.ts";
import type { DeploymentFigures, GatewayEvents, GatewayRecord } from "../types.ts";
import { CLIENT_GONE } from "./answers.ts";

/** Counts what deployments answer. */
export interface GatewayFigures extends GatewayEvents {
  /** Of one deployment, which may have answered nothing yet. */
  of(deployment: string): DeploymentFigures;
  /** Forgets a deployment that is gone. */
  forget(deployment: string): void;
}

const SECOND_MS = 1_000;
const OK = 200;
/** Seconds that rates look back on. */
const WINDOW_S = 10;
/** @param now milliseconds of a clock that never goes back */
export function createFigures(now: () => number = () => performance.now()): GatewayFigures {
  const tallies = new Map<string, Tally>();
  return {
    answered(record) {
      const { deployment } = record;
      if (deployment === undefined) return;
      let tally = tallies.get(deployment);
      if (tally === undefined) {
        tally = new Tally(now());
        tallies.set(deployment, tally);
      }
      tally.add(record, now());
    },
    of: (deployment) => (tallies.get(deployment) ?? new Tally(now())).figures(now()),
    forget: (deployment) => tallies.delete(deployment),
  };
}

class Tally {
  readonly #latencies = new Latencies();
  readonly #statuses = new Map<number, number>();
  readonly #modelStatuses = new Map<number, number>();
  readonly #since: number;
  /** Of the current second and those before it, each at the number of its second modulo the window. */
  readonly #counts = new Float64Array(WINDOW_S);
  readonly #errors = new Float64Array(WINDOW_S);
  #second: number;
  #requests = 0;

  constructor(since: number) {
    this.#since = since;
    this.#second = Math.floor(since / SECOND_MS);
  }

  add({ status, modelStatus, reason, totalMs }: GatewayRecord, at: number): void {
    // How long a client waits that leaves, and that it does, say nothing of the deployment.
    const isLeft = reason === CLIENT_GONE;
    this.#requests++;
    if (!isLeft) this.#latencies.record(totalMs);
    count(this.#statuses, status);
    if (modelStatus !== undefined) count(this.#modelStatuses, modelStatus);
    this.#turnTo(at);
    const place = this.#second % WINDOW_S;
    this.#counts[place]!++;
    if (status !== OK && !isLeft) this.#errors[place]!++;
  }

  /** Empties the places of the seconds that have gone by without a request. */
  #turnTo(at: number): void {
    const second = Math.floor(at / SECOND_MS);
    const passed = Math.min(second - this.#second, WINDOW_S);
    for (let index = 0; index < passed; index++) {
      const place = (second - index) % WINDOW_S;
      this.#counts[place] = 0;
      this.#errors[place] = 0;
    }
    this.#second = second;
  }

  figures(at: number): DeploymentFigures {
    this.#turnTo(at);
    // The current second is not over, and the first one may be short.
    const seenMs = Math.min(at - this.#since, (WINDOW_S - 1) * SECOND_MS + (at % SECOND_MS));
    const seconds = Math.max(seenMs / SECOND_MS, 1);
    return {
      requests: this.#requests,
      rate: sum(this.#counts) / seconds,
      errorRate: sum(this.#errors) / seconds,
      statuses: Object.fromEntries(this.#statuses),
      modelStatuses: Object.fromEntries(this.#modelStatuses),
      latencyMs: this.#latencies.figures(),
    };
  }
}

function count(counts: Map<number, number>, status: number): void {
  counts.set(status, (counts.get(status) ?? 0) + 1);
}

function sum(numbers: Float64Array): number {
  return numbers.reduce((total, number) => total + number, 0);
}
