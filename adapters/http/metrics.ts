import { basename } from "node:path";
import {
  type Config,
  createRecorder,
  isJavaScript,
  metricsRoute,
  type Recorder,
  type Route,
  type ScoreRuntime,
  VERSION,
} from "../../src/host.ts";

/** What a server measures, and where it shows it. */
export interface Metrics extends Recorder {
  /** None where a separate health port shows the figures. */
  readonly routes: (runtime: ScoreRuntime) => readonly Route[];
}

/** @returns undefined: metrics are off, and cost nothing */
export function createMetrics(config: Config): Metrics | undefined {
  const { metricsPath, entryScript, listen } = config;
  if (metricsPath === null) return undefined;
  const runtime = isJavaScript(entryScript) ? "node" : "python";
  const recorder = createRecorder({ version: VERSION, runtime, script: basename(entryScript ?? "main.py") });
  const isApart = listen.some(({ health }) => health);
  const routes = (runtime: ScoreRuntime): readonly Route[] =>
    isApart ? [] : [metricsRoute(metricsPath, config, () => [recorder.figures(runtime)])];
  return { ...recorder, routes };
}
