import { get, post, type Scenario } from "../scenario.ts";

const swagger = get("/swagger.json");
const ECHO = "def init():\n    pass\n\n\ndef run(data):\n    return data\n";

function file(members: object): string {
  return JSON.stringify(members);
}

const places: readonly Scenario[] = [
  {
    name: "CFG-1 config.json of the app root",
    scripts: ["surroundings.py"],
    files: {
      "config.json": file({
        SERVICE_NAME: "from the file",
        SERVICE_VERSION: "7",
        SERVICE_PATH_PREFIX: "/p",
        SCORING_TIMEOUT_MS: 5000,
        AZUREML_SOURCE_DIRECTORY: "lib",
        WORKSPACE_NAME: null,
      }),
      "lib/helper.py": "",
    },
    requests: [swagger, post("")],
  },
  {
    name: "CFG-1 a named file before that of the app root",
    scripts: ["echo.py"],
    args: ["--entry_script", "echo.py", "--config_file", "named.json"],
    files: {
      "config.json": file({ SERVICE_NAME: "root", SERVICE_VERSION: "7" }),
      "named.json": file({ SERVICE_NAME: "named" }),
    },
    requests: [swagger],
  },
  {
    name: "CFG-1 beside the script",
    args: ["--entry_script", "scripts/score.py"],
    files: { "scripts/score.py": ECHO, "scripts/config.json": file({ SERVICE_NAME: "beside" }), "config.json": "" },
    requests: [swagger],
  },
  {
    name: "CFG-3 a named file that is missing",
    scripts: ["echo.py"],
    args: ["--entry_script", "echo.py", "--config_file", "nowhere.json"],
    files: { "config.json": file({ SERVICE_NAME: "root" }) },
    requests: [swagger],
  },
  {
    name: "CFG-5 the environment beats the file",
    scripts: ["echo.py"],
    env: { service_name: "variable", SERVICE_VERSION: "", SCORING_TIMEOUT_MS: "6000" },
    files: {
      "config.json": file({ SERVICE_NAME: "file", SERVICE_VERSION: "file", SCORING_TIMEOUT_MS: "no number" }),
    },
    requests: [swagger],
  },
  {
    name: "CFG-12 a script known from the file only",
    scripts: ["surroundings.py"],
    args: ["--config_file", "etc/settings.json"],
    files: { "etc/settings.json": file({ AZUREML_ENTRY_SCRIPT: "surroundings.py" }), "helper.py": "" },
    requests: [post("")],
  },
];

const contents: readonly Scenario[] = [
  {
    name: "CFG-6 keys that the reference ignores",
    scripts: ["surroundings.py"],
    files: {
      "config.json": file({
        AML_CORS_ORIGINS: "a.com",
        AZUREML_MODEL_DIR: "models",
        AML_APP_INSIGHTS_ENABLED: true,
        AML_APP_INSIGHTS_KEY: "not-a-guid",
      }),
      "models/weights.bin": "",
      "helper.py": "",
    },
    requests: [post("", { Origin: "a.com" })],
  },
  {
    name: "CFG-6 app root",
    args: ["--config_file", "settings.json"],
    files: { "settings.json": file({ AML_APP_ROOT: "elsewhere" }), "elsewhere/main.py": ECHO, "main.py": ECHO },
    requests: [post("")],
  },
  {
    name: "CFG-7 types that will do",
    scripts: ["echo.py"],
    files: { "config.json": '{"SCORING_TIMEOUT_MS": 6000.0, "APP_INSIGHTS_LOG_RESPONSE_ENABLED": "Off"}' },
    requests: [],
  },
  {
    name: "CFG-9 extra keys",
    scripts: ["echo.py"],
    files: { "config.json": file({ WORKER_COUNT: 2, MINE: 1 }) },
    requests: [],
  },
];

const wrongTypes: Readonly<Record<string, string>> = {
  "a text for a number": '{"SCORING_TIMEOUT_MS": "soon"}',
  "a fraction": '{"SCORING_TIMEOUT_MS": 1.5}',
  "a list for a number": '{"SCORING_TIMEOUT_MS": [1]}',
  "a word for a switch": '{"APP_INSIGHTS_LOG_RESPONSE_ENABLED": "perhaps"}',
  "a two for a switch": '{"APP_INSIGHTS_LOG_RESPONSE_ENABLED": 2}',
  "an object for a switch": '{"APP_INSIGHTS_LOG_RESPONSE_ENABLED": {}}',
  "a number for a text": '{"SERVICE_VERSION": 1.0}',
  "two at once": '{"SERVICE_NAME": true, "SCORING_TIMEOUT_MS": ""}',
};

const unusable: Readonly<Record<string, Scenario["files"]>> = {
  "not JSON": { "config.json": "{" },
  "not an object": { "config.json": "[1]" },
  "not UTF-8": { "config.json": Buffer.from([0x7b, 0xff, 0x7d]) },
  "a directory": { "config.json/inside": "" },
};

/** CFG: what config.json does, says wrong, and is. */
export const config: readonly Scenario[] = [
  ...places,
  ...contents,
  ...Object.entries(wrongTypes).map(([what, text]) => ({
    name: `CFG-8 in the file: ${what}`,
    scripts: ["echo.py"],
    files: { "config.json": text },
  })),
  ...Object.entries(unusable).map(([what, files]) => ({
    name: `CFG-10 ${what}`,
    scripts: ["echo.py"],
    ...(files && { files }),
  })),
];
