import { get, post, type Scenario } from "../scenario.ts";

const MODEL_FILES = {
  "models/b/weights.bin": "",
  "models/b/a/deep.txt": "",
  "models/B.txt": "",
  "models/a.txt": "",
};

/** BAN, ENV: a start that succeeds, what it says and what the script sees of it. */
export const startup: readonly Scenario[] = [
  { name: "BAN-3 BAN-7 BAN-8 LOAD-13 LOG-13 TEL-13 TMO-6 plain start", scripts: ["echo.py"], requests: [] },
  {
    name: "BAN-4 API-10 ENV-18 LOAD-6 every setting",
    scripts: ["surroundings.py"],
    files: { ...MODEL_FILES, "lib/helper.py": "" },
    // "--work" and "--model" are prefixes (CLI-3), " +1_0 " minus blanks is an integer (CLI-4), the last --model wins.
    args: ["--entry=surroundings.py", "--model", "nowhere", "--model", "models/", "--work", " +1", "--rest"],
    env: {
      AZUREML_SOURCE_DIRECTORY: "lib",
      SERVICE_NAME: "my service",
      SERVICE_VERSION: "2.1",
      SCORING_TIMEOUT_MS: " 5000 ",
      WORKER_TIMEOUT: "30",
      SERVER_PORT: "1",
      AML_APP_INSIGHTS_ENABLED: "true",
      AML_APP_INSIGHTS_KEY: "not-a-guid",
      MINE: "1",
    },
    requests: [post("")],
  },
  {
    name: "ENV-11 version header off",
    scripts: ["echo.py"],
    env: { SERVER_VERSION_LOG_RESPONSE_ENABLED: "no" },
    requests: [get("/")],
  },
  {
    name: "LOAD-2 main.py, when only a configuration file is named",
    scripts: ["main.py"],
    files: { "settings.json": "{}" },
    args: ["--config_file", "settings.json"],
    requests: [post("")],
  },
  {
    name: "LOAD-12 driver script",
    scripts: ["driver.py", "driver_module.py"],
    requests: [post("")],
  },
  {
    name: "PROC-5 a worker that dies is replaced",
    scripts: ["dies.py"],
    requests: [post("before"), post("die"), post("after")],
  },
];
