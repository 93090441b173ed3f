// Help texts of the settings, apart from their table because a deployed function has no use for them.
import type { HostSetting } from "./host-settings.ts";
import { SETTINGS, type Setting, type SettingName } from "./settings.ts";

/** Titles of help, by the names of the groups that settings belong to. */
export const SETTING_GROUPS = {
  script: "script and model",
  server: "server",
  limits: "workers and limits",
  answers: "answers and swagger",
  logs: "logs, metrics and telemetry",
  host: "clouds",
} as const;

export type SettingGroup = keyof typeof SETTING_GROUPS;

interface Help {
  /** Under which title help shows it. */
  readonly group: Exclude<SettingGroup, "host">;
  readonly help: string;
  /** Flags of the reference server: its own help text, missing spaces included (contract CLI-2). */
  readonly referenceHelp?: string;
}

const HELP: Readonly<Record<SettingName, Help>> = {
  entryScript: {
    group: "script",
    help: "The score script. The flag is relative to the current directory, the variable to AML_APP_ROOT.",
    referenceHelp: "The relative or absolute path to the scoring script.",
  },
  modelDir: {
    group: "script",
    help: "The model directory, handed to the script as AZUREML_MODEL_DIR exactly as given.",
    referenceHelp:
      "The relative or absolute path to the model directory. The model directory will be accessiblethrough the " +
      "'AZUREML_MODEL_DIR' environment variable.",
  },
  appInsightsKey: {
    group: "logs",
    help: "Application Insights instrumentation key, a GUID. The flag also turns AML_APP_INSIGHTS_ENABLED on.",
    referenceHelp: "The instrumentation key to the application insights where the logs will be published.",
  },
  port: {
    group: "server",
    help:
      "Port to serve on; under scorefn serve, 0 picks a free one, which banner and log name. " +
      "The script sees it as SERVER_PORT; the server never reads that variable.",
    referenceHelp: "The serving port of the server. Default is 5001.",
  },
  healthPort: {
    group: "server",
    help: "Second port to serve on, only with SEPERATE_HEALTH_ENDPOINT=true. The script sees it as HEALTH_PORT.",
    referenceHelp: "The health port of the server. Default is 5000.",
  },
  workerCount: {
    group: "limits",
    help: "Worker processes; each loads the script and scores one request at a time.",
    referenceHelp: "The number of worker threads which will process concurrent requests. Default is 1.",
  },
  corsOrigins: {
    group: "server",
    help: "Origins that may call from a browser (CORS), separated by commas.",
    referenceHelp:
      'Enable CORS for the specified origins. Separate multiple origins with ",".Example: "microsoft.com, bing.com"',
  },
  configFile: {
    group: "script",
    help: "A JSON file of settings that neither a flag nor a variable gives. Without it: config.json in AML_APP_ROOT, or beside the script.",
    referenceHelp: "The relative or absolute path to the configuration file",
  },
  rest: {
    group: "script",
    help: "Sets TRANSPORT_PROTOCOL=rest for the script (grpc without it); no other effect.",
  },
  host: {
    group: "server",
    help: "Address to listen on; 127.0.0.1 takes requests from this machine only.",
  },
  model: {
    group: "script",
    help: "A model that is served without a script: an ONNX file, an MLflow model's folder, or a repository of ONNX models in Triton's layout.",
  },
  modelName: {
    group: "script",
    help: "Name in paths and answers of a model that is served without a script. Default: the file's or the folder's; models of a repository have names of their own.",
  },
  modelUri: {
    group: "script",
    help: "Where the model is fetched from before init(): s3://bucket/path, https://ACCOUNT.blob.core.windows.net/container/path, with or without a SAS, or file:///path. The script sees the folder as AZUREML_MODEL_DIR.",
  },
  modelCache: {
    group: "script",
    help: "Folder in which fetched models are kept. Default: scorefn/models in the user's cache folder, or a folder for temporary files where that cannot be written to.",
  },
  python: {
    group: "script",
    help: "Python interpreter, 3.9 or later. Without it: that of VIRTUAL_ENV or CONDA_PREFIX, then python3 and python on PATH.",
  },
  workerConcurrency: {
    group: "limits",
    help: "Requests an async run() may have under way at a time, per worker.",
  },
  readyPath: {
    group: "server",
    help: "Path that returns 200 once the script is loaded and init() is done, and 503 before.",
  },
  rootProbe: {
    group: "server",
    help: "What GET / means: `live` returns 200 as soon as the server listens, `ready` returns 503 until init() is done. The default of the command azmlinfsrv is `ready`.",
  },
  metrics: {
    group: "logs",
    help: "Path of the metrics for Prometheus, or `off`. Default: /metrics on the separate health port, off where there is none. With a separate health port they are there, and only there.",
  },
  docs: {
    group: "answers",
    help: "Path of a page that shows what the script takes and sends it requests from a browser, such as /docs, or `off`. Default: off.",
  },
  maxBodyMb: {
    group: "limits",
    help: "Largest request body; 0: the most that a worker can take, 2047 MB.",
  },
  maxQueue: {
    group: "limits",
    help: "Requests that may wait for a worker; one more gets 503.",
  },
  maxQueueMb: {
    group: "limits",
    help: "Bytes of request bodies that may wait for a worker; a request that would exceed it gets 503, unless nothing else waits. 0: no limit.",
  },
  queueTimeoutMs: {
    group: "limits",
    help: "How long a request may wait for a worker before it gets 503; 0: no limit.",
  },
  errorDetail: {
    group: "answers",
    help: "How much of a script's failure the client sees; `full` adds the traceback to `location`. Default: `location` if the server listens on a loopback address only, else `none`. The log always has everything.",
  },
  strict: {
    group: "answers",
    help: "Turn warnings into errors: an answer that is not valid JSON or holds JSON as text, or a status in a tuple, is a 500; input that contradicts the declared schema is a 400 with the reason.",
  },
  scriptHost: {
    group: "script",
    help: "Where the script runs: in worker processes, or (JavaScript and TypeScript only) in the server's own.",
  },
  logFormat: {
    group: "logs",
    help: "How the server and its workers write log records: lines of text, or one JSON object a line, with the ids of the request.",
  },
  appRoot: {
    group: "script",
    help: "Root of relative script paths, on the script's import path. Default: the current directory.",
  },
  sourceDirectory: {
    group: "script",
    help: "Folder below AML_APP_ROOT, on the script's import path as well.",
  },
  serviceName: { group: "answers", help: "Title of the swagger document, and name of the service in telemetry." },
  serviceVersion: { group: "answers", help: "Version in the swagger document." },
  servicePathPrefix: {
    group: "answers",
    help: "Prefix of the paths in the swagger document; what is served stays where it is.",
  },
  workspaceName: {
    group: "logs",
    help: "Workspace named in telemetry, as `Workspace Name`.",
  },
  scoringTimeoutMs: {
    group: "limits",
    help: "How long one run() may take; 0: no limit.",
  },
  workerTimeout: {
    group: "limits",
    help: "How long a worker process may take to report itself after its start before it is killed and replaced; 0: no limit. It does not limit run(): SCORING_TIMEOUT_MS does.",
  },
  workerPreload: {
    group: "limits",
    help: "`true`, in upper or lower case: load a Python script and call init() once, then fork the workers. No effect on other scripts.",
  },
  separateHealthEndpoint: {
    group: "server",
    help: "Exactly `true`: serve on --health_port as well, from a thread of its own that answers / and the ready path.",
  },
  appInsightsEnabled: {
    group: "logs",
    help: "Exactly `true`, with a valid key: send telemetry to Application Insights. Anything else turns a connection string off as well.",
  },
  appInsightsConnection: {
    group: "logs",
    help: "Connection string of Application Insights: its key, where AML_APP_INSIGHTS_KEY gives none, and its endpoint. It alone turns telemetry on.",
  },
  logResponses: {
    group: "logs",
    help: "Put response bodies into Application Insights, up to 8,192 bytes of each.",
  },
  modelDataCollection: {
    group: "logs",
    help: "Put inputs and predictions into Application Insights, up to 8,192 bytes of each. AML_MDC_STORAGE_ENABLED is the same.",
  },
  logLevel: {
    group: "logs",
    help: "Threshold of the server's log, in upper or lower case.",
  },
  accessLogLevel: {
    group: "logs",
    help: "Threshold of the access records in NCSA style (logger gunicorn.access). Default: that of AZUREML_LOG_LEVEL; under the command azmlinfsrv `INFO`.",
  },
  debugPort: {
    group: "script",
    help: "Port of a debugger for one worker: Python connects to it before the script is loaded, Node listens on it. Lifts time limits.",
  },
  hostname: {
    group: "logs",
    help: "Container named in telemetry, as `Container Id`.",
  },
  sendServerVersion: {
    group: "server",
    help: "Unset or `true`: send x-ms-server-version. Otherwise only a given HTTP_X_MS_SERVER_VERSION is sent.",
  },
  serverVersion: {
    group: "server",
    help: "Value of x-ms-server-version if SERVER_VERSION_LOG_RESPONSE_ENABLED is set to anything but `true`.",
  },
};

const NAMES = new Map(Object.entries(SETTINGS).map(([name, setting]) => [setting, name as SettingName]));

/** What a setting means, as help and docs/configuration.md say it. */
export function meaningOf(setting: Setting | HostSetting): string {
  const { help } = "help" in setting ? setting : HELP[NAMES.get(setting)!];
  return help;
}

/** Rows that hosts add have a group of their own. */
export function groupOf(setting: Setting | HostSetting): SettingGroup {
  return "help" in setting ? (setting.group ?? "host") : HELP[NAMES.get(setting)!].group;
}

/** For flags of the reference server its own text, for others ours. */
export function referenceHelpOf(setting: Setting): string {
  const { help, referenceHelp } = HELP[NAMES.get(setting)!];
  return referenceHelp ?? help;
}
