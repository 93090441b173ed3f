// Shares of requests, from files and from the command line.
import type { Kind, Shares } from "../types.ts";
import { DEPLOYMENT_NAME } from "./names.ts";
import { isMap } from "./plain.ts";
import { placeless, SpecError, shown } from "./problem.ts";
import type { Path } from "./yaml.ts";

interface TrafficProblem {
  /** From `traffic` or `mirror_traffic` on. */
  readonly path: Path;
  readonly message: string;
  readonly cure: string;
}

/** The percentages that `--traffic` and `--mirror-traffic` take: `blue=90 green=10`. Entries of 0 are gone: a deployment
 *  that is not named has none.
 *  @param known deployments, in any case; null: not to be checked
 *  @throws SpecError, with all that is wrong */
export function parseShares(text: string, known: Iterable<string> | null, flag = "--traffic"): Shares {
  const names = known === null ? null : lowerCased(known);
  const shares = new Map<string, number>();
  const problems: [message: string, cure: string][] = [];
  for (const pair of text.split(/[\s,]+/).filter((part) => part !== "")) {
    const [, written = "", value = ""] = /^([^=]*)=(.*)$/s.exec(pair) ?? [];
    const name = written.toLowerCase();
    if (name === "") problems.push([`${shown(pair)} is not a share of traffic`, FORM]);
    else if (!/^\d{1,9}$/.test(value))
      problems.push([`the share of ${name} must be a whole number from 0 to 100; found ${shown(value)}`, FORM]);
    else if (shares.has(name)) problems.push([`${name} is repeated`, ""]);
    else shares.set(name, Number(value));
    if (names !== null && shares.get(name)! > 0 && !names.has(name)) problems.push(unknownDeployment(name, names));
  }
  if (shares.size === 0 && problems.length === 0) problems.push(["the text is empty", FORM]);
  if (problems.length > 0) throw new SpecError(problems.map(([message, cure]) => placeless(flag, message, cure)));
  return withoutZeros(shares);
}

const FORM = "Write deployment=percent, separated by spaces: blue=90 green=10.";

/** Checks live and mirrored traffic together.
 *  @param deployments those that there are, in any case; null: not known yet
 *  @throws SpecError, with all that is wrong */
export function checkTraffic(
  traffic: Shares,
  mirror: Shares,
  deployments: Iterable<string> | null,
  kind: Kind = "managed",
): void {
  const problems = trafficProblems(traffic, mirror, deployments, kind);
  if (problems.length === 0) return;
  throw new SpecError(problems.map(({ path, message, cure }) => placeless(String(path[0]), message, cure)));
}

/** The same, for a document of which nothing is known. */
export function trafficProblems(
  traffic: unknown,
  mirror: unknown,
  deployments: Iterable<string> | null,
  kind: Kind,
): TrafficProblem[] {
  const problems: TrafficProblem[] = [];
  const names = deployments === null ? null : lowerCased(deployments);
  const add = (path: Path, [message, cure]: [message: string, cure: string]): void => {
    problems.push({ path, message, cure });
  };
  const read = (key: "traffic" | "mirror_traffic", shares: unknown): Map<string, number> => {
    const read = new Map<string, number>();
    for (const [written, share] of isMap(shares) ? Object.entries(shares) : []) {
      const name = written.toLowerCase();
      if (!DEPLOYMENT_NAME.test(name)) add([key, written], [`${shown(written)} is not a valid deployment name`, ""]);
      else if (typeof share !== "number" || !Number.isInteger(share) || share < 0 || share > 100) {
        add([key, written], [`the share of ${name} must be a whole number from 0 to 100; found ${shown(share)}`, ""]);
      } else if (share > 0 && names !== null && !names.has(name)) add([key, written], unknownDeployment(name, names));
      else if (share > 0) read.set(name, share);
    }
    return read;
  };
  const live = read("traffic", traffic);
  const shadows = read("mirror_traffic", mirror);
  const sum = [...live.values()].reduce((total, share) => total + share, 0);
  if (sum !== 0 && sum !== 100 && problems.every(({ path }) => path[0] !== "traffic")) {
    add(["traffic"], [`the percentages of live traffic add up to ${sum}; they must add up to 100, or to 0`, ""]);
  }
  const shadowNames = [...shadows.keys()];
  const [shadow] = shadowNames;
  if (shadow === undefined) return problems;
  if (kind === "kubernetes") {
    const cure = "Remove mirror_traffic, or make the endpoint a managed one.";
    add(["mirror_traffic"], ["Kubernetes endpoints cannot mirror traffic", cure]);
  } else if (shadowNames.length > 1) {
    add(["mirror_traffic"], [`traffic can be mirrored to only one deployment; found ${shadowNames.join(" and ")}`, ""]);
  } else if (shadows.get(shadow)! > MAX_MIRROR) {
    const share = shadows.get(shadow)!;
    add(
      ["mirror_traffic", shadow],
      [`at most ${MAX_MIRROR} percent of the traffic can be mirrored; found ${share}`, ""],
    );
  } else if (live.has(shadow)) {
    add(
      ["mirror_traffic", shadow],
      [
        `${shadow} has ${live.get(shadow)} percent of the live traffic, so nothing can be mirrored to it`,
        "Mirror to a deployment without live traffic.",
      ],
    );
  }
  return problems;
}

/** Percent of the requests that Azure copies at most. */
const MAX_MIRROR = 50;

/** Shares as they are kept: lower-case names, nothing without traffic. */
export function withoutZeros(shares: Iterable<readonly [string, number]>): Shares {
  const kept = [...shares].filter(([, share]) => share > 0);
  return Object.fromEntries(kept.map(([name, share]) => [name.toLowerCase(), share]));
}

function lowerCased(names: Iterable<string>): ReadonlySet<string> {
  return new Set([...names].map((name) => name.toLowerCase()));
}

function unknownDeployment(name: string, known: ReadonlySet<string>): [message: string, cure: string] {
  return [
    `there is no deployment ${name}`,
    known.size === 0 ? "Create the deployment first." : `Deployments are ${[...known].join(", ")}.`,
  ];
}
