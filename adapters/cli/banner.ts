import { type Config, type ServedModel, shownUri, VERSION } from "../../src/host.ts";

/** The one line that names the product in banner and help (contract ENV-11). */
export const PRODUCT_LINE: string = `Azure ML Inferencing HTTP server compatible: scorefn v${VERSION}`;

/** Lines for a model directory that is not set (contract BAN-2). */
export function modelDirLines({
  workerEnv,
  modelUri,
  model,
}: Pick<Config, "workerEnv" | "modelUri" | "model">): readonly string[] {
  if (workerEnv.AZUREML_MODEL_DIR !== undefined || modelUri !== null || model !== null) return [];
  return [
    "The environment variable 'AZUREML_MODEL_DIR' has not been set.",
    "Use the --model_dir command line argument to set it.",
  ];
}

/** Banner, settings and routes of the drop-in command (contract BAN-3 to BAN-7): the settings block shows what stands in
 *  the effective environment (BAN-4), and nothing of settings that are left at their defaults. */
export function bannerLines({ workerEnv: env, appInsightsKey, model }: Config): readonly string[] {
  const shown = (variable: string) => env[variable] ?? "None";
  return [
    "",
    PRODUCT_LINE,
    "",
    "",
    "Server Settings",
    RULE,
    model === null ? `Entry Script Name: ${shown("AZUREML_ENTRY_SCRIPT")}` : modelLine(model),
    `Model Directory: ${shown("AZUREML_MODEL_DIR")}`,
    `Config File: ${shown("AZUREML_CONFIG_FILE")}`,
    `Worker Count: ${shown("WORKER_COUNT")}`,
    `Worker Timeout (seconds): ${shown("WORKER_TIMEOUT")}`,
    `Server Port: ${shown("SERVER_PORT")}`,
    `Health Port: ${shown("HEALTH_PORT")}`,
    `Application Insights Enabled: ${shown("AML_APP_INSIGHTS_ENABLED")}`,
    `Application Insights Key: ${keyOf(env, appInsightsKey)}`,
    `Inferencing HTTP server version: ${shown("HTTP_X_MS_SERVER_VERSION")}`,
    `CORS for the specified origins: ${env.AML_CORS_ORIGINS === undefined ? "None" : `Enabling CORS for ${env.AML_CORS_ORIGINS}`}`,
    `Create dedicated endpoint for health: ${shown("SEPERATE_HEALTH_ENDPOINT")}`,
    "",
    "",
    "Server Routes",
    RULE,
    `Liveness Probe: GET   127.0.0.1:${shown("HEALTH_PORT")}/`,
    `Score:          POST  127.0.0.1:${shown("SERVER_PORT")}/score`,
    "",
  ];
}

/** Banner of `scorefn serve`: the values in effect, wherever they come from. */
export function ownBannerLines(config: Config): readonly string[] {
  const { workerEnv: env, listen, model, modelUri, readyPath } = config;
  const healthAddress = listen.find(({ health }) => health);
  const base = urlOf(listen[0]!.host, config.port);
  const healthBase = healthAddress === undefined ? base : urlOf(healthAddress.host, healthAddress.port);
  const settings: readonly (readonly [string, string | number | null])[] = [
    ...(model === null
      ? ([
          ["Entry Script Name", config.entryScript ?? "main.py (module main, as no script is named)"],
          ["Model Directory", modelUri === null ? config.modelDir : `fetched from ${shownUri(modelUri)}`],
        ] as const)
      : []),
    ["Config File", config.configFile],
    [
      "Worker Count",
      config.scriptHost === "in-process"
        ? `none, the ${model === null ? "script" : "model"} runs in this process`
        : config.workerCount,
    ],
    ["Worker Start Timeout (seconds)", limit(config.workerTimeoutMs / MS_PER_SECOND)],
    ["Scoring Timeout (seconds)", limit(config.scoringTimeoutMs / MS_PER_SECOND)],
    ["Listening On", listen.map(addressText).join(", ")],
    ["Error Detail In Answers", `${config.errorDetail}${ERROR_DETAIL[config.errorDetail]}`],
    ["Application Insights Key", keyOf(env, config.appInsightsKey)],
    ["Server Version Header", config.serverVersion],
    ["CORS For Origins", config.corsOrigins],
  ];
  return [
    "",
    `scorefn v${VERSION}`,
    "",
    "Server Settings",
    RULE,
    ...(model === null ? [] : [modelLine(model)]),
    ...settings.map(([title, value]) => `${title}: ${value ?? "None"}`),
    "",
    "Server Routes",
    RULE,
    `Liveness Probe:  GET  ${healthBase}/`,
    `Readiness Probe: GET  ${healthBase}${readyPath}`,
    `Score:           POST ${base}/score`,
    `Swagger:         GET  ${base}/swagger.json`,
    ...(model === null ? [] : modelRoutes(model, base)),
    "",
  ];
}

function modelLine({ path, kind }: ServedModel): string {
  return `Model: ${path} (${MODEL_KINDS[kind]})`;
}

const MODEL_KINDS: Readonly<Record<ServedModel["kind"], string>> = {
  onnx: "ONNX",
  mlflow: "MLflow",
  triton: "a repository of ONNX models",
};

/** The routes of the other protocols that models speak. */
function modelRoutes({ kind, name }: ServedModel, base: string): readonly string[] {
  const model = kind === "triton" ? "<model>" : encodeURIComponent(name);
  return [
    `Invocations:     POST ${base}/invocations`,
    `Inference:       POST ${base}/v2/models/${model}/infer`,
    ...(kind === "triton" ? [`Models:          POST ${base}/v2/repository/index`] : []),
  ];
}

const MS_PER_SECOND = 1_000;

const ERROR_DETAIL: Readonly<Record<Config["errorDetail"], string>> = {
  none: " (the log says where a script fails; --error_detail location tells clients, too)",
  location: " (clients see file, line and source line of failures; --error_detail none hides them)",
  full: " (clients see tracebacks of failures; --error_detail none hides them)",
};

function addressText({ host, port, health }: Config["listen"][number]): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}${health ? " (health)" : ""}`;
}

function limit(seconds: number): string | number {
  return seconds === 0 ? "no limit" : seconds;
}

/** @param host an address to listen on; where that is every address, the one to try it with */
export function urlOf(host: string, port: number): string {
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

/** The key itself is secret (contract BAN-5). */
function keyOf(env: Config["workerEnv"], key: string | null): string {
  return env.AML_APP_INSIGHTS_KEY === undefined && key === null ? "None" : "AppInsights key provided";
}

const RULE = "-".repeat(15);
