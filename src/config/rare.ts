// What only some configurations need: where there are files, or a model to fetch.
import { parseModelUri, shownUri } from "../model/source.ts";
import { loadConfigFile } from "./file.ts";
import { settingProblem } from "./problems.ts";
import type { Environment, SettingsReader } from "./reader.ts";
import { SETTINGS } from "./settings.ts";
import { readSwaggerFiles } from "./swagger-files.ts";

export interface Rare {
  readonly loadConfigFile: typeof loadConfigFile;
  readonly readSwaggerFiles: typeof readSwaggerFiles;
  readonly checkModelUri: (read: SettingsReader) => void;
  readonly checkTelemetry: (read: SettingsReader) => TelemetryCheck;
  readonly warningsOf: (env: Environment) => readonly string[];
}

export const RARE: Rare = { loadConfigFile, readSwaggerFiles, checkModelUri, checkTelemetry, warningsOf };

/** What is reported of it leaves out the key that it may hold. */
function checkModelUri(read: SettingsReader): void {
  const given = read.given("modelUri");
  try {
    if (given !== undefined) parseModelUri(given.text);
  } catch (error) {
    const { text, variable, source } = given!;
    const reason = (error as Error).message;
    read.problems.push(settingProblem(SETTINGS.modelUri, variable, shownUri(text), reason, source === "flag"));
  }
}

export interface TelemetryCheck {
  /** Null: telemetry is off. */
  readonly key: string | null;
  /** Bare lines for stdout. */
  readonly notices: readonly string[];
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether telemetry is on (contract ENV-12, CLI-13). */
function checkTelemetry(read: SettingsReader): TelemetryCheck {
  const key = read.given("appInsightsKey");
  const enabled = key?.source === "flag" || read.text("appInsightsEnabled") === "true";
  if (key === undefined || !enabled) return { key: null, notices: [] };
  if (GUID.test(key.text)) {
    return { key: key.text, notices: ["Valid Application Insights instrumentation key provided."] };
  }
  return {
    key: null,
    notices: ["Invalid Application Insights instrumentation key provided.", "Application Insights has been disabled."],
  };
}

function warningsOf(env: Environment): readonly string[] {
  if (env.GUNICORN_CMD_ARGS === undefined) return [];
  return [
    "GUNICORN_CMD_ARGS is set but has no effect, because this server does not run gunicorn. WORKER_COUNT (--worker_count) " +
      "sets the number of processes, SCORING_TIMEOUT_MS limits one run(), and --help lists all other settings.",
  ];
}
