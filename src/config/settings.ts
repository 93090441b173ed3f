/** Who reads a setting, which decides how its variable is looked up and how a bad value is reported.
 *  - `worker`: the script server. Any case of the variable's name counts (contract ENV-3), and a bad value is a
 *    CRITICAL record and exit code 3 (CFG-8). These are the keys config.json may hold (CFG-6).
 *  - `launcher`: the command. Exact name, and a bad value is one line on stderr and exit code 1 (ENV-13).
 *  - `scorefn`: as `launcher`; ours, unknown to the reference server. Empty counts as not given.
 *  - `host`: as `scorefn`; set by the platform that started us (`HostSettings`). */
export type Scope = "worker" | "launcher" | "scorefn" | "host";

/** `list` is comma-separated text, `path` text that names a file; both are taken as they are. `address` is `host:port`. */
export type Kind = "text" | "path" | "list" | "integer" | "boolean" | "choice" | "switch" | "address";

/** One setting: what the parser, the help text, docs/configuration.md and their tests are made from. */
export interface Setting {
  /** Environment variable; null: a flag only. */
  readonly variable: string | null;
  /** A second name, asked when the first is not set. */
  readonly alias?: string;
  /** Without the leading dashes; null: a variable only. */
  readonly flag: string | null;
  readonly scope: Scope;
  readonly kind: Kind;
  /** Bounds of an integer, inclusive. */
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** As it would be written in the variable; null: there is none. */
  readonly default: string | null;
  readonly unit: string | null;
  /** Not shown in help. */
  readonly hidden?: boolean;
  /** The value must not appear in a banner, a record or an error text. */
  readonly secret?: boolean;
}

/** Largest number of a TCP port. */
export const MAX_PORT: number = 65_535;
/** Of every setting that is a port. */
export const PORT_RANGE: Pick<Setting, "kind" | "min" | "max" | "unit"> = {
  kind: "integer",
  min: 1,
  max: MAX_PORT,
  unit: "port",
};

/** Largest body in MB: with the request's head it has to fit into one frame to a worker, of 2,147,483,647 bytes. */
export const MAX_BODY_MB = 2_047;

/** What several rows have. */
const INTEGER: Pick<Setting, "kind" | "min"> = { kind: "integer", min: 0 };
const MEBIBYTES: Pick<Setting, "kind" | "min" | "default" | "unit"> = {
  ...INTEGER,
  default: "1024",
  unit: "MB (1,048,576 bytes)",
};

const LOG_LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const;

type More = Partial<Setting>;

/** Rows of the table. Each of its bytes is read at every cold start of a function, so what they have in common stands here. */
const row = (scope: Scope, variable: string | null, more?: More): Setting => ({
  ...{ scope, variable, flag: null, kind: "text", default: null, unit: null },
  ...more,
});
const worker = (variable: string, more?: More): Setting => row("worker", variable, more);
const launcher = (variable: string | null, more?: More): Setting => row("launcher", variable, more);
/** Our own, whose flags are named as their variables are. */
const scorefn = (variable: string, more?: More): Setting =>
  row("scorefn", variable, { flag: variable.slice("SCOREFN_".length).toLowerCase(), ...more });

export type SettingName =
  | "entryScript"
  | "modelDir"
  | "appInsightsKey"
  | "port"
  | "healthPort"
  | "workerCount"
  | "corsOrigins"
  | "configFile"
  | "rest"
  | "host"
  | "model"
  | "modelName"
  | "modelUri"
  | "modelCache"
  | "python"
  | "workerConcurrency"
  | "readyPath"
  | "rootProbe"
  | "metrics"
  | "docs"
  | "maxBodyMb"
  | "maxQueue"
  | "maxQueueMb"
  | "queueTimeoutMs"
  | "errorDetail"
  | "strict"
  | "scriptHost"
  | "logFormat"
  | "appRoot"
  | "sourceDirectory"
  | "serviceName"
  | "serviceVersion"
  | "servicePathPrefix"
  | "workspaceName"
  | "scoringTimeoutMs"
  | "workerTimeout"
  | "workerPreload"
  | "separateHealthEndpoint"
  | "appInsightsEnabled"
  | "appInsightsConnection"
  | "logResponses"
  | "modelDataCollection"
  | "logLevel"
  | "accessLogLevel"
  | "debugPort"
  | "hostname"
  | "sendServerVersion"
  | "serverVersion";

/** Every setting of the core; hosts add their own. The order is that of the help text and of docs/configuration.md. */
export const SETTINGS: Readonly<Record<SettingName, Setting>> = {
  entryScript: worker("AZUREML_ENTRY_SCRIPT", { flag: "entry_script", kind: "path" }),
  modelDir: worker("AZUREML_MODEL_DIR", { flag: "model_dir", kind: "path" }),
  appInsightsKey: worker("AML_APP_INSIGHTS_KEY", { flag: "appinsights_instrumentation_key", secret: true }),
  port: launcher("SCOREFN_PORT", { ...PORT_RANGE, flag: "port", default: "5001" }),
  healthPort: launcher("SCOREFN_HEALTH_PORT", {
    ...PORT_RANGE,
    flag: "health_port",
    default: "5000",
  }),
  workerCount: launcher("WORKER_COUNT", {
    ...INTEGER,
    flag: "worker_count",
    min: 1,
    default: "1",
    unit: "processes",
  }),
  corsOrigins: worker("AML_CORS_ORIGINS", { flag: "access_control_allow_origins", kind: "list" }),
  configFile: launcher("AZUREML_CONFIG_FILE", { flag: "config_file", kind: "path" }),
  rest: launcher(null, { flag: "rest", kind: "switch", hidden: true }),
  host: scorefn("SCOREFN_HOST", { default: "0.0.0.0" }),
  model: scorefn("SCOREFN_MODEL", { kind: "path" }),
  modelName: scorefn("SCOREFN_MODEL_NAME"),
  modelUri: scorefn("SCOREFN_MODEL_URI"),
  modelCache: scorefn("SCOREFN_MODEL_CACHE", { kind: "path" }),
  python: scorefn("SCOREFN_PYTHON", { kind: "path" }),
  workerConcurrency: scorefn("SCOREFN_WORKER_CONCURRENCY", { ...INTEGER, min: 1, default: "1", unit: "requests" }),
  readyPath: scorefn("SCOREFN_READY_PATH", { default: "/ready" }),
  rootProbe: scorefn("SCOREFN_ROOT_PROBE", { kind: "choice", choices: ["live", "ready"], default: "live" }),
  metrics: scorefn("SCOREFN_METRICS"),
  docs: scorefn("SCOREFN_DOCS"),
  maxBodyMb: scorefn("SCOREFN_MAX_BODY_MB", { ...MEBIBYTES, max: MAX_BODY_MB }),
  maxQueue: scorefn("SCOREFN_MAX_QUEUE", { ...INTEGER, default: "1000", unit: "requests" }),
  maxQueueMb: scorefn("SCOREFN_MAX_QUEUE_MB", MEBIBYTES),
  queueTimeoutMs: scorefn("SCOREFN_QUEUE_TIMEOUT_MS", { ...INTEGER, default: "300000", unit: "ms" }),
  errorDetail: scorefn("SCOREFN_ERROR_DETAIL", { kind: "choice", choices: ["none", "location", "full"] }),
  strict: scorefn("SCOREFN_STRICT", { kind: "switch", default: "false" }),
  scriptHost: scorefn("SCOREFN_SCRIPT_HOST", {
    kind: "choice",
    choices: ["workers", "in-process"],
    default: "workers",
  }),
  logFormat: scorefn("SCOREFN_LOG_FORMAT", { kind: "choice", choices: ["text", "json"], default: "text" }),
  appRoot: worker("AML_APP_ROOT", { kind: "path" }),
  sourceDirectory: worker("AZUREML_SOURCE_DIRECTORY", { kind: "path" }),
  serviceName: worker("SERVICE_NAME", { default: "ML service" }),
  serviceVersion: worker("SERVICE_VERSION", { default: "1.0" }),
  servicePathPrefix: worker("SERVICE_PATH_PREFIX", { default: "" }),
  workspaceName: worker("WORKSPACE_NAME", { default: "" }),
  scoringTimeoutMs: worker("SCORING_TIMEOUT_MS", { ...INTEGER, default: "3600000", unit: "ms" }),
  workerTimeout: launcher("WORKER_TIMEOUT", { ...INTEGER, default: "300", unit: "s" }),
  workerPreload: launcher("WORKER_PRELOAD", { default: "false" }),
  separateHealthEndpoint: launcher("SEPERATE_HEALTH_ENDPOINT"),
  appInsightsEnabled: worker("AML_APP_INSIGHTS_ENABLED", { kind: "boolean", default: "false" }),
  appInsightsConnection: scorefn("APPLICATIONINSIGHTS_CONNECTION_STRING", { flag: null, secret: true }),
  logResponses: worker("APP_INSIGHTS_LOG_RESPONSE_ENABLED", { kind: "boolean", default: "true" }),
  modelDataCollection: worker("AML_MODEL_DC_STORAGE_ENABLED", {
    alias: "AML_MDC_STORAGE_ENABLED",
    kind: "boolean",
    default: "false",
  }),
  logLevel: worker("AZUREML_LOG_LEVEL", { kind: "choice", choices: LOG_LEVELS, default: "INFO" }),
  accessLogLevel: scorefn("SCOREFN_ACCESS_LOG_LEVEL", { flag: null, kind: "choice", choices: LOG_LEVELS }),
  debugPort: worker("AZUREML_DEBUG_PORT", PORT_RANGE),
  hostname: worker("HOSTNAME", { default: "Unknown" }),
  sendServerVersion: launcher("SERVER_VERSION_LOG_RESPONSE_ENABLED"),
  serverVersion: launcher("HTTP_X_MS_SERVER_VERSION"),
};

/** Whether an empty value counts as not given: with ours `X=${Y}` and an unset Y is the likely cause, while an empty
 *  variable of the reference server is a value (contract ENV-6). */
export function emptyIsNotGiven({ scope, variable }: Setting): boolean {
  return scope === "scorefn" || scope === "host" || (variable?.startsWith("SCOREFN_") ?? false);
}

/** Whether config.json may hold the setting, under its variable's name (contract CFG-6). */
export function isFileSetting({ scope }: Setting): boolean {
  return scope === "worker";
}
