// Live plots of the last minutes. The figures stand in the table, too, for who sees no plots.
import { colourOf, element, numberText } from "./elements.js";
import UPlot from "./uplot.js";

/** @import { DeploymentFigures, EndpointReport } from "../../types.ts" */
/** @typedef {{ label: string, isDashed?: boolean, value: (figures: DeploymentFigures) => number | null }} Line */
/** @typedef {{ title: string, unit: string, lines: readonly Line[] }} Plot */

/** Points that are kept: five minutes at one a second. */
const MAX_POINTS = 300;
const HEIGHT = 190;
const DASHES = [5, 4];
/** Pixels from one time on the axis to the next, at least. */
const TIME_WIDTH = 80;

/** @type {readonly Plot[]} */
const PLOTS = [
  { title: "Requests a second", unit: "/s", lines: [{ label: "", value: ({ rate }) => rate }] },
  {
    title: "Latency: p50, p99 (dashed)",
    unit: " ms",
    lines: [
      { label: " p50", value: ({ latencyMs }) => (latencyMs.count === 0 ? null : latencyMs.p50) },
      { label: " p99", isDashed: true, value: ({ latencyMs }) => (latencyMs.count === 0 ? null : latencyMs.p99) },
    ],
  },
  { title: "Errors a second", unit: "/s", lines: [{ label: "", value: ({ errorRate }) => errorRate }] },
];

/** @param {HTMLElement} place */
export function createPlots(place) {
  /** @type {{ time: number, figures: Map<string, DeploymentFigures> }[]} */
  const points = [];
  /** @type {string[]} */
  let names = [];
  const plots = PLOTS.map((plot) => {
    const canvas = element("div");
    place.append(element("figure", {}, element("figcaption", {}, plot.title), canvas));
    return { plot, canvas, drawn: /** @type {UPlot | undefined} */ (undefined) };
  });

  /** @param {Plot} plot @returns {UPlot.AlignedData} */
  function dataOf({ lines }) {
    const rows = names.flatMap((name) =>
      lines.map(({ value }) =>
        points.map(({ figures }) => {
          const own = figures.get(name);
          return own === undefined ? null : value(own);
        }),
      ),
    );
    return [points.map(({ time }) => time), ...rows];
  }

  function drawAnew() {
    const style = getComputedStyle(document.documentElement);
    for (const own of plots) {
      own.drawn?.destroy();
      own.drawn = new UPlot(optionsOf(own.plot, names, widthOf(own.canvas), style), dataOf(own.plot), own.canvas);
    }
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAnew);
  new ResizeObserver(() => {
    for (const { drawn, canvas } of plots) drawn?.setSize({ width: widthOf(canvas), height: HEIGHT });
  }).observe(place);

  return {
    /** @param {EndpointReport} report @param {number} time seconds since 1970 */
    add({ deployments }, time) {
      points.push({ time, figures: new Map(deployments.map(({ name, figures }) => [name, figures])) });
      if (points.length > MAX_POINTS) points.shift();
      const now = deployments.map(({ name }) => name);
      if (plots[0]?.drawn === undefined || now.join() !== names.join()) {
        names = now;
        drawAnew();
      } else for (const { drawn, plot } of plots) drawn?.setData(dataOf(plot));
    },
  };
}

/** @param {number} time seconds since 1970 */
function timeText(time) {
  return new Date(time * 1_000).toLocaleTimeString("en", { hourCycle: "h23" });
}

/** @param {HTMLElement} canvas */
function widthOf(canvas) {
  return Math.max(200, Math.floor(canvas.clientWidth));
}

/**
 * @param {Plot} plot
 * @param {string[]} names
 * @param {number} width
 * @param {CSSStyleDeclaration} style
 * @returns {UPlot.Options}
 */
function optionsOf({ unit, lines }, names, width, style) {
  const text = style.getPropertyValue("--faint");
  const grid = { stroke: style.getPropertyValue("--grid"), width: 1 };
  const axis = { stroke: text, grid, ticks: grid };
  return {
    width,
    height: HEIGHT,
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { ...axis, space: TIME_WIDTH, values: (_, ticks) => ticks.map(timeText) },
      { ...axis, size: 52, values: (_, ticks) => ticks.map(numberText) },
    ],
    series: [
      { label: "time", value: (_, time) => (time === null ? "–" : timeText(time)) },
      ...names.flatMap((name) =>
        lines.map(({ label, isDashed }) => ({
          label: name + label,
          stroke: style.getPropertyValue(`--series-${colourOf(name)}`),
          width: 1.5,
          points: { show: false },
          ...(isDashed && { dash: DASHES }),
          value: (/** @type {UPlot} */ _, /** @type {number | null} */ value) =>
            value === null ? "–" : numberText(value) + unit,
        })),
      ),
    ],
  };
}
