import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platforms } from "../../../adapters/cli/platforms.ts";
import {
  type Config,
  type ConfigInput,
  configurationErrorRecord,
  InvalidSettingsError,
  type Problem,
  resolveConfig,
  SETTINGS,
  type Setting,
} from "../../../src/config/config.ts";
import { settingProblem } from "../../../src/config/problems.ts";
import { isFileSetting } from "../../../src/config/settings.ts";
import { meaningOf } from "../../../src/config/settings-help.ts";
import { parseInteger } from "../../../src/config/values.ts";
import { type TemporaryFolder, temporaryFolder } from "../../setup/service.ts";

const CWD = "/site";

function resolved(flags: ConfigInput["flags"] = {}, env: ConfigInput["env"] = {}): Config {
  return resolveConfig({ flags, env, cwd: CWD }).config;
}

/** As the command resolves it, which obeys platforms. */
function onPlatform(flags: ConfigInput["flags"], env: ConfigInput["env"]): Config {
  return resolveConfig({ flags, env, cwd: CWD, host: platforms }).config;
}

function problems(flags: ConfigInput["flags"], env: ConfigInput["env"]): readonly Problem[] {
  try {
    onPlatform(flags, env);
  } catch (error) {
    if (error instanceof InvalidSettingsError) return error.problems;
    throw error;
  }
  return [];
}

function problemTexts(flags: ConfigInput["flags"], env: ConfigInput["env"]): readonly string[] {
  return problems(flags, env).map((problem) => problem.text);
}

describe("defaults and precedence", () => {
  test("nothing given resolves to the documented defaults (ENV-2)", () => {
    const { workerEnv, ...config } = resolved();
    expect(config).toEqual({
      appRoot: "/site",
      entryScript: null,
      model: null,
      configFile: null,
      sourceDirectory: null,
      modelDir: null,
      modelUri: null,
      modelCache: null,
      serviceName: "ML service",
      serviceVersion: "1.0",
      servicePathPrefix: "",
      swaggerFiles: [],
      scoringTimeoutMs: 3_600_000,
      workerCount: 1,
      workerPreload: false,
      workerConcurrency: 1,
      workerTimeoutMs: 300_000,
      maxQueue: 1000,
      maxQueueBytes: 1_073_741_824,
      queueTimeoutMs: 300_000,
      maxBodyBytes: 1_073_741_824,
      readyPath: "/ready",
      rootProbe: "live",
      metricsPath: null,
      docsPath: null,
      errorDetail: "none",
      strict: false,
      corsOrigins: null,
      serverVersion: "scorefn/0.1.0",
      logLevel: "INFO",
      logFormat: "text",
      accessLogLevel: "INFO",
      debugPort: null,
      appInsightsKey: null,
      appInsightsEndpoint: "https://dc.services.visualstudio.com",
      telemetryLogsResponses: true,
      telemetryLogsModelData: false,
      workspaceName: "",
      hostname: "Unknown",
      python: null,
      host: "0.0.0.0",
      port: 5001,
      listen: [{ host: "0.0.0.0", port: 5001 }],
      scriptHost: "workers",
    });
    expect(workerEnv).toEqual({
      AML_APP_ROOT: "/site",
      AML_APP_INSIGHTS_ENABLED: "false",
      WORKER_COUNT: "1",
      SERVER_PORT: "5001",
      HEALTH_PORT: "5001",
      HTTP_X_MS_SERVER_VERSION: "scorefn/0.1.0",
      TRANSPORT_PROTOCOL: "grpc",
      SERVER_SOFTWARE: "scorefn/0.1.0",
    });
  });

  test("the configuration is frozen all the way down", () => {
    const config = resolved();
    for (const part of [config, config.listen, config.listen[0], config.workerEnv]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  test.each([
    ["workerCount", "worker_count", "WORKER_COUNT", 4, 3],
    ["workerConcurrency", "worker_concurrency", "SCOREFN_WORKER_CONCURRENCY", 4, 3],
    ["maxQueue", "max_queue", "SCOREFN_MAX_QUEUE", 4, 3],
    ["queueTimeoutMs", "queue_timeout_ms", "SCOREFN_QUEUE_TIMEOUT_MS", 4, 3],
    ["host", "host", "SCOREFN_HOST", "::1", "::2"],
    ["python", "python", "SCOREFN_PYTHON", "py4", "py3"],
    ["readyPath", "ready_path", "SCOREFN_READY_PATH", "/a", "/b"],
    ["errorDetail", "error_detail", "SCOREFN_ERROR_DETAIL", "none", "full"],
    ["modelDir", "model_dir", "AZUREML_MODEL_DIR", "a/b", "c"],
    ["corsOrigins", "access_control_allow_origins", "AML_CORS_ORIGINS", "a.com", "b.com"],
  ] as const)("%s: the flag --%s beats %s (ENV-1)", (name, flag, variable, fromFlag, fromVariable) => {
    expect(resolved({}, { [variable]: String(fromVariable) })[name]).toBe(fromVariable);
    expect(resolved({ [flag]: String(fromFlag) }, { [variable]: String(fromVariable) })[name]).toBe(fromFlag);
  });

  test("an empty variable of the reference server is a value, an empty SCOREFN_ variable is none (ENV-6)", () => {
    expect(resolved({}, { SERVICE_NAME: "", SCOREFN_HOST: "", SCOREFN_MAX_QUEUE: "" })).toMatchObject({
      serviceName: "",
      host: "0.0.0.0",
      maxQueue: 1000,
    });
  });

  test("the script server's names count in any case, the exact one first (ENV-3)", () => {
    expect(resolved({}, { aml_cors_origins: "low", service_version: "7" })).toMatchObject({
      corsOrigins: "low",
      serviceVersion: "7",
    });
    expect(resolved({}, { service_name: "low", SERVICE_NAME: "exact", Service_Name: "mixed" }).serviceName).toBe(
      "exact",
    );
  });

  test("the launcher's names are exact (ENV-3)", () => {
    expect(resolved({}, { worker_count: "7", worker_timeout: "7", seperate_health_endpoint: "true" })).toMatchObject({
      workerCount: 1,
      workerTimeoutMs: 300_000,
      listen: [{ host: "0.0.0.0", port: 5001 }],
    });
  });

  test("max_body_mb is counted in units of 1,048,576 bytes, and 0 means the most that a worker can be handed", () => {
    expect(resolved({ max_body_mb: "2" }).maxBodyBytes).toBe(2_097_152);
    // What one frame to a worker holds, with room for the request's head.
    expect(resolved({ max_body_mb: "0" }).maxBodyBytes).toBe(2_146_435_072);
    expect(resolved({ max_body_mb: "2047" }).maxBodyBytes).toBe(2_146_435_072);
  });

  test("max_queue_mb is counted in the same units, and the flag beats the variable", () => {
    expect(resolved({}, { SCOREFN_MAX_QUEUE_MB: "3" }).maxQueueBytes).toBe(3_145_728);
    expect(resolved({ max_queue_mb: "2" }, { SCOREFN_MAX_QUEUE_MB: "3" }).maxQueueBytes).toBe(2_097_152);
  });

  test("WORKER_TIMEOUT is given in seconds", () => {
    expect(resolved({}, { WORKER_TIMEOUT: "7" }).workerTimeoutMs).toBe(7000);
    expect(resolved({}, { WORKER_TIMEOUT: "0" }).workerTimeoutMs).toBe(0);
  });

  test.each(["true", "TRUE", "1", "yes", "On", "t", "y"])("%s turns a boolean on (ENV-5)", (text) => {
    expect(resolved({}, { AML_MODEL_DC_STORAGE_ENABLED: text }).telemetryLogsModelData).toBe(true);
  });

  test.each(["false", "0", "No", "off", "F", "n"])("%s turns a boolean off (ENV-5)", (text) => {
    expect(resolved({}, { APP_INSIGHTS_LOG_RESPONSE_ENABLED: text }).telemetryLogsResponses).toBe(false);
  });

  test("AML_MDC_STORAGE_ENABLED counts where the documented name is not set (ENV-14)", () => {
    expect(resolved({}, { AML_MDC_STORAGE_ENABLED: "1" }).telemetryLogsModelData).toBe(true);
    const both = { AML_MODEL_DC_STORAGE_ENABLED: "0", AML_MDC_STORAGE_ENABLED: "1" };
    expect(resolved({}, both).telemetryLogsModelData).toBe(false);
  });

  test("AZUREML_LOG_LEVEL works in any case (ENV-15)", () => {
    expect(resolved({}, { AZUREML_LOG_LEVEL: "warning" }).logLevel).toBe("WARNING");
  });

  test("access records follow the log's threshold, unless they have one of their own", () => {
    expect(resolved({}, { AZUREML_LOG_LEVEL: "ERROR" }).accessLogLevel).toBe("ERROR");
    expect(resolved({}, { AZUREML_LOG_LEVEL: "ERROR", SCOREFN_ACCESS_LOG_LEVEL: "INFO" }).accessLogLevel).toBe("INFO");
  });

  test("the side door of AML_ and a field name stays closed (ENV-17)", () => {
    expect(resolved({}, { AML_SERVICE_NAME: "x", AML_DEBUG_PORT: "5678" })).toMatchObject({
      serviceName: "ML service",
      debugPort: null,
    });
  });

  test("GUNICORN_CMD_ARGS gives one warning that names the cure (ENV-16)", () => {
    const { warnings } = resolveConfig({ env: { GUNICORN_CMD_ARGS: "--threads 4" }, cwd: CWD });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^GUNICORN_CMD_ARGS is set but has no effect.*--worker_count/);
    expect(resolveConfig({ env: {}, cwd: CWD }).warnings).toEqual([]);
  });
});

describe("paths", () => {
  test("--entry_script is relative to the current directory, whatever AML_APP_ROOT is (CLI-8)", () => {
    const config = resolved({ entry_script: "sub/score.py" }, { AML_APP_ROOT: "/app", AZUREML_ENTRY_SCRIPT: "old.py" });
    expect(config.entryScript).toBe("/site/sub/score.py");
    expect(config.workerEnv.AZUREML_ENTRY_SCRIPT).toBe("/site/sub/score.py");
  });

  test("AZUREML_ENTRY_SCRIPT is relative to AML_APP_ROOT and stays as given (CFG-12, LOAD-1)", () => {
    const config = resolved({ config_file: "c.json" }, { AML_APP_ROOT: "app", AZUREML_ENTRY_SCRIPT: "sub/score.py" });
    expect(config).toMatchObject({ appRoot: "/site/app", entryScript: "/site/app/sub/score.py" });
    expect(config.workerEnv).toMatchObject({ AML_APP_ROOT: "app", AZUREML_ENTRY_SCRIPT: "sub/score.py" });
  });

  test("--config_file without a script means module main (LOAD-2) and is exported (CLI-10)", () => {
    const config = resolved({ config_file: "conf/c.json" });
    expect(config.entryScript).toBeNull();
    expect(config.workerEnv.AZUREML_CONFIG_FILE).toBe("/site/conf/c.json");
  });

  test("both path flags are handed to realPath as absolute paths (CLI-8, CLI-10)", () => {
    const { config } = resolveConfig({
      flags: { entry_script: "score.py", config_file: "c.json" },
      env: {},
      cwd: CWD,
      realPath: (path) => `/real${path}`,
    });
    expect(config.entryScript).toBe("/real/site/score.py");
    expect(config.workerEnv.AZUREML_CONFIG_FILE).toBe("/real/site/c.json");
  });

  test("an empty --entry_script counts as not given (CLI-7)", () => {
    const config = resolved({ entry_script: "", config_file: "c.json" }, { AZUREML_ENTRY_SCRIPT: "env.py" });
    expect(config.entryScript).toBe("/site/env.py");
  });
});

describe("what scripts see", () => {
  test("a variable that is not ours is passed on", () => {
    expect(resolved({}, { PATH: "/bin", MINE: "" }).workerEnv).toMatchObject({ PATH: "/bin", MINE: "" });
  });

  test("--model_dir is exported exactly as typed, also when empty (CLI-9)", () => {
    expect(resolved({ model_dir: "./rel/../m" }).workerEnv.AZUREML_MODEL_DIR).toBe("./rel/../m");
    expect(resolved({ model_dir: "" }, { AZUREML_MODEL_DIR: "/m" }).workerEnv.AZUREML_MODEL_DIR).toBe("");
  });

  test("--rest sets TRANSPORT_PROTOCOL, which is always overwritten (CLI-11)", () => {
    expect(resolved({ rest: "true" }).workerEnv.TRANSPORT_PROTOCOL).toBe("rest");
    expect(resolved({}, { TRANSPORT_PROTOCOL: "rest" }).workerEnv.TRANSPORT_PROTOCOL).toBe("grpc");
  });

  test("--access_control_allow_origins is exported verbatim, also when empty (CLI-12)", () => {
    const env = { AML_CORS_ORIGINS: "x" };
    expect(resolved({ access_control_allow_origins: "" }, env).workerEnv.AML_CORS_ORIGINS).toBe("");
    expect(resolved({}, env).workerEnv.AML_CORS_ORIGINS).toBe("x");
  });

  test("a flag's number is exported in plain form, a variable's as it is (CLI-4, BAN-4)", () => {
    expect(resolved({ worker_count: " 0_2" }, { WORKER_COUNT: "9" }).workerEnv.WORKER_COUNT).toBe("2");
    const fromVariable = resolved({}, { WORKER_COUNT: " 2 " });
    expect(fromVariable.workerEnv.WORKER_COUNT).toBe(" 2 ");
    expect(fromVariable.workerCount).toBe(2);
  });

  test("SERVER_PORT from outside is overwritten (ENV-7)", () => {
    expect(resolved({}, { SERVER_PORT: "99" }).workerEnv.SERVER_PORT).toBe("5001");
    expect(resolved({ port: "6001" }, { SERVER_PORT: "99" }).workerEnv.SERVER_PORT).toBe("6001");
  });

  test("HEALTH_PORT is the port that is really served on (ENV-10)", () => {
    expect(resolved({}, { HEALTH_PORT: "99" }).workerEnv.HEALTH_PORT).toBe("5001");
    expect(resolved({ port: "6001", health_port: "6002" }).workerEnv.HEALTH_PORT).toBe("6001");
  });

  test.each([
    [undefined, undefined, "scorefn/0.1.0"],
    ["TRUE", "mine", "scorefn/0.1.0"],
    ["", undefined, null],
    ["no", "mine", "mine"],
    ["treu", undefined, null],
  ])("with SERVER_VERSION_LOG_RESPONSE_ENABLED %j and %j given, the version is %j (ENV-11)", (send, given, version) => {
    const env = { SERVER_VERSION_LOG_RESPONSE_ENABLED: send, HTTP_X_MS_SERVER_VERSION: given };
    expect(resolved({}, env).serverVersion).toBe(version);
    expect(resolved({}, env).workerEnv.HTTP_X_MS_SERVER_VERSION ?? null).toBe(version);
  });
});

describe("telemetry (ENV-12)", () => {
  const KEY = "12345678-abcd-ABCD-1234-123456789abc";
  const telemetry = (flags: ConfigInput["flags"], env: ConfigInput["env"]) => {
    const { config, notices } = resolveConfig({ flags, env, cwd: CWD });
    return { notices, key: config.appInsightsKey, enabled: config.workerEnv.AML_APP_INSIGHTS_ENABLED };
  };

  test("a key by flag turns it on and is exported (CLI-13)", () => {
    expect(telemetry({ appinsights_instrumentation_key: KEY }, { AML_APP_INSIGHTS_ENABLED: "no" })).toEqual({
      notices: ["Valid Application Insights instrumentation key provided."],
      key: KEY,
      enabled: "true",
    });
    expect(resolved({ appinsights_instrumentation_key: KEY }).workerEnv.AML_APP_INSIGHTS_KEY).toBe(KEY);
  });

  test.each(["x", `${KEY}\n`, KEY.replaceAll("-", ""), ""])("a key that is no GUID, %j, turns it off", (key) => {
    expect(telemetry({}, { AML_APP_INSIGHTS_ENABLED: "true", AML_APP_INSIGHTS_KEY: key })).toEqual({
      notices: [
        "Invalid Application Insights instrumentation key provided.",
        "Application Insights has been disabled.",
      ],
      key: null,
      enabled: "false",
    });
  });

  test.each([
    ["the switch missing", { AML_APP_INSIGHTS_KEY: KEY }],
    ["the switch True", { AML_APP_INSIGHTS_ENABLED: "True", AML_APP_INSIGHTS_KEY: KEY }],
    ["the switch 1", { AML_APP_INSIGHTS_ENABLED: "1", AML_APP_INSIGHTS_KEY: KEY }],
    ["the key missing", { AML_APP_INSIGHTS_ENABLED: "true" }],
  ])("%s: off, silently", (_case, env) => {
    expect(telemetry({}, env)).toEqual({ notices: [], key: null, enabled: "false" });
  });
});

describe("the connection string of Application Insights", () => {
  const KEY = "12345678-abcd-ABCD-1234-123456789abc";
  const OTHER = "99999999-abcd-abcd-1234-123456789abc";
  const connected = (text: string, env: ConfigInput["env"] = {}, flags: ConfigInput["flags"] = {}) => {
    const given = { ...env, APPLICATIONINSIGHTS_CONNECTION_STRING: text };
    const { config, warnings } = resolveConfig({ flags, env: given, cwd: CWD });
    const { appInsightsKey: key, appInsightsEndpoint: endpoint, workerEnv } = config;
    return { key, endpoint, warnings, enabled: workerEnv.AML_APP_INSIGHTS_ENABLED };
  };

  test("it alone turns telemetry on", () => {
    const seen = connected(`InstrumentationKey=${KEY};IngestionEndpoint=https://westeurope-5.in.example.com/`);
    expect(seen).toEqual({
      key: KEY,
      endpoint: "https://westeurope-5.in.example.com",
      warnings: [],
      enabled: "true",
    });
  });

  test.each(["false", "True", ""])("AML_APP_INSIGHTS_ENABLED=%j turns it off", (enabled) => {
    const seen = connected(`InstrumentationKey=${KEY}`, { AML_APP_INSIGHTS_ENABLED: enabled });
    expect(seen).toMatchObject({ key: null, enabled: "false", warnings: [] });
  });

  test("the key of the flag wins, and the endpoint of the string stays (TEL-1)", () => {
    const flags = { appinsights_instrumentation_key: KEY };
    const text = `InstrumentationKey=${OTHER};IngestionEndpoint=http://127.0.0.1:9/`;
    expect(connected(text, {}, flags)).toMatchObject({ key: KEY, endpoint: "http://127.0.0.1:9" });
    expect(connected("IngestionEndpoint=http://127.0.0.1:9/", {}, flags)).toMatchObject({
      key: KEY,
      endpoint: "http://127.0.0.1:9",
    });
  });

  test("a key that is refused is not replaced by that of the string", () => {
    const flags = { appinsights_instrumentation_key: "none" };
    expect(connected(`InstrumentationKey=${OTHER}`, {}, flags)).toMatchObject({ key: null, enabled: "false" });
  });

  test("without any key it is off", () => {
    expect(connected("IngestionEndpoint=http://127.0.0.1:9/")).toMatchObject({ key: null, warnings: [] });
  });

  test("an empty one counts as not given", () => {
    expect(connected("")).toMatchObject({ key: null, warnings: [] });
  });

  test("unknown parts get one warning, which shows no values", () => {
    const { key, warnings } = connected(`InstrumentationKey=${KEY};Colour=s3cret;${OTHER}=1`);
    expect(key).toBe(KEY);
    expect(warnings).toEqual([
      "APPLICATIONINSIGHTS_CONNECTION_STRING: unknown parts have no effect: Colour, one with an odd name.",
    ]);
  });

  test.each([
    OTHER,
    `=${OTHER}`,
    "InstrumentationKey=no-guid-99999999",
    `InstrumentationKey=${OTHER};IngestionEndpoint=ftp://host-99999999`,
    `InstrumentationKey=${OTHER};IngestionEndpoint=https://user:99999999@host`,
    `InstrumentationKey=${OTHER};IngestionEndpoint=99999999`,
    `InstrumentationKey=${OTHER};Authorization=99999999`,
    `InstrumentationKey=${OTHER};x=${"99999999".repeat(600)}`,
  ])("%.60s: one warning, which shows nothing of it, and telemetry is off, whatever the flag says", (text) => {
    for (const flags of [{}, { appinsights_instrumentation_key: KEY }]) {
      const { key, enabled, warnings } = connected(text, {}, flags);
      expect({ key, enabled }).toEqual({ key: null, enabled: "false" });
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toMatch(/^APPLICATIONINSIGHTS_CONNECTION_STRING cannot be used: .*\. Nothing is sent/);
      expect(warnings[0]).not.toContain("99999999");
    }
  });

  test.each([
    [`instrumentationkey=${KEY};EndpointSuffix=ai.contoso.com;Location=westus2`, "https://westus2.dc.ai.contoso.com"],
    [`INSTRUMENTATIONKEY = ${KEY} ; EndpointSuffix=ai.contoso.com ;`, "https://dc.ai.contoso.com"],
    [`InstrumentationKey=${KEY};LiveEndpoint=https://l/;ApplicationId=1`, "https://dc.services.visualstudio.com"],
    [`InstrumentationKey=${KEY};IngestionEndpoint=http://[::1]:4/a/;EndpointSuffix=x.y`, "http://[::1]:4/a"],
  ])("%s", (text, endpoint) => {
    expect(connected(text)).toMatchObject({ key: KEY, endpoint, warnings: [] });
  });

  test("it is secret", () => {
    expect(SETTINGS.appInsightsConnection.secret).toBe(true);
  });
});

describe("where to listen", () => {
  test("SEPERATE_HEALTH_ENDPOINT=true adds --health_port, by default 5000 (ENV-9)", () => {
    const env = { SEPERATE_HEALTH_ENDPOINT: "true", HEALTH_PORT: "99" };
    expect(resolved({}, env).listen.map((address) => address.port)).toEqual([5001, 5000]);
    const config = resolved({ health_port: "6002" }, env);
    expect(config.listen.map((address) => address.port)).toEqual([5001, 6002]);
    expect(config.workerEnv.HEALTH_PORT).toBe("6002");
  });

  test("the same number for both is listed twice, so that it fails like a busy port (ENV-9)", () => {
    const config = resolved({ port: "6001", health_port: "6001" }, { SEPERATE_HEALTH_ENDPOINT: "true" });
    expect(config.listen.map((address) => address.port)).toEqual([6001, 6001]);
  });

  test("only exactly true adds it (ENV-9)", () => {
    expect(resolved({}, { SEPERATE_HEALTH_ENDPOINT: "True" }).listen).toHaveLength(1);
  });

  test.each([
    ["AWS_LAMBDA_HTTP_ENDPOINT", "127.0.0.1:9000", { host: "127.0.0.1", port: 9000 }],
    ["AWS_LAMBDA_HTTP_ENDPOINT", "[::1]:9000", { host: "::1", port: 9000 }],
    ["FUNCTIONS_CUSTOMHANDLER_PORT", "7071", { host: "127.0.0.1", port: 7071 }],
  ])("%s=%s is listened on instead, and --port adds the usual address", (variable, text, address) => {
    const config = onPlatform({}, { [variable]: text });
    expect(config.listen).toEqual([address]);
    expect(config.port).toBe(address.port);
    expect(config.workerEnv).toMatchObject({ SERVER_PORT: String(address.port), HEALTH_PORT: String(address.port) });

    const withPort = onPlatform({ port: "6001" }, { [variable]: text });
    expect(withPort.listen).toEqual([address, { host: "0.0.0.0", port: 6001 }]);
    expect(withPort.workerEnv.SERVER_PORT).toBe("6001");
  });

  test("--port with the platform's own number adds nothing", () => {
    expect(onPlatform({ port: "7071" }, { FUNCTIONS_CUSTOMHANDLER_PORT: "7071" }).listen).toHaveLength(1);
  });

  test("PORT and AWS_LWA_PORT count on Lambda only, where --port beats them", () => {
    const lambda = { AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9001" };
    expect(onPlatform({}, { PORT: "8080", AWS_LWA_PORT: "8081" }).port).toBe(5001);
    expect(onPlatform({}, { ...lambda, PORT: "8080" }).listen).toEqual([{ host: "0.0.0.0", port: 8080 }]);
    expect(onPlatform({}, { ...lambda, PORT: "8080", AWS_LWA_PORT: "8081" }).port).toBe(8081);
    expect(onPlatform({ port: "6001" }, { ...lambda, PORT: "8080" }).listen).toEqual([{ host: "0.0.0.0", port: 6001 }]);
  });

  test("a container sets host and ports by variable; the flag beats it and empty is not given", () => {
    const env = { SCOREFN_HOST: "127.0.0.1", SCOREFN_PORT: "8080", SCOREFN_HEALTH_PORT: "8081" };
    expect(resolved({}, env).listen).toEqual([{ host: "127.0.0.1", port: 8080 }]);
    expect(resolved({ port: "6001" }, env).port).toBe(6001);
    expect(resolved({}, { ...env, SEPERATE_HEALTH_ENDPOINT: "true" }).listen).toEqual([
      { host: "127.0.0.1", port: 8080 },
      { host: "127.0.0.1", port: 8081, health: true },
    ]);
    expect(resolved({}, { SCOREFN_PORT: "" }).port).toBe(5001);
    expect(resolved({}, env).workerEnv).toMatchObject({ SERVER_PORT: "8080", HEALTH_PORT: "8080" });
    expect(onPlatform({}, { ...env, FUNCTIONS_CUSTOMHANDLER_PORT: "7071" }).listen).toHaveLength(2);
  });

  test("a host that knows no platform reads none of their variables", () => {
    expect(resolved({}, { FUNCTIONS_CUSTOMHANDLER_PORT: "x", AWS_LAMBDA_HTTP_ENDPOINT: "y" }).port).toBe(5001);
  });
});

describe("detail of errors in answers (ERR-11)", () => {
  test.each(["127.0.0.1", "127.1.2.3", "::1", "localhost", "::ffff:127.0.0.1"])("location on %s", (host) => {
    expect(resolved({ host }).errorDetail).toBe("location");
    expect(resolved({ host }, { SEPERATE_HEALTH_ENDPOINT: "true" }).errorDetail).toBe("location");
    expect(resolved({ host, error_detail: "none" }).errorDetail).toBe("none");
  });

  test.each(["0.0.0.0", "::", "10.0.0.1", "127.example.com", "localhost.example.com", "1127.0.0.1", "127.1"])(
    "none on %s, unless it is asked for",
    (host) => {
      expect(resolved({ host }).errorDetail).toBe("none");
      expect(resolved({ host }, { SCOREFN_ERROR_DETAIL: "full" }).errorDetail).toBe("full");
    },
  );

  test("none where a platform passes on what comes in from outside, whatever the address", () => {
    const host = { host: "127.0.0.1" };
    for (const env of [
      { FUNCTIONS_CUSTOMHANDLER_PORT: "7071" },
      { AWS_LAMBDA_HTTP_ENDPOINT: "127.0.0.1:9000" },
      { AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9001", PORT: "8080" },
    ]) {
      expect(onPlatform(host, env).errorDetail).toBe("none");
      expect(onPlatform({ ...host, port: "6001" }, env).errorDetail).toBe("none");
    }
  });
});

describe("values that cannot be used", () => {
  const INTEGER = "Input should be a valid integer, unable to parse string as an integer";

  test("are all reported at once, and a bad launcher value decides the exit code (PROC-8)", () => {
    const env = { SCORING_TIMEOUT_MS: "abc", WORKER_COUNT: "x", AZUREML_DEBUG_PORT: "", SCOREFN_MAX_QUEUE: "-1" };
    expect(
      problems({}, env)
        .map((problem) => problem.kind)
        .sort(),
    ).toEqual(["launcher", "launcher", "worker", "worker"]);
    expect(() => resolved({}, env)).toThrow(expect.objectContaining({ code: "ERR_CONFIG", exitCode: 1 }));
    expect(() => resolved({}, { SCORING_TIMEOUT_MS: "abc" })).toThrow(expect.objectContaining({ exitCode: 3 }));
  });

  test("a worker setting is worded as CFG-8 has it", () => {
    const [problem] = problems({}, { SCORING_TIMEOUT_MS: "abc" });
    expect(configurationErrorRecord(problem!)).toBe(
      "\n===============Configuration Error=================\n" +
        "SCORING_TIMEOUT_MS: Input should be a valid integer, unable to parse string as an integer " +
        "(environment variable: SCORING_TIMEOUT_MS)\n" +
        "===================================================",
    );
  });

  test.each(["", "1.5", "abc", "1e3", "1000.", "0x10", "5_"])("SCORING_TIMEOUT_MS=%j is one (ENV-4)", (text) => {
    expect(problemTexts({}, { SCORING_TIMEOUT_MS: text })).toEqual([
      `SCORING_TIMEOUT_MS: ${INTEGER} (environment variable: SCORING_TIMEOUT_MS)`,
    ]);
  });

  test.each([
    [" 1_000 ", 1000],
    ["1000.0", 1000],
    ["+7", 7],
    ["0", 0],
  ])("SCORING_TIMEOUT_MS=%j is %i (ENV-4, CFG-7, TMO-4)", (text, value) => {
    expect(resolved({}, { SCORING_TIMEOUT_MS: text }).scoringTimeoutMs).toBe(value);
  });

  test("a negative SCORING_TIMEOUT_MS is a configuration error (TMO-4)", () => {
    expect(problems({}, { SCORING_TIMEOUT_MS: "-1" })).toMatchObject([
      {
        kind: "worker",
        text: "SCORING_TIMEOUT_MS: Input should be greater than or equal to 0 (environment variable: SCORING_TIMEOUT_MS)",
      },
    ]);
  });

  test.each(["maybe", "", " true"])("the boolean %j is one (ENV-5)", (text) => {
    expect(problemTexts({}, { app_insights_log_response_enabled: text })).toEqual([
      "APP_INSIGHTS_LOG_RESPONSE_ENABLED: Input should be a valid boolean, unable to interpret input " +
        "(environment variable: APP_INSIGHTS_LOG_RESPONSE_ENABLED)",
    ]);
  });

  test("an unknown AZUREML_LOG_LEVEL is one (ENV-15)", () => {
    expect(problemTexts({}, { AZUREML_LOG_LEVEL: "LOUD" })).toEqual([
      "AZUREML_LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL' " +
        "(environment variable: AZUREML_LOG_LEVEL)",
    ]);
  });

  test.each([
    [{ WORKER_COUNT: "abc" }, 'WORKER_COUNT must be a whole number, 1 or more, not "abc" (or use --worker_count)'],
    [{ WORKER_COUNT: "0" }, 'WORKER_COUNT must be a whole number, 1 or more, not "0" (or use --worker_count)'],
    [
      { SCOREFN_MAX_BODY_MB: "2048" },
      'SCOREFN_MAX_BODY_MB must be a whole number from 0 to 2047, not "2048" (or use --max_body_mb)',
    ],
    [{ WORKER_TIMEOUT: "1.0" }, 'WORKER_TIMEOUT must be a whole number, 0 or more, not "1.0"'],
    [
      { SCOREFN_HEALTH_PORT: "x" },
      'SCOREFN_HEALTH_PORT must be a whole number from 1 to 65535, not "x" (or use --health_port)',
    ],
    [{ WORKER_TIMEOUT: "-1" }, 'WORKER_TIMEOUT must be a whole number, 0 or more, not "-1"'],
    [
      { SCOREFN_ERROR_DETAIL: "all" },
      'SCOREFN_ERROR_DETAIL must be none, location or full, not "all" (or use --error_detail)',
    ],
    [{ AWS_LAMBDA_HTTP_ENDPOINT: "9000" }, 'AWS_LAMBDA_HTTP_ENDPOINT must be host:port, not "9000"'],
    [{ AWS_LAMBDA_HTTP_ENDPOINT: "a:0" }, 'AWS_LAMBDA_HTTP_ENDPOINT must be host:port, not "a:0"'],
    [
      { FUNCTIONS_CUSTOMHANDLER_PORT: "x" },
      'FUNCTIONS_CUSTOMHANDLER_PORT must be a whole number from 1 to 65535, not "x"',
    ],
    [{ AWS_LAMBDA_RUNTIME_API: "a", PORT: "http" }, 'PORT must be a whole number from 1 to 65535, not "http"'],
  ])("%j is one line on stderr (ENV-13)", (env, text) => {
    expect(problems({}, env)).toMatchObject([{ kind: "launcher", text }]);
  });

  test("what a caller's own check finds is reported with the rest", () => {
    const check = ({ port }: Config): Problem[] => [{ kind: "launcher", text: `own problem with ${port}` }];
    const error = (env: ConfigInput["env"]) => {
      try {
        return resolveConfig({ env, cwd: CWD, check });
      } catch (caught) {
        return (caught as InvalidSettingsError).problems.map(({ text }) => text);
      }
    };
    expect(error({})).toEqual(["own problem with 5001"]);
    expect(error({ WORKER_COUNT: "0" })).toEqual([
      'WORKER_COUNT must be a whole number, 1 or more, not "0" (or use --worker_count)',
      "own problem with 5001",
    ]);
  });

  test("a secret value is in no error text", () => {
    const secret: Setting = { ...SETTINGS.maxQueue, secret: true };
    const { text } = settingProblem(secret, "KEY", "hunter2", "must be a GUID", false);
    expect(text).toBe("KEY must be a GUID (or use --max_queue)");
    expect(SETTINGS.appInsightsKey.secret).toBe(true);
  });

  test("a flag is named as such, once", () => {
    expect(problemTexts({ port: "0" }, {})).toEqual(['--port must be a whole number from 1 to 65535, not "0"']);
  });

  test.each(["ready", "/a b", "/a?b"])("--ready_path %j is no path", (path) => {
    expect(problemTexts({ ready_path: path }, {})).toEqual([
      `--ready_path must start with / and hold no blanks, ? or #, not "${path}"`,
    ]);
  });

  test.each(["/", "/score", "/swagger.json"])("--ready_path %s collides with a route", (path) => {
    expect(problemTexts({ ready_path: path }, {})).toEqual([
      `--ready_path must not be one of the server's own routes /, /score, /swagger.json, not "${path}"`,
    ]);
  });

  test("metrics are off, at the path that is given, or at /metrics on a separate health port", () => {
    const apart = { SEPERATE_HEALTH_ENDPOINT: "true" };
    expect(resolved({ metrics: "/m" }).metricsPath).toBe("/m");
    expect(resolved({}, { SCOREFN_METRICS: "/a/b.c~d-e" }).metricsPath).toBe("/a/b.c~d-e");
    expect(resolved({ metrics: "OFF" }, apart).metricsPath).toBeNull();
    expect(resolved({}, apart).metricsPath).toBe("/metrics");
    expect(resolved({}, { ...apart, SCOREFN_METRICS: "" }).metricsPath).toBe("/metrics");
  });

  test.each(["metrics", "on", "true", "/", "//score", "/%73core", "/a b", "/a?b", "/a/"])(
    "--metrics %j is no path",
    (path) => {
      expect(problemTexts({ metrics: path }, {})).toEqual([
        `--metrics must be off or a path of letters, digits, dots and dashes, such as /metrics, not "${path}"`,
      ]);
    },
  );

  test.each(["/score", "/swagger.json", "/up"])("--metrics %s collides with a route", (path) => {
    expect(problemTexts({ metrics: path, ready_path: "/up" }, {})).toEqual([
      `--metrics must not be one of the server's other routes /, /score, /swagger.json, /up, not "${path}"`,
    ]);
  });

  test("the page to try the script is off, or at the path that is given", () => {
    for (const value of [undefined, "", "off", "OFF"]) {
      expect(resolved({}, value === undefined ? {} : { SCOREFN_DOCS: value }).docsPath).toBeNull();
    }
    expect(resolved({ docs: "/docs" }).docsPath).toBe("/docs");
    expect(resolved({ docs: "off" }, { SCOREFN_DOCS: "/docs" }).docsPath).toBeNull();
    expect(resolved({}, { SCOREFN_DOCS: "/a/try-it.1~_" }).docsPath).toBe("/a/try-it.1~_");
  });

  test.each(["docs", "on", "true", "/", "//docs", "/%64ocs", "/a b", "/a?b", "/a/", "/..", "/a/../score", "/."])(
    "--docs %j is no path",
    (path) => {
      expect(problemTexts({ docs: path }, {})).toEqual([
        `--docs must be off or a path of letters, digits, dots and dashes, such as /docs, not "${path}"`,
      ]);
    },
  );

  test.each([
    ["/score", "/up"],
    ["/swagger.json", "/up"],
    ["/up", "/up"],
    ["/m", "/up"],
    ["/docs", "/docs/page.js"],
  ])("--docs %s collides with a route beside --ready_path %s", (path, ready) => {
    expect(problemTexts({ docs: path, ready_path: ready, metrics: "/m" }, {})).toEqual([
      `--docs must not be one of the server's other routes /, /score, /swagger.json, ${ready}, /m, not "${path}"`,
    ]);
  });

  describe("beside a model that is served without a script", () => {
    let folder: TemporaryFolder;
    beforeAll(async () => {
      folder = await temporaryFolder();
      writeFileSync(folder.file("iris.onnx"), "");
    });
    afterAll(() => folder.remove());

    test.each([
      ["ready_path", "/v2", "must not be one of the server's own routes"],
      ["ready_path", "/health", "must not be one of the server's own routes"],
      ["ready_path", "/v2/health/ready", "must not be below /v2/"],
      ["metrics", "/ping", "must not be one of the server's other routes"],
      ["metrics", "/v2/metrics", "must not be below /v2/"],
      ["docs", "/version", "must not be one of the server's other routes"],
      ["docs", "/v2", "must not be one of the server's other routes"],
      ["docs", "/v2/models/iris", "must not be below /v2/"],
    ])("--%s %s collides with a route of the model's", (flag, path, reason) => {
      const [text, ...more] = problemTexts({ model: folder.file("iris.onnx"), [flag]: path }, {});
      expect([text, more]).toEqual([expect.stringContaining(`--${flag} ${reason}`), []]);
      expect(problemTexts({ entry_script: "score.py", [flag]: path }, {})).toEqual([]);
    });

    test("other paths do not", () => {
      const flags = { model: folder.file("iris.onnx"), ready_path: "/readyz", metrics: "/v2metrics", docs: "/docs" };
      expect(problemTexts(flags, {})).toEqual([]);
    });
  });

  test("a ready path at /metrics collides with metrics that nobody has asked for", () => {
    expect(problemTexts({ ready_path: "/metrics" }, {})).toEqual([]);
    const [text] = problemTexts({ ready_path: "/metrics" }, { SEPERATE_HEALTH_ENDPOINT: "true" });
    expect(text).toContain("--ready_path must not be /metrics, which is that of the metrics");
  });

  test("--script_host in-process is for JavaScript and TypeScript only", () => {
    expect(problemTexts({ script_host: "in-process", entry_script: "score.py" }, {})).toEqual([
      "--script_host must be workers for /site/score.py: only JavaScript and TypeScript run in-process, " +
        'not "in-process"',
    ]);
    expect(problemTexts({ script_host: "in-process", config_file: "c" }, {})).toHaveLength(1);
    for (const script of ["score.js", "score.mjs", "score.cjs", "score.ts", "score.mts"]) {
      expect(resolved({ script_host: "in-process", entry_script: script }).scriptHost).toBe("in-process");
    }
  });
});

describe("integers (CLI-4)", () => {
  test.each([
    ["1__0", undefined],
    ["_1", undefined],
    ["1_", undefined],
    ["+ 1", undefined],
    ["--1", undefined],
    ["", undefined],
    [" ", undefined],
    ["5.0", undefined],
    ["\ufeff5", undefined],
    [" \u00a0+1_0\n", 10],
    ["-0", 0],
    ["0005001", 5001],
    ["５٠", undefined],
  ])("%j is %j", (text, value) => {
    expect(parseInteger(text)).toBe(value);
  });

  test("agree with Python's int() on any text without digits of other scripts", () => {
    const piece = fc.oneof(
      fc.constantFrom("_", "+", "-", " ", "\t", "\n", "\x1c", "\x85", "\u2003", "\u3000", "\u200b", "\ufeff", ".", "a"),
      fc.constantFrom("0", "1", "9", "²", "Ⅷ"),
    );
    const texts = fc.sample(
      fc.oneof(
        fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join("")),
        fc.string({ unit: "grapheme-ascii", maxLength: 4 }),
        fc.maxSafeInteger().map(String),
      ),
      4000,
    );
    const oracle = spawnSync("python3", ["-c", ORACLE], { input: JSON.stringify(texts), encoding: "utf8" });
    expect(oracle.stderr).toBe("");
    const expected = JSON.parse(oracle.stdout) as (number | null)[];
    expect(expected.filter((value) => value !== null).length).toBeGreaterThan(100);
    texts.forEach((text, index) => {
      expect([text, parseInteger(text) ?? null]).toEqual([text, expected[index]]);
    });
  });
});

const ORACLE = `
import json, sys
def read(text):
    try:
        return int(text)
    except ValueError:
        return None
print(json.dumps([read(text) for text in json.loads(sys.stdin.buffer.read().decode())]))
`;

describe("docs/configuration.md", () => {
  // To write the table anew: npx vitest run test/src/config/config.test.ts -u
  test("holds exactly the settings of the code", async () => {
    const path = fileURLToPath(new URL("../../../docs/configuration.md", import.meta.url));
    const rows = [...Object.values(SETTINGS), ...platforms.rows].map((setting) => `${docsRow(setting)}\n`).join("");
    const docs = readFileSync(path, "utf8").replace(/(?<=^\| Flag .*\n\| -.*\n)(?:\|.*\n)+/m, () => rows);
    expect(docs).toContain(rows);
    await expect(docs).toMatchFileSnapshot(path);
  });

  test("names no variable or flag twice", () => {
    const all = [...Object.values(SETTINGS), ...platforms.rows];
    const flags = all.flatMap((setting) => setting.flag ?? []);
    const variables = all.flatMap((setting) => [setting.variable ?? [], setting.alias ?? []].flat());
    expect(new Set(flags).size).toBe(flags.length);
    expect(new Set(variables).size).toBe(variables.length);
  });
});

function docsRow(setting: Setting): string {
  const variables = [setting.variable, setting.alias].map(code).filter((text) => text !== "");
  const choices = setting.choices === undefined ? "" : ` One of ${setting.choices.map(code).join(", ")}.`;
  const cells = [
    code(setting.flag === null ? null : `--${setting.flag}`),
    variables.join(", "),
    isFileSetting(setting) ? "yes" : "",
    code(setting.default),
    setting.unit ?? "",
    meaningOf(setting) + choices,
  ];
  return `| ${cells.join(" | ")} |`.replace(/ {2,}/g, " ");
}

function code(text: string | null | undefined): string {
  if (text === null || text === undefined) return "";
  return text === "" ? "(empty)" : `\`${text}\``;
}
