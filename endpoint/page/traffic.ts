// What the page sends when traffic is to change.
import { BadInputError } from "../../src/host.ts";
import type { Shares } from "../types.ts";

export interface Traffic {
  readonly traffic: Shares;
  /** Undefined: it is to stay as it is. */
  readonly mirrorTraffic?: Shares;
}

/** Percent that a mirror may get at most, as in Azure. */
const MAX_MIRROR = 50;

/** @throws BadInputError */
export function readTraffic(body: Uint8Array): Traffic {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw bad(`the body is no JSON: ${(error as Error).message}`);
  }
  if (!isRecord(value)) throw bad("the body is to be an object");
  for (const key of Object.keys(value)) {
    if (key !== "traffic" && key !== "mirrorTraffic") throw bad(`${JSON.stringify(key)} is not known here`);
  }
  const traffic = readShares("traffic", value.traffic);
  const sum = Object.values(traffic).reduce((total, share) => total + share, 0);
  if (sum !== 0 && sum !== 100) throw bad(`the shares of traffic add up to ${sum}, not to 100 or 0`);
  if (value.mirrorTraffic === undefined) return { traffic };
  const mirrorTraffic = readShares("mirrorTraffic", value.mirrorTraffic);
  const mirrored = Object.values(mirrorTraffic).filter((share) => share > 0);
  if (mirrored.length > 1) throw bad("traffic is mirrored to one deployment at most");
  if (mirrored.some((share) => share > MAX_MIRROR)) throw bad(`at most ${MAX_MIRROR} % of traffic are mirrored`);
  return { traffic, mirrorTraffic };
}

function readShares(name: string, value: unknown): Shares {
  if (!isRecord(value)) throw bad(`${name} is to be an object of deployments and percents`);
  const shares = new Map<string, number>();
  for (const [deployment, share] of Object.entries(value)) {
    if (typeof share !== "number" || !Number.isInteger(share) || share < 0 || share > 100) {
      throw bad(`${name} of ${JSON.stringify(deployment)} is to be a whole number from 0 to 100`);
    }
    const key = deployment.toLowerCase();
    if (shares.has(key)) throw bad(`${name} names ${JSON.stringify(key)} twice`);
    shares.set(key, share);
  }
  return Object.fromEntries(shares);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function bad(message: string): BadInputError {
  return new BadInputError("ERR_BAD_INPUT", message);
}
