// What the page asks for. The token comes behind the # of its address, which browsers keep to themselves: it stands in no log of
// a server, and goes to no other page. It moves on to the tab's own storage, so that a page loaded anew has it still.

/** @import { EndpointReport, Shares } from "../../types.ts" */

const STORED = "scorefn-token";

const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given !== null) {
  sessionStorage.setItem(STORED, given);
  // Nobody is to copy it from the address bar, or find it in the history.
  history.replaceState(null, "", location.pathname);
}

/** The answer is no report: `status` says why, 0 that there was none. */
export class Refused extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** @returns {Promise<EndpointReport>} */
export async function getReport() {
  return ask("api/report", {});
}

/**
 * @param {Shares} traffic
 * @param {Shares} mirrorTraffic
 * @returns {Promise<{ traffic: Shares, mirrorTraffic: Shares }>} what is now
 */
export async function setTraffic(traffic, mirrorTraffic) {
  const body = JSON.stringify({ traffic, mirrorTraffic });
  return ask("api/traffic", { method: "POST", headers: { "Content-Type": "application/json" }, body });
}

/**
 * @param {string} path
 * @param {RequestInit} options
 */
async function ask(path, options) {
  const headers = { ...options.headers, Authorization: `Bearer ${sessionStorage.getItem(STORED) ?? ""}` };
  let response;
  try {
    response = await fetch(path, { ...options, headers, cache: "no-store" });
  } catch {
    throw new Refused(0, "the endpoint does not answer");
  }
  const answer = await response.json().catch(() => undefined);
  if (response.ok && answer !== undefined) return answer;
  throw new Refused(response.status, answer?.error?.message ?? `the endpoint answered ${response.status}`);
}
