// The deployments of an endpoint side by side.
import type { DeploymentReport, EndpointReport, Shares } from "../../../endpoint/types.ts";

/** @returns lines with a column for each deployment */
export function figuresTable(report: EndpointReport): string {
  const { deployments, traffic, mirrorTraffic } = report;
  if (deployments.length === 0) return `endpoint ${report.endpoint}: no deployments\n`;
  const row = (title: string, cell: (one: DeploymentReport) => string): string[] => [title, ...deployments.map(cell)];
  const rows = [
    row("", ({ name }) => name),
    row("state", ({ state, isReady }) => (state === "Succeeded" && !isReady ? "not ready" : state)),
    row("traffic %", ({ name }) => shareOf(traffic, name)),
    row("mirrored %", ({ name }) => shareOf(mirrorTraffic, name)),
    row("instances", ({ instances }) => String(instances)),
    row("requests", ({ figures }) => String(figures.requests)),
    row("requests/s", ({ figures }) => figures.rate.toFixed(1)),
    row("errors/s", ({ figures }) => figures.errorRate.toFixed(1)),
    row("statuses", ({ figures }) => counts(figures.statuses)),
    row("model statuses", ({ figures }) => counts(figures.modelStatuses)),
    ...(["p50", "p90", "p95", "p99", "max"] as const).map((key) =>
      row(`${key} ms`, ({ figures }) => (figures.latencyMs.count === 0 ? "-" : figures.latencyMs[key].toFixed(1))),
    ),
  ];
  const widths = rows[0]!.map((_cell, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  const lines = rows.map((cells) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
  return `endpoint ${report.endpoint}, ${report.scoringUri}, since ${report.since}\n\n${lines.join("\n")}\n`;
}

/** Any word may name a deployment, `constructor` included. */
function shareOf(shares: Shares, name: string): string {
  return String(Object.hasOwn(shares, name) ? shares[name] : 0);
}

function counts(statuses: Readonly<Record<string, number>>): string {
  const all = Object.entries(statuses).map(([status, count]) => `${status}:${count}`);
  return all.length === 0 ? "-" : all.join(" ");
}
