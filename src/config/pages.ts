// Paths of pages that are there only where a setting asks for them.
import type { SettingsReader } from "./reader.ts";
import { METRICS_PATH, OFF } from "./values.ts";

export interface PagePaths {
  readonly model: unknown;
  readonly metricsPath: string | null;
  readonly docsPath: string | null;
  readonly readyPath: string;
}

/** Plain characters only: a path that reads as another one when it is decoded, or that a browser shortens, could stand in front
 *  of that. */
const PLAIN = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/;

/** Of a model that is served without a script; it has all below the first. */
const MODEL_ROUTES = ["/v2", "/invocations", "/ping", "/health", "/version"];
const BELOW_MODELS = "/v2/";

/** @param fixed routes that every server has */
export function checkPages(
  read: SettingsReader,
  fixed: readonly string[],
  { metricsPath, docsPath, readyPath, model }: PagePaths,
): void {
  const own = model === null ? fixed : [...fixed, ...MODEL_ROUTES];
  if (model !== null) checkBesideModel(read, own, { metricsPath, docsPath, readyPath });
  const others = [...own, readyPath];
  checkMetrics(read, others, metricsPath);
  if (docsPath === null) return;
  const taken = metricsPath === null ? others : [...others, metricsPath];
  if (!PLAIN.test(docsPath)) {
    read.reject("docs", notPlain("/docs"));
    // What the page loads lies below it.
  } else if (taken.some((path) => path === docsPath || path.startsWith(`${docsPath}/`))) {
    read.reject("docs", notAmong(taken));
  }
}

/** What is to be where a model's protocols have their routes. */
function checkBesideModel(
  read: SettingsReader,
  own: readonly string[],
  { metricsPath, docsPath, readyPath }: Omit<PagePaths, "model">,
): void {
  if (MODEL_ROUTES.includes(readyPath)) {
    read.reject("readyPath", `must not be one of the server's own routes ${own.join(", ")}`);
  }
  const paths = { readyPath, metrics: metricsPath, docs: docsPath };
  for (const [name, path] of Object.entries(paths)) {
    if (path?.startsWith(BELOW_MODELS)) {
      read.reject(name as keyof typeof paths, `must not be below ${BELOW_MODELS}, where the model has its routes`);
    }
  }
}

function checkMetrics(read: SettingsReader, others: readonly string[], path: string | null): void {
  if (path === null) return;
  if (!PLAIN.test(path)) {
    read.reject("metrics", notPlain(METRICS_PATH));
  } else if (read.given("metrics") !== undefined && others.includes(path)) {
    read.reject("metrics", notAmong(others));
  } else if (others.includes(path)) {
    read.reject(
      "readyPath",
      `must not be ${METRICS_PATH}, which is that of the metrics; set --metrics to another path, or off`,
    );
  }
}

function notPlain(example: string): string {
  return `must be ${OFF} or a path of letters, digits, dots and dashes, such as ${example}`;
}

function notAmong(paths: readonly string[]): string {
  return `must not be one of the server's other routes ${paths.join(", ")}`;
}
