// Asks for the report again and again, and shows it.
import { getReport, Refused } from "./api.js";
import { createDeployments } from "./deployments.js";
import { createDifferences } from "./differences.js";
import { byId, element, setText } from "./elements.js";
import { createPlots } from "./plots.js";
import { createTraffic } from "./traffic.js";

/** @import { EndpointReport } from "../../types.ts" */

/** Milliseconds between two reports, and between two tries of an endpoint that does not answer. */
const EVERY_MS = 1_000;
const TRY_EVERY_MS = 3_000;
const NO_TOKEN = 401;

const main = byId("main", HTMLElement);
const state = byId("state", HTMLElement);
const deployments = createDeployments(byId("deployments", HTMLTableElement));
const differences = createDifferences();
const traffic = createTraffic(() => void refresh());
/** The plots are as wide as their place, so it is to be there first. @type {ReturnType<typeof createPlots> | undefined} */
let plots;

/** @param {EndpointReport} report */
function show(report) {
  main.hidden = false;
  plots ??= createPlots(byId("plots", HTMLElement));
  document.title = report.endpoint;
  setText(byId("name", HTMLElement), report.endpoint);
  showFacts(report);
  deployments.show(report);
  traffic.show(report);
  differences.show(report.mirror);
}

/** @param {EndpointReport} report */
function showFacts({ scoringUri, authMode, gateway, since }) {
  const facts = { "scoring URI": scoringUri, auth: authMode, gateway, since: new Date(since).toLocaleString() };
  const texts = Object.entries(facts);
  const place = byId("facts", HTMLElement);
  if (place.dataset.shown === texts.join()) return;
  place.dataset.shown = texts.join();
  place.replaceChildren(
    ...texts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
}

/** @param {string} text @param {boolean} isBad */
function say(text, isBad) {
  setText(state, text);
  state.classList.toggle("bad", isBad);
}

/** @returns {Promise<number>} milliseconds until it is worth another look; 0: never */
async function refresh() {
  try {
    const report = await getReport();
    show(report);
    plots?.add(report, Date.now() / 1_000);
    say(report.deployments.length === 0 ? "There are no deployments yet." : "Live", false);
    return EVERY_MS;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const isToken = error.status === NO_TOKEN;
    say(
      isToken
        ? "The token is missing or wrong: open the address that `scorefn online-endpoint open` prints."
        : `${error.message}; trying again`,
      true,
    );
    return isToken ? 0 : TRY_EVERY_MS;
  }
}

async function run() {
  const waitMs = await refresh();
  if (waitMs > 0) setTimeout(run, waitMs);
}

void run();
