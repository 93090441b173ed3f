import { colourOf, element, numberText, setText } from "./elements.js";

/** @import { DeploymentReport, EndpointReport } from "../../types.ts" */

const COLUMNS = 14;
const TEXT_COLUMNS = [1, 5];

/** @param {HTMLTableElement} table */
export function createDeployments(table) {
  const body = /** @type {HTMLTableSectionElement} */ (table.tBodies[0]);
  /** @type {Map<string, HTMLTableRowElement>} */
  const rows = new Map();

  /** @param {string} name */
  function createRow(name) {
    const title = element(
      "th",
      { scope: "row", class: `series-${colourOf(name)}` },
      element("span", { class: "swatch" }),
      name,
    );
    const row = element("tr", {}, title);
    for (let column = 1; column < COLUMNS; column++) {
      row.append(element("td", TEXT_COLUMNS.includes(column) ? {} : { class: "number" }));
    }
    body.append(row);
    rows.set(name, row);
    return row;
  }

  return {
    /** @param {EndpointReport} report */
    show({ deployments, traffic, mirrorTraffic }) {
      for (const [name, row] of rows) {
        if (deployments.some((deployment) => deployment.name === name)) continue;
        row.remove();
        rows.delete(name);
      }
      for (const deployment of deployments) {
        const row = rows.get(deployment.name) ?? createRow(deployment.name);
        showState(/** @type {HTMLElement} */ (row.cells[1]), deployment);
        const { figures } = deployment;
        const { latencyMs } = figures;
        const texts = [
          `${traffic[deployment.name] ?? 0} %`,
          mirrorTraffic[deployment.name] ? `${mirrorTraffic[deployment.name]} %` : "–",
          numberText(deployment.instances),
          workersText(deployment.workers),
          numberText(deployment.inFlight),
          numberText(deployment.waiting),
          numberText(figures.requests),
          numberText(figures.rate),
          numberText(figures.errorRate),
          ...[latencyMs.p50, latencyMs.p95, latencyMs.p99].map((ms) => (latencyMs.count === 0 ? "–" : numberText(ms))),
        ];
        texts.forEach((text, index) => {
          setText(/** @type {HTMLElement} */ (row.cells[index + 2]), text);
        });
      }
    },
  };
}

/** @param {HTMLElement} cell @param {DeploymentReport} deployment */
function showState(cell, { state, isReady, whyNotReady }) {
  const text = state === "Succeeded" ? (isReady ? "Ready" : "Not ready") : state;
  const kind =
    state === "Failed" || (state === "Succeeded" && !isReady) ? "bad" : state === "Succeeded" ? "good" : "busy";
  const why = isReady ? "" : (whyNotReady ?? "");
  if (cell.dataset.shown === `${text}\n${why}`) return;
  cell.dataset.shown = `${text}\n${why}`;
  cell.replaceChildren(element("span", { class: `state-${kind}` }, text));
  if (why !== "") cell.append(element("span", { class: "why", title: why }, why));
}

/** @param {DeploymentReport["workers"]} workers */
function workersText(workers) {
  if (!workers) return "upstream";
  const kinds = Object.entries(workers).filter(([, count]) => count > 0);
  return kinds.length === 0 ? "none" : kinds.map(([kind, count]) => `${count} ${kind}`).join(", ");
}
