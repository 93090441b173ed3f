import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type ConfigInput,
  configurationErrorRecord,
  InvalidSettingsError,
  type Problem,
  type ResolvedConfig,
  resolveConfig,
  SETTINGS,
} from "../../../src/config/config.ts";
import { isFileSetting } from "../../../src/config/settings.ts";

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "scorefn-config-")));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, content: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** With config.json in the current directory, unless other content is written. */
function resolved(members: object | undefined, more: Omit<ConfigInput, "cwd"> = {}): ResolvedConfig {
  if (members !== undefined) write("config.json", JSON.stringify(members));
  return resolveConfig({ env: {}, cwd: folder, ...more });
}

function problemsOf(content: string, more: Omit<ConfigInput, "cwd"> = {}): readonly Problem[] {
  write("config.json", content);
  try {
    resolved(undefined, more);
  } catch (error) {
    if (error instanceof InvalidSettingsError) return error.problems;
    throw error;
  }
  return [];
}

const KEY = "12345678-abcd-abcd-1234-123456789abc";

describe("which file (CFG-1)", () => {
  const name = ({ config }: ResolvedConfig) => config.serviceName;
  const content = (serviceName: string) => JSON.stringify({ SERVICE_NAME: serviceName });

  test("a named one before that of the app root before that beside the script; never merged", () => {
    write("scripts/config.json", content("beside"));
    const env = { AZUREML_ENTRY_SCRIPT: "scripts/score.py", AML_APP_ROOT: "root" };
    expect(name(resolved(undefined, { env }))).toBe("beside");
    write("root/config.json", content("root"));
    expect(name(resolved(undefined, { env }))).toBe("root");
    write("named.json", JSON.stringify({ WORKSPACE_NAME: "w" }));
    const byVariable = resolved(undefined, { env: { ...env, AZUREML_CONFIG_FILE: "named.json" } });
    expect([name(byVariable), byVariable.config.workspaceName]).toEqual(["ML service", "w"]);
    expect(resolved(undefined, { env, flags: { config_file: "named.json" } }).config.workspaceName).toBe("w");
  });

  test.each(["missing.json", "empty.json"])("%s is passed over with a warning (CFG-2, CFG-3)", (file) => {
    write("empty.json", "");
    const flags = { config_file: file };
    expect(resolved(undefined, { flags }).warnings).toEqual([
      `The config file ${join(folder, file)} is missing or empty; there is no other.`,
    ]);
    const { config, warnings } = resolved({ SERVICE_NAME: "root" }, { flags });
    expect(config.serviceName).toBe("root");
    expect(warnings).toEqual([
      `The config file ${join(folder, file)} is missing or empty; ${join(folder, "config.json")} is used instead.`,
    ]);
  });

  test("an empty config.json that nobody has named is passed over silently (CFG-2)", () => {
    write("config.json", "");
    expect(resolved(undefined).warnings).toEqual([]);
  });

  test("a script known from a file only leads to no other file", () => {
    write("scripts/config.json", content("beside"));
    expect(name(resolved({ AZUREML_ENTRY_SCRIPT: "scripts/score.py" }))).toBe("ML service");
  });
});

describe("precedence (ENV-1, CFG-5)", () => {
  const file = { AZUREML_MODEL_DIR: "file", SERVICE_NAME: "file", AML_CORS_ORIGINS: "file" };

  test("a flag beats the variable beats the file beats the default", () => {
    const env = { AZUREML_MODEL_DIR: "variable", service_name: "variable" };
    const { config } = resolved(file, { env, flags: { model_dir: "flag" } });
    expect(config).toMatchObject({
      modelDir: "flag",
      serviceName: "variable",
      corsOrigins: "file",
      hostname: "Unknown",
    });
  });

  test("an empty variable beats the file (ENV-6)", () => {
    expect(resolved(file, { env: { SERVICE_NAME: "" } }).config.serviceName).toBe("");
  });

  test("what a host is built with beats the file", () => {
    const { config } = resolved(file, { defaults: { AZUREML_MODEL_DIR: "built" } });
    expect(config).toMatchObject({ modelDir: "built", serviceName: "file" });
  });

  test("null means not given (CFG-4)", () => {
    const { config, warnings } = resolved({ SERVICE_NAME: null, SCORING_TIMEOUT_MS: null, AML_APP_ROOT: null });
    expect([config.serviceName, config.scoringTimeoutMs, config.appRoot]).toEqual(["ML service", 3_600_000, folder]);
    expect(warnings).toEqual([]);
  });
});

describe("what it may say (CFG-6)", () => {
  test("seventeen keys, each of which counts", () => {
    const members = {
      AZUREML_ENTRY_SCRIPT: "src/score.py",
      AZUREML_SOURCE_DIRECTORY: "src",
      SERVICE_NAME: "name",
      WORKSPACE_NAME: "workspace",
      SERVICE_PATH_PREFIX: "/prefix",
      SERVICE_VERSION: "2",
      SCORING_TIMEOUT_MS: 5,
      AZUREML_LOG_LEVEL: "debug",
      APP_INSIGHTS_LOG_RESPONSE_ENABLED: false,
      AZUREML_MODEL_DIR: "models",
      HOSTNAME: "box",
      AZUREML_DEBUG_PORT: 5678,
      AML_APP_ROOT: "app",
      AML_APP_INSIGHTS_ENABLED: true,
      AML_APP_INSIGHTS_KEY: KEY,
      AML_MODEL_DC_STORAGE_ENABLED: 1,
      AML_CORS_ORIGINS: "a.com",
    };
    expect(
      Object.values(SETTINGS)
        .filter(isFileSetting)
        .map(({ variable }) => variable)
        .sort(),
    ).toEqual(Object.keys(members).sort());
    const { config, notices, warnings } = resolved(members);
    expect(config).toMatchObject({
      appRoot: join(folder, "app"),
      // Relative to the app root, not to the file (CFG-12).
      entryScript: join(folder, "app/src/score.py"),
      sourceDirectory: "src",
      serviceName: "name",
      workspaceName: "workspace",
      servicePathPrefix: "/prefix",
      serviceVersion: "2",
      scoringTimeoutMs: 5,
      logLevel: "DEBUG",
      telemetryLogsResponses: false,
      telemetryLogsModelData: true,
      modelDir: "models",
      hostname: "box",
      debugPort: 5678,
      appInsightsKey: KEY,
      corsOrigins: "a.com",
    });
    expect(notices).toEqual(["Valid Application Insights instrumentation key provided."]);
    expect(warnings).toEqual([]);
  });

  test("the script sees the model directory, and what stands in the banner as in effect", () => {
    const { workerEnv } = resolved({
      AML_APP_ROOT: "app",
      AZUREML_MODEL_DIR: "models",
      AML_CORS_ORIGINS: "a.com",
      AML_APP_INSIGHTS_KEY: KEY,
      AML_APP_INSIGHTS_ENABLED: "yes",
      SERVICE_NAME: "hidden",
      AZUREML_ENTRY_SCRIPT: "score.py",
    }).config;
    expect(workerEnv).toMatchObject({
      AML_APP_ROOT: "app",
      AZUREML_MODEL_DIR: "models",
      AML_CORS_ORIGINS: "a.com",
      AML_APP_INSIGHTS_ENABLED: "true",
    });
    // The drop-in's banner shows no script that only the file names (BAN-6), and a script has no need of the key.
    for (const name of ["SERVICE_NAME", "AZUREML_ENTRY_SCRIPT", "AML_APP_INSIGHTS_KEY"])
      expect(workerEnv).not.toHaveProperty(name);
  });

  test("a key of the file that is no GUID turns telemetry off, with a notice (ENV-12)", () => {
    const { config, notices } = resolved({ AML_APP_INSIGHTS_ENABLED: true, AML_APP_INSIGHTS_KEY: "x" });
    expect(config.appInsightsKey).toBeNull();
    expect(config.workerEnv.AML_APP_INSIGHTS_ENABLED).toBe("false");
    expect(notices).toHaveLength(2);
  });

  test("other keys are warned about in the order of the file (CFG-9)", () => {
    write("config.json", `{"WORKER_COUNT": 2, "service_name": "x", "7": 1, "it's": null, "SERVICE_NAME": "y"}`);
    const { config, warnings } = resolved(undefined);
    expect(warnings).toEqual([
      "Found extra keys in the config file that are not supported by the server.\n" +
        "Extra keys = ['WORKER_COUNT', 'service_name', '7', 'it\\'s']",
    ]);
    expect([config.workerCount, config.serviceName]).toEqual([1, "y"]);
  });

  test("withoutFiles reads none", () => {
    write("config.json", "{");
    write("swagger.json", "{");
    expect(resolved(undefined, { withoutFiles: true }).config.swaggerFiles).toEqual([]);
  });
});

describe("types (CFG-7)", () => {
  test.each([
    ["6000", 6000],
    ["6000.0", 6000],
    ["true", 1],
    ["false", 0],
    ['" 6_000 "', 6000],
    ['"6000.0"', 6000],
  ])("the integer %s is %i", (json, value) => {
    write("config.json", `{"SCORING_TIMEOUT_MS": ${json}}`);
    expect(resolved(undefined).config.scoringTimeoutMs).toBe(value);
  });

  test.each([
    ["true", true],
    ["0", false],
    ["1.0", true],
    ['"off"', false],
    ['"Y"', true],
  ])("the boolean %s is %s", (json, value) => {
    write("config.json", `{"APP_INSIGHTS_LOG_RESPONSE_ENABLED": ${json}}`);
    expect(resolved(undefined).config.telemetryLogsResponses).toBe(value);
  });

  test.each([
    ["SCORING_TIMEOUT_MS", '"soon"', "Input should be a valid integer, unable to parse string as an integer"],
    ["SCORING_TIMEOUT_MS", "1.5", "Input should be a valid integer, got a number with a fractional part"],
    ["SCORING_TIMEOUT_MS", "[1]", "Input should be a valid integer"],
    ["SCORING_TIMEOUT_MS", "NaN", "Input should be a finite number"],
    ["AZUREML_DEBUG_PORT", "70000", "Input should be less than or equal to 65535"],
    ["APP_INSIGHTS_LOG_RESPONSE_ENABLED", "2", "Input should be a valid boolean, unable to interpret input"],
    ["APP_INSIGHTS_LOG_RESPONSE_ENABLED", "1.5", "Input should be a valid boolean"],
    ["APP_INSIGHTS_LOG_RESPONSE_ENABLED", "{}", "Input should be a valid boolean"],
    ["SERVICE_VERSION", "1.0", "Input should be a valid string"],
    ["AML_CORS_ORIGINS", '["a.com"]', "Input should be a valid string"],
    ["AZUREML_ENTRY_SCRIPT", "true", "Input should be a valid string"],
    ["AML_APP_ROOT", "1", "Input should be a valid string"],
  ])("%s: %s is an error (CFG-8)", (key, json, reason) => {
    const problems = problemsOf(`{"${key}": ${json}}`);
    expect(problems).toMatchObject([{ kind: "worker", text: `${key}: ${reason} (environment variable: ${key})` }]);
  });

  test("a value that a variable beats is not looked at", () => {
    expect(problemsOf('{"SERVICE_VERSION": 1}', { env: { SERVICE_VERSION: "2" } })).toEqual([]);
  });

  test("all are reported, with exit code 3", () => {
    write("config.json", '{"SERVICE_NAME": 1, "SERVICE_VERSION": 1, "SCORING_TIMEOUT_MS": -1}');
    expect(() => resolved(undefined)).toThrow(
      expect.objectContaining({ exitCode: 3, problems: [0, 1, 2].map(() => expect.anything()) }),
    );
  });
});

describe("a file that cannot be used (CFG-10)", () => {
  test.each([
    ["{", "it is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"],
    ["[]", "it is not a JSON object"],
    ['"text"', "it is not a JSON object"],
    ["null", "it is not a JSON object"],
  ])("%s", (content, reason) => {
    const problems = problemsOf(content);
    expect(problems).toEqual([
      { kind: "file", text: `Invalid config file!: ${join(folder, "config.json")}: ${reason}` },
    ]);
    expect(configurationErrorRecord(problems[0]!)).toBe(problems[0]!.text);
    expect(new InvalidSettingsError(problems).exitCode).toBe(3);
  });

  test("bytes that are not UTF-8", () => {
    writeFileSync(join(folder, "config.json"), Buffer.from([0x7b, 0xff, 0x7d]));
    expect(() => resolved(undefined)).toThrow(/config\.json: it is not UTF-8$/);
  });

  test("a directory", () => {
    mkdirSync(join(folder, "config.json"));
    expect(() => resolved(undefined)).toThrow(/^Invalid config file!: .*config\.json: EISDIR/);
  });
});
