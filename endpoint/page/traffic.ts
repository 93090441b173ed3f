// What the page sends when traffic is to change.
import { BadInputError } from "../../src/host.ts";
import type { Shares } from "../types.ts";

export interface Traffic {
  readonly traffic: Shares;
  /** Undefined: it is to stay as it is. */
  readonly mirrorTraffic?: Shares;
}

/** Checks the shape only; the control decides which shares are possible together.
 *  @throws BadInputError */
export function readTraffic(body: Uint8Array): Traffic {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw bad(`the body is not JSON: ${(error as Error).message}`);
  }
  if (!isRecord(value)) throw bad("the body must be an object");
  for (const key of Object.keys(value)) {
    if (key !== "traffic" && key !== "mirrorTraffic") throw bad(`${JSON.stringify(key)} is not a known key`);
  }
  const traffic = readShares("traffic", value.traffic);
  if (value.mirrorTraffic === undefined) return { traffic };
  return { traffic, mirrorTraffic: readShares("mirrorTraffic", value.mirrorTraffic) };
}

function readShares(name: string, value: unknown): Shares {
  if (!isRecord(value)) throw bad(`${name} must be an object of deployments and percentages`);
  const shares = new Map<string, number>();
  for (const [deployment, share] of Object.entries(value)) {
    if (typeof share !== "number" || !Number.isInteger(share) || share < 0 || share > 100) {
      throw bad(`${name} of ${JSON.stringify(deployment)} must be a whole number from 0 to 100`);
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
