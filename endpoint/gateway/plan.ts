import type { Routing, Target } from "../types.ts";

const PERCENT = 100;

/** A routing made ready for drawing. */
export interface Plan {
  readonly routing: Routing;
  /** Deployments that get traffic by weight, and up to which number of the draw each does. */
  readonly weighted: readonly Target[];
  readonly bounds: readonly number[];
  /** Sum of the weights. */
  readonly total: number;
  /** Gets copies of so many percent of them. */
  readonly shadow: Target | undefined;
  readonly shadowPercent: number;
  /** What Kubernetes endpoints have before every path; undefined: paths are as they are. */
  readonly prefix: string | undefined;
}

/** The plan of the routing that is in force, made anew only when there is another. */
export function createPlanner(routing: () => Routing): () => Plan {
  let plan = toPlan(routing());
  return () => {
    const current = routing();
    if (current !== plan.routing) plan = toPlan(current);
    return plan;
  };
}

function toPlan(routing: Routing): Plan {
  const weighted: Target[] = [];
  const bounds: number[] = [];
  let total = 0;
  for (const [name, weight] of Object.entries(routing.traffic)) {
    const target = routing.targets.get(name.toLowerCase());
    if (target === undefined || !(weight > 0)) continue;
    total += weight;
    weighted.push(target);
    bounds.push(total);
  }
  const [shadowName, shadowPercent = 0] = Object.entries(routing.mirror).find(([, percent]) => percent > 0) ?? [];
  const { kind = routing.form } = routing;
  return {
    routing,
    weighted,
    bounds,
    total,
    shadow: shadowName === undefined ? undefined : routing.targets.get(shadowName.toLowerCase()),
    shadowPercent,
    prefix: kind === "managed" ? undefined : `/api/v1/endpoint/${routing.endpoint.toLowerCase()}`,
  };
}

/** A deployment by chance, as often as its weight says. @param random in [0, 1)   @returns undefined: none has weight */
export function draw({ weighted, bounds, total }: Plan, random: () => number): Target | undefined {
  if (weighted.length < 2) return weighted[0];
  const number = random() * total;
  let index = 0;
  while (index < bounds.length - 1 && number >= bounds[index]!) index++;
  return weighted[index];
}

/** Whether the next request is to be mirrored. */
export function drawsShadow({ shadow, shadowPercent }: Plan, random: () => number): boolean {
  return shadow !== undefined && random() * PERCENT < shadowPercent;
}

/** The path as the deployment knows it: `/api/v1/endpoint/<name>/score` is `/score`. */
export function localPath(path: string, { prefix }: Plan): string {
  if (prefix === undefined || path.length < prefix.length) return path;
  const rest = path.slice(prefix.length);
  if (rest !== "" && !rest.startsWith("/")) return path;
  return path.slice(0, prefix.length).toLowerCase() === prefix ? rest || "/" : path;
}
