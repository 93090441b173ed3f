// What the mirror has found, with both bodies of the first answers of each kind.
import { byId, element, numberText, setText } from "./elements.js";

/** @import { DifferenceExample, DifferenceKind, MirrorReport } from "../../types.ts" */

/** @type {readonly (readonly [string, "p50" | "p90" | "p95" | "p99" | "max"])[]} */
const LATENCIES = [
  ["p50 ms", "p50"],
  ["p90 ms", "p90"],
  ["p95 ms", "p95"],
  ["p99 ms", "p99"],
  ["max ms", "max"],
];

export function createDifferences() {
  const summary = byId("mirror-summary", HTMLElement);
  const sides = byId("sides", HTMLTableElement);
  const place = byId("kinds", HTMLElement);
  /** What somebody has opened stays open. @type {Map<string, HTMLDetailsElement>} */
  const kinds = new Map();
  let of = "";

  /** @param {DifferenceKind} found */
  function showKind({ kind, count, examples }) {
    const own = kinds.get(kind) ?? createKind(kind);
    setText(/** @type {HTMLElement} */ (own.querySelector(".count")), `${numberText(count)} ×`);
    for (const example of examples.slice(own.querySelectorAll(".example").length)) own.append(exampleOf(example));
  }

  /** @param {string} kind */
  function createKind(kind) {
    const made = element(
      "details",
      {},
      element("summary", {}, element("span", { class: "count" }), " ", element("code", {}, kind)),
    );
    kinds.set(kind, made);
    place.append(made);
    return made;
  }

  return {
    /** @param {MirrorReport | null} report */
    show(report) {
      const now = report === null ? "" : `${report.shadow} ${report.since}`;
      if (now !== of) {
        of = now;
        kinds.clear();
        place.replaceChildren();
      }
      sides.hidden = report === null || report.compared === 0;
      setText(summary, report === null ? "No requests have been mirrored." : summaryOf(report));
      if (report === null) return;
      if (!sides.hidden) showSides(sides, report);
      report.kinds.forEach(showKind);
    },
  };
}

/** @param {MirrorReport} report */
function summaryOf({ shadow, mirrored, compared, dropped, notComparable, different, shareDifferent }) {
  const share = `${numberText(Number((shareDifferent * 100).toPrecision(3)))} %`;
  const parts = [
    `${numberText(mirrored)} copies to ${shadow}`,
    `${numberText(compared)} compared`,
    `${numberText(different)} different (${share})`,
  ];
  if (notComparable > 0) parts.push(`${numberText(notComparable)} too large to compare`);
  if (dropped > 0) parts.push(`${numberText(dropped)} dropped for lack of room`);
  return parts.join(" · ");
}

/** @param {HTMLTableElement} table @param {MirrorReport} report */
function showSides(table, { shadow, liveMs, shadowMs, liveStatuses, shadowStatuses }) {
  const statuses = [...new Set([...Object.keys(liveStatuses), ...Object.keys(shadowStatuses)])].sort();
  const rows = [
    ["", ...LATENCIES.map(([title]) => title), ...statuses.map((status) => `status ${status}`)],
    [
      "live",
      ...LATENCIES.map(([, key]) => numberText(liveMs[key])),
      ...statuses.map((status) => numberText(liveStatuses[status] ?? 0)),
    ],
    [
      shadow,
      ...LATENCIES.map(([, key]) => numberText(shadowMs[key])),
      ...statuses.map((status) => numberText(shadowStatuses[status] ?? 0)),
    ],
  ];
  if (table.dataset.shown === rows.join()) return;
  table.dataset.shown = rows.join();
  table.replaceChildren(
    ...rows.map((cells, row) =>
      element(
        "tr",
        {},
        ...cells.map((cell, column) => {
          if (row === 0) return element("th", { scope: "col", class: "number" }, cell);
          return column === 0 ? element("th", { scope: "row" }, cell) : element("td", { class: "number" }, cell);
        }),
      ),
    ),
  );
}

/** @param {DifferenceExample} example */
function exampleOf({ requestId, time, request, live, shadow, path, liveValue, shadowValue }) {
  return element(
    "div",
    { class: "example" },
    element(
      "p",
      {},
      element("code", {}, path),
      ": ",
      element("code", {}, liveValue || "nothing"),
      " → ",
      element("code", {}, shadowValue || "nothing"),
    ),
    element("p", {}, `request ${requestId}, ${new Date(time).toLocaleTimeString()}`),
    element("pre", { tabindex: "0", "aria-label": "request" }, request),
    element("div", { class: "bodies" }, bodyOf(live, shadow.body), bodyOf(shadow, live.body)),
  );
}

/** @param {DifferenceExample["live"]} side @param {string} other */
function bodyOf({ deployment, status, body }, other) {
  const title = `${deployment}, ${status}`;
  return element(
    "div",
    {},
    element("h4", {}, title),
    element("pre", { tabindex: "0", "aria-label": title }, ...marked(body, other)),
  );
}

/** Marks what lies between the beginning and the end that both have. @param {string} body @param {string} other */
function marked(body, other) {
  const most = Math.min(body.length, other.length);
  let start = 0;
  while (start < most && body[start] === other[start]) start++;
  let end = 0;
  while (end < most - start && body.at(-1 - end) === other.at(-1 - end)) end++;
  const middle = body.slice(start, body.length - end);
  if (middle === "") return [body];
  return [body.slice(0, start), element("mark", {}, middle), body.slice(body.length - end)];
}
