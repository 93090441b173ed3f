// What only some configurations need: where there are files, pages, or a model to fetch.
import { parseModelUri, shownUri } from "../model/source.ts";
import { DEFAULT_ENDPOINT, isInstrumentationKey, parseConnectionString } from "./connection-string.ts";
import { loadConfigFile } from "./file.ts";
import { findModel } from "./model.ts";
import { checkPages } from "./pages.ts";
import { settingProblem } from "./problems.ts";
import type { Environment, SettingsReader } from "./reader.ts";
import { SETTINGS } from "./settings.ts";
import { readSwaggerFiles } from "./swagger-files.ts";

export interface Rare {
  readonly loadConfigFile: typeof loadConfigFile;
  readonly readSwaggerFiles: typeof readSwaggerFiles;
  readonly checkPages: typeof checkPages;
  readonly checkModelUri: (read: SettingsReader) => void;
  readonly findModel: typeof findModel;
  readonly checkTelemetry: (read: SettingsReader) => TelemetryCheck;
  readonly warningsOf: (env: Environment) => readonly string[];
}

export const RARE: Rare = {
  loadConfigFile,
  readSwaggerFiles,
  checkPages,
  checkModelUri,
  findModel,
  checkTelemetry,
  warningsOf,
};

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
  /** Null: nothing is sent to Application Insights. */
  readonly key: string | null;
  readonly endpoint: string;
  /** Bare lines for stdout. */
  readonly notices: readonly string[];
  /** Messages of WARNING records. */
  readonly warnings: readonly string[];
}

const STRING = "APPLICATIONINSIGHTS_CONNECTION_STRING";

/** Whether telemetry is on (contract ENV-12, CLI-13, TEL-1), and where it goes. A connection string alone turns it on, unless
 *  AML_APP_INSIGHTS_ENABLED says no; beside a key of its own it gives the endpoint. One that cannot be used turns it off:
 *  nobody knows where it should have gone. */
function checkTelemetry(read: SettingsReader): TelemetryCheck {
  const { key, isRefused, notices } = checkKey(read);
  const given = read.given("appInsightsConnection");
  const parsed = given && parseConnectionString(given.text);
  if (typeof parsed === "string") {
    const warning = `${STRING} cannot be used: ${parsed}. Nothing is sent to Application Insights.`;
    return { key: null, endpoint: DEFAULT_ENDPOINT, notices, warnings: [warning] };
  }
  const { key: itsKey, endpoint = DEFAULT_ENDPOINT, unknown = [] } = parsed ?? {};
  const isDenied = isRefused || (read.given("appInsightsEnabled")?.text ?? "true") !== "true";
  const warnings = unknown.length === 0 ? [] : [`${STRING}: unknown parts have no effect: ${unknown.join(", ")}.`];
  return { key: key ?? (isDenied ? null : (itsKey ?? null)), endpoint, notices, warnings };
}

type KeyCheck = Pick<TelemetryCheck, "key" | "notices"> & { readonly isRefused: boolean };

/** The key that the flag or AML_APP_INSIGHTS_KEY gives. */
function checkKey(read: SettingsReader): KeyCheck {
  const key = read.given("appInsightsKey");
  const enabled = key?.source === "flag" || read.text("appInsightsEnabled") === "true";
  if (key === undefined || !enabled) return { key: null, isRefused: false, notices: [] };
  if (isInstrumentationKey(key.text)) {
    const notices = ["Valid Application Insights instrumentation key provided."];
    return { key: key.text, isRefused: false, notices };
  }
  return {
    key: null,
    isRefused: true,
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
