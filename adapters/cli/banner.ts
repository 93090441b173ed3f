import { type Config, VERSION } from "../../src/host.ts";

/** The one line that names the product in banner and help (contract ENV-11). */
export const PRODUCT_LINE: string = `Azure ML Inferencing HTTP server compatible: scorefn v${VERSION}`;

/** Lines for a model directory that is not set (contract BAN-2). */
export function modelDirLines(env: Config["workerEnv"]): readonly string[] {
  if (env.AZUREML_MODEL_DIR !== undefined) return [];
  return [
    "The environment variable 'AZUREML_MODEL_DIR' has not been set.",
    "Use the --model_dir command line argument to set it.",
  ];
}

/** Banner, settings and routes (contract BAN-3 to BAN-7).
 *  @param env the effective environment, `Config.workerEnv`: the settings block shows what stands there (BAN-4) */
export function bannerLines(env: Config["workerEnv"]): readonly string[] {
  const shown = (variable: string) => env[variable] ?? "None";
  return [
    "",
    PRODUCT_LINE,
    "",
    "",
    "Server Settings",
    RULE,
    `Entry Script Name: ${shown("AZUREML_ENTRY_SCRIPT")}`,
    `Model Directory: ${shown("AZUREML_MODEL_DIR")}`,
    `Config File: ${shown("AZUREML_CONFIG_FILE")}`,
    `Worker Count: ${shown("WORKER_COUNT")}`,
    `Worker Timeout (seconds): ${shown("WORKER_TIMEOUT")}`,
    `Server Port: ${shown("SERVER_PORT")}`,
    `Health Port: ${shown("HEALTH_PORT")}`,
    `Application Insights Enabled: ${shown("AML_APP_INSIGHTS_ENABLED")}`,
    `Application Insights Key: ${env.AML_APP_INSIGHTS_KEY === undefined ? "None" : "AppInsights key provided"}`,
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

const RULE = "-".repeat(15);
