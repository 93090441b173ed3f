/** Who reads a setting; it decides how its variable is looked up and how a bad value is reported.
 *  - `worker`: the script server. Any case of the variable's name counts (contract ENV-3), and a bad value is a
 *    CRITICAL record and exit code 3 (CFG-8). These are the keys config.json may hold (CFG-6).
 *  - `launcher`: the command. Exact name, and a bad value is one line on stderr and exit code 1 (ENV-13).
 *  - `scorefn`: as `launcher`; ours, unknown to the reference server. Empty counts as not given.
 *  - `host`: as `scorefn`; set by the platform that started us. */
export type Scope = "worker" | "launcher" | "scorefn" | "host";

/** `list` is comma-separated text, `path` text that names a file; both are taken as they are. */
export type Kind = "text" | "path" | "list" | "integer" | "boolean" | "choice" | "switch";

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
  readonly help: string;
  /** Flags of the reference server: its own help text, missing spaces included (contract CLI-2). */
  readonly referenceHelp?: string;
  /** Name the reference server gives the check of its flag in error texts (CLI-5). */
  readonly referenceCheck?: string;
  /** Not shown in help. */
  readonly hidden?: boolean;
  /** Accepted, checked and exported to the script, but nothing else reads it yet; help and docs say so. */
  readonly pending?: boolean;
}

const PORT_RANGE = { kind: "integer", min: 1, max: 65_535, unit: "port" } as const;
const LOG_LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const;

const worker = { scope: "worker", flag: null, kind: "text", default: null, unit: null } as const;
const launcher = { scope: "launcher", flag: null, kind: "text", default: null, unit: null } as const;
const scorefn = { scope: "scorefn", kind: "text", default: null, unit: null } as const;
const host = { scope: "host", flag: null, kind: "text", default: null, unit: null } as const;

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
  | "python"
  | "workerConcurrency"
  | "readyPath"
  | "maxBodyMb"
  | "maxQueue"
  | "queueTimeoutMs"
  | "errorDetail"
  | "scriptHost"
  | "functionsAuthLevel"
  | "functionsHttpStream"
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
  | "logResponses"
  | "modelDataCollection"
  | "logLevel"
  | "debugPort"
  | "hostname"
  | "sendServerVersion"
  | "serverVersion"
  | "lambdaEndpoint"
  | "functionsPort"
  | "lambdaPort";

/** Every setting there is. The order is that of the help text and of docs/configuration.md. */
export const SETTINGS: Readonly<Record<SettingName, Setting>> = {
  entryScript: {
    ...worker,
    variable: "AZUREML_ENTRY_SCRIPT",
    flag: "entry_script",
    kind: "path",
    help: "The score script. The flag is relative to the current directory, the variable to AML_APP_ROOT.",
    referenceHelp: "The relative or absolute path to the scoring script.",
  },
  modelDir: {
    ...worker,
    variable: "AZUREML_MODEL_DIR",
    flag: "model_dir",
    kind: "path",
    help: "The model directory, handed to the script as AZUREML_MODEL_DIR exactly as given.",
    referenceHelp:
      "The relative or absolute path to the model directory. The model directory will be accessiblethrough the " +
      "'AZUREML_MODEL_DIR' environment variable.",
  },
  appInsightsKey: {
    ...worker,
    variable: "AML_APP_INSIGHTS_KEY",
    flag: "appinsights_instrumentation_key",
    help: "Application Insights instrumentation key, a GUID. The flag also turns AML_APP_INSIGHTS_ENABLED on.",
    referenceHelp: "The instrumentation key to the application insights where the logs will be published.",
    pending: true,
  },
  port: {
    ...launcher,
    ...PORT_RANGE,
    variable: null,
    flag: "port",
    default: "5001",
    help: "Port to serve on. The script sees it as SERVER_PORT; that variable is written, never read.",
    referenceHelp: "The serving port of the server. Default is 5001.",
    referenceCheck: "validate_port",
  },
  healthPort: {
    ...launcher,
    ...PORT_RANGE,
    variable: null,
    flag: "health_port",
    default: "5000",
    help: "Second port to serve on, only with SEPERATE_HEALTH_ENDPOINT=true. The script sees it as HEALTH_PORT.",
    referenceHelp: "The health port of the server. Default is 5000.",
    referenceCheck: "validate_port",
  },
  workerCount: {
    ...launcher,
    variable: "WORKER_COUNT",
    flag: "worker_count",
    kind: "integer",
    min: 1,
    default: "1",
    unit: "processes",
    help: "Worker processes; each loads the script and scores one request at a time.",
    referenceHelp: "The number of worker threads which will process concurrent requests. Default is 1.",
    referenceCheck: "validate_worker_count",
  },
  corsOrigins: {
    ...worker,
    variable: "AML_CORS_ORIGINS",
    flag: "access_control_allow_origins",
    kind: "list",
    help: "Origins that may call from a browser (CORS), separated by commas.",
    referenceHelp:
      'Enable CORS for the specified origins. Separate multiple origins with ",".Example: "microsoft.com, bing.com"',
    pending: true,
  },
  configFile: {
    ...launcher,
    variable: "AZUREML_CONFIG_FILE",
    flag: "config_file",
    kind: "path",
    help: "A config.json; its settings are not read yet. Without --entry_script, main.py in AML_APP_ROOT is the script.",
    referenceHelp: "The relative or absolute path to the configuration file",
  },
  rest: {
    ...launcher,
    variable: null,
    flag: "rest",
    kind: "switch",
    help: "Sets TRANSPORT_PROTOCOL=rest for the script (grpc without it); no other effect.",
    hidden: true,
  },
  host: {
    ...scorefn,
    variable: "SCOREFN_HOST",
    flag: "host",
    default: "0.0.0.0",
    help: "Address to listen on.",
  },
  python: {
    ...scorefn,
    variable: "SCOREFN_PYTHON",
    flag: "python",
    kind: "path",
    help: "Python interpreter, 3.9 or later. Without it: VIRTUAL_ENV, CONDA_PREFIX, then python3 and python on PATH.",
  },
  workerConcurrency: {
    ...scorefn,
    variable: "SCOREFN_WORKER_CONCURRENCY",
    flag: "worker_concurrency",
    kind: "integer",
    min: 1,
    default: "1",
    unit: "requests",
    help: "Requests an async run() may have under way at a time, per worker.",
  },
  readyPath: {
    ...scorefn,
    variable: "SCOREFN_READY_PATH",
    flag: "ready_path",
    default: "/ready",
    help: "Path that answers whether the script is loaded and ready.",
  },
  maxBodyMb: {
    ...scorefn,
    variable: "SCOREFN_MAX_BODY_MB",
    flag: "max_body_mb",
    kind: "integer",
    min: 0,
    default: "1024",
    unit: "MB (1,048,576 bytes)",
    help: "Largest request body; 0: no limit.",
  },
  maxQueue: {
    ...scorefn,
    variable: "SCOREFN_MAX_QUEUE",
    flag: "max_queue",
    kind: "integer",
    min: 0,
    default: "1000",
    unit: "requests",
    help: "Requests that may wait for a worker; one more is answered 503.",
  },
  queueTimeoutMs: {
    ...scorefn,
    variable: "SCOREFN_QUEUE_TIMEOUT_MS",
    flag: "queue_timeout_ms",
    kind: "integer",
    min: 0,
    default: "300000",
    unit: "ms",
    help: "How long a request may wait for a worker before it is answered 503; 0: no bound.",
  },
  errorDetail: {
    ...scorefn,
    variable: "SCOREFN_ERROR_DETAIL",
    flag: "error_detail",
    kind: "choice",
    choices: ["none", "location", "full"],
    default: "location",
    help: "How much of a script's failure the client is told; full adds the traceback to location.",
  },
  scriptHost: {
    ...scorefn,
    variable: "SCOREFN_SCRIPT_HOST",
    flag: "script_host",
    kind: "choice",
    choices: ["workers", "in-process"],
    default: "workers",
    help: "Where the script runs: in worker processes, or (JavaScript and TypeScript only) in the server's own.",
  },
  functionsAuthLevel: {
    ...scorefn,
    variable: "SCOREFN_FUNCTIONS_AUTH_LEVEL",
    flag: null,
    kind: "choice",
    choices: ["anonymous", "function", "admin"],
    default: "function",
    help: "Azure Functions: which key a call of /score needs.",
  },
  functionsHttpStream: {
    ...scorefn,
    variable: "SCOREFN_FUNCTIONS_HTTP_STREAM",
    flag: null,
    kind: "boolean",
    default: "true",
    help: "Azure Functions: bodies travel by HTTP, piece by piece; `false`: whole, inside messages to the host.",
  },
  appRoot: {
    ...worker,
    variable: "AML_APP_ROOT",
    kind: "path",
    help: "Root of relative script paths, on the script's import path. Default: the current directory.",
  },
  sourceDirectory: {
    ...worker,
    variable: "AZUREML_SOURCE_DIRECTORY",
    kind: "path",
    help: "Folder below AML_APP_ROOT, on the script's import path as well.",
  },
  serviceName: { ...worker, variable: "SERVICE_NAME", default: "ML service", help: "Title of the swagger document." },
  serviceVersion: { ...worker, variable: "SERVICE_VERSION", default: "1.0", help: "Version in the swagger document." },
  servicePathPrefix: {
    ...worker,
    variable: "SERVICE_PATH_PREFIX",
    default: "",
    help: "Prefix of the paths in the swagger document; what is served stays where it is.",
  },
  workspaceName: {
    ...worker,
    variable: "WORKSPACE_NAME",
    default: "",
    help: "Workspace named in telemetry.",
    pending: true,
  },
  scoringTimeoutMs: {
    ...worker,
    variable: "SCORING_TIMEOUT_MS",
    kind: "integer",
    min: 0,
    default: "3600000",
    unit: "ms",
    help: "Limit of one run(); 0: none.",
  },
  workerTimeout: {
    ...launcher,
    variable: "WORKER_TIMEOUT",
    kind: "integer",
    min: 0,
    default: "300",
    unit: "s",
    help: "A worker that shows no sign of life for so long is killed and replaced; 0: never.",
  },
  workerPreload: {
    ...launcher,
    variable: "WORKER_PRELOAD",
    default: "false",
    help: "`true`, in any case: load the script once before workers are started.",
    pending: true,
  },
  separateHealthEndpoint: {
    ...launcher,
    variable: "SEPERATE_HEALTH_ENDPOINT",
    help: "Exactly `true`: serve on --health_port as well.",
  },
  appInsightsEnabled: {
    ...worker,
    variable: "AML_APP_INSIGHTS_ENABLED",
    default: "false",
    help: "Exactly `true`, with a valid key: send telemetry to Application Insights.",
    pending: true,
  },
  logResponses: {
    ...worker,
    variable: "APP_INSIGHTS_LOG_RESPONSE_ENABLED",
    kind: "boolean",
    default: "true",
    help: "Put response bodies into telemetry.",
    pending: true,
  },
  modelDataCollection: {
    ...worker,
    variable: "AML_MODEL_DC_STORAGE_ENABLED",
    alias: "AML_MDC_STORAGE_ENABLED",
    kind: "boolean",
    default: "false",
    help: "Put model data into telemetry. AML_MDC_STORAGE_ENABLED is the same.",
    pending: true,
  },
  logLevel: {
    ...worker,
    variable: "AZUREML_LOG_LEVEL",
    kind: "choice",
    choices: LOG_LEVELS,
    default: "INFO",
    help: "Threshold of the server's log, in any case.",
  },
  debugPort: {
    ...worker,
    ...PORT_RANGE,
    variable: "AZUREML_DEBUG_PORT",
    help: "Port of a debugger each worker connects to before the script is loaded.",
    pending: true,
  },
  hostname: {
    ...worker,
    variable: "HOSTNAME",
    default: "Unknown",
    help: "Container named in telemetry.",
    pending: true,
  },
  sendServerVersion: {
    ...launcher,
    variable: "SERVER_VERSION_LOG_RESPONSE_ENABLED",
    help: "Unset or `true`: send x-ms-server-version. Otherwise only a given HTTP_X_MS_SERVER_VERSION is sent.",
  },
  serverVersion: {
    ...launcher,
    variable: "HTTP_X_MS_SERVER_VERSION",
    help: "Value of x-ms-server-version where SERVER_VERSION_LOG_RESPONSE_ENABLED is set to something but `true`.",
  },
  lambdaEndpoint: {
    ...host,
    variable: "AWS_LAMBDA_HTTP_ENDPOINT",
    help: "`host:port` to listen on, set by AWS Lambda Web Functions.",
  },
  functionsPort: {
    ...host,
    ...PORT_RANGE,
    variable: "FUNCTIONS_CUSTOMHANDLER_PORT",
    help: "Port to listen on at 127.0.0.1, set by Azure Functions for a custom handler.",
  },
  lambdaPort: {
    ...host,
    ...PORT_RANGE,
    variable: "AWS_LWA_PORT",
    alias: "PORT",
    help: "Port in place of 5001 behind the AWS Lambda Web Adapter. Read only where AWS_LAMBDA_RUNTIME_API is set.",
  },
};

/** Settings that have a flag, the reference server's first. */
export const FLAG_SETTINGS: readonly (Setting & { readonly flag: string })[] = Object.values(SETTINGS).filter(
  (setting): setting is Setting & { readonly flag: string } => setting.flag !== null,
);

/** What a setting means, as help and docs/configuration.md say it. */
export function meaningOf(setting: Setting): string {
  return setting.pending ? `${setting.help} No effect yet.` : setting.help;
}
