import { basename } from "node:path";
import {
  type Config,
  createRecorder,
  metricsRoute,
  type Recorder,
  type Route,
  runsInNode,
  type ScoreRuntime,
  VERSION,
} from "../../src/host.ts";

/** What a server measures, and where it shows it. */
export interface Metrics extends Recorder {
  /** None where a separate health port shows the figures. */
  readonly routes: (runtime: Pick<ScoreRuntime, "state" | "load">) => readonly Route[];
}

/** @param current what is served now, where that changes   @returns undefined: metrics are off, and cost nothing */
export function createMetrics(
  config: Config,
  current: () => Pick<Config, "entryScript" | "model"> = () => config,
): Metrics | undefined {
  const { metricsPath, listen } = config;
  if (metricsPath === null) return undefined;
  const recorder = createRecorder({
    version: VERSION,
    get runtime() {
      return runsInNode(current()) ? "node" : "python";
    },
    get script() {
      const { model, entryScript } = current();
      return basename(model?.path ?? entryScript ?? "main.py");
    },
  });
  const isApart = listen.some(({ health }) => health);
  const routes: Metrics["routes"] = (runtime) =>
    isApart ? [] : [metricsRoute(metricsPath, config, () => [recorder.figures(runtime)])];
  return { ...recorder, routes };
}
