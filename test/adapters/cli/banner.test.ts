import { describe, expect, test } from "vitest";
import { bannerLines, modelDirLines, ownBannerLines } from "../../../adapters/cli/banner.ts";
import { type Config, resolveConfig } from "../../../src/config/config.ts";

/** The reference server's banner for `--entry_script score.py` in /site, with product and version replaced as contract
 *  ENV-11 decides. */
const DEFAULT_BANNER = `
Azure ML Inferencing HTTP server compatible: scorefn v0.1.0


Server Settings
---------------
Entry Script Name: /site/score.py
Model Directory: None
Config File: None
Worker Count: 1
Worker Timeout (seconds): None
Server Port: 5001
Health Port: 5001
Application Insights Enabled: false
Application Insights Key: None
Inferencing HTTP server version: scorefn/0.1.0
CORS for the specified origins: None
Create dedicated endpoint for health: None


Server Routes
---------------
Liveness Probe: GET   127.0.0.1:5001/
Score:          POST  127.0.0.1:5001/score
`;

function lines(flags: Record<string, string>, env: Record<string, string> = {}): readonly string[] {
  return bannerLines(resolveConfig({ flags, env, cwd: "/site" }).config);
}

function own(flags: Record<string, string>, env: Record<string, string> = {}): readonly string[] {
  return ownBannerLines(resolveConfig({ flags, env, cwd: "/site" }).config);
}

const KEY = "12345678-abcd-abcd-1234-123456789abc";

const OWN_BANNER = `
scorefn v0.1.0

Server Settings
---------------
Entry Script Name: /site/score.py
Model Directory: None
Config File: None
Worker Count: 1
Worker Start Timeout (seconds): 300
Scoring Timeout (seconds): 3600
Listening On: 0.0.0.0:5001
Error Detail In Answers: none (the log says where a script fails; --error_detail location tells clients, too)
Application Insights Key: None
Server Version Header: scorefn/0.1.0
CORS For Origins: None

Server Routes
---------------
Liveness Probe:  GET  http://127.0.0.1:5001/
Readiness Probe: GET  http://127.0.0.1:5001/ready
Score:           POST http://127.0.0.1:5001/score
Swagger:         GET  http://127.0.0.1:5001/swagger.json
`;

describe("banner", () => {
  test("has the layout of BAN-3", () => {
    expect(lines({ entry_script: "score.py" }).join("\n")).toBe(DEFAULT_BANNER);
  });

  test("shows what stands in the effective environment (BAN-4)", () => {
    const env = { WORKER_TIMEOUT: "77", SEPERATE_HEALTH_ENDPOINT: "true", SERVER_VERSION_LOG_RESPONSE_ENABLED: "no" };
    expect(
      lines(
        { entry_script: "score.py", model_dir: "rel/m", config_file: "c.json", port: "6001", worker_count: "3" },
        env,
      ),
    ).toEqual(
      expect.arrayContaining([
        "Model Directory: rel/m",
        "Config File: /site/c.json",
        "Worker Count: 3",
        "Worker Timeout (seconds): 77",
        "Server Port: 6001",
        "Health Port: 5000",
        "Inferencing HTTP server version: None",
        "Create dedicated endpoint for health: true",
        "Liveness Probe: GET   127.0.0.1:5000/",
        "Score:          POST  127.0.0.1:6001/score",
      ]),
    );
  });

  test("disguises the key and says what CORS is enabled for (BAN-5)", () => {
    const shown = lines({
      appinsights_instrumentation_key: KEY,
      access_control_allow_origins: "a.com, b.com",
    });
    expect(shown).toContain("Application Insights Enabled: true");
    expect(shown).toContain("Application Insights Key: AppInsights key provided");
    expect(shown).toContain("CORS for the specified origins: Enabling CORS for a.com, b.com");
    expect(shown.join("\n")).not.toContain("12345678");
  });

  test("an empty value is shown as such, not as None (BAN-4)", () => {
    const shown = lines({ model_dir: "", access_control_allow_origins: "" }, { AML_APP_INSIGHTS_KEY: "" });
    expect(shown).toContain("Model Directory: ");
    expect(shown).toContain("Application Insights Key: AppInsights key provided");
    expect(shown).toContain("CORS for the specified origins: Enabling CORS for ");
  });
});

describe("banner of scorefn serve", () => {
  test("shows what is in effect, defaults too", () => {
    expect(own({ entry_script: "score.py" }).join("\n")).toBe(OWN_BANNER);
  });

  test("shows the real addresses, time limits and the health port", () => {
    const env = { SEPERATE_HEALTH_ENDPOINT: "true", WORKER_TIMEOUT: "0", SCORING_TIMEOUT_MS: "1500" };
    expect(own({ entry_script: "a.ts", host: "::1", port: "6001", ready_path: "/up" }, env)).toEqual(
      expect.arrayContaining([
        "Worker Start Timeout (seconds): no limit",
        "Scoring Timeout (seconds): 1.5",
        "Listening On: [::1]:6001, [::1]:5000 (health)",
        "Liveness Probe:  GET  http://[::1]:5000/",
        "Readiness Probe: GET  http://[::1]:5000/up",
        "Score:           POST http://[::1]:6001/score",
      ]),
    );
  });

  test.each(["none", "location", "full"])("says that the error detail is %s, and how to change it", (detail) => {
    const line = own({ error_detail: detail }).find((text) => text.startsWith("Error Detail In Answers"));
    expect(line).toMatch(new RegExp(`: ${detail} \\(.*--error_detail \\w+`));
    expect(own({ host: "127.0.0.1" })).toContainEqual(expect.stringMatching(/^Error Detail In Answers: location /));
  });

  test("says where a model is fetched from, without the key to it", () => {
    const shown = own({ model_uri: "https://acct.blob.core.windows.net/models/m?sv=1&sig=s3cr3t" });
    expect(shown).toContain("Model Directory: fetched from https://acct.blob.core.windows.net/models/m");
    expect(shown.join("\n")).not.toContain("s3cr3t");
  });

  test("shows a model in place of the script where the drop-in command serves one", () => {
    const { config } = resolveConfig({ flags: { entry_script: "score.py" }, env: {}, cwd: "/site" });
    const shown = bannerLines({ ...config, model: { kind: "onnx", path: "/m/iris.onnx", name: "iris" } });
    expect(shown).toContain("Model: /m/iris.onnx (ONNX)");
    expect(shown.join("\n")).not.toContain("Entry Script Name");
  });

  test("shows a model that is served without a script, and the routes of its protocols", () => {
    const { config } = resolveConfig({ flags: { entry_script: "score.py" }, env: {}, cwd: "/site" });
    const shown = (model: Config["model"]) => ownBannerLines({ ...config, entryScript: null, model });
    const onnx = shown({ kind: "onnx", path: "/m/my iris.onnx", name: "my iris" });
    expect(onnx).toEqual(
      expect.arrayContaining([
        "Model: /m/my iris.onnx (ONNX)",
        "Score:           POST http://127.0.0.1:5001/score",
        "Invocations:     POST http://127.0.0.1:5001/invocations",
        "Inference:       POST http://127.0.0.1:5001/v2/models/my%20iris/infer",
      ]),
    );
    expect(onnx.join("\n")).not.toContain("Entry Script");
    expect(shown({ kind: "triton", path: "/m", name: "m" })).toEqual(
      expect.arrayContaining([
        "Model: /m (a repository of ONNX models)",
        "Inference:       POST http://127.0.0.1:5001/v2/models/<model>/infer",
        "Models:          POST http://127.0.0.1:5001/v2/repository/index",
      ]),
    );
  });

  test("never shows a key", () => {
    const shown = own({ appinsights_instrumentation_key: KEY });
    expect(shown).toContain("Application Insights Key: AppInsights key provided");
    expect(shown.join("\n")).not.toContain("12345678");
  });
});

describe("model directory lines (BAN-2)", () => {
  test("are there when the variable is absent", () => {
    expect(modelDirLines({ workerEnv: {}, modelUri: null, model: null })).toEqual([
      "The environment variable 'AZUREML_MODEL_DIR' has not been set.",
      "Use the --model_dir command line argument to set it.",
    ]);
  });

  test("are not when it is present, if only empty", () => {
    expect(modelDirLines({ workerEnv: { AZUREML_MODEL_DIR: "" }, modelUri: null, model: null })).toEqual([]);
  });

  test("are not when a model is served without a script", () => {
    const model = { kind: "onnx", path: "/m/iris.onnx", name: "iris" } as const;
    expect(modelDirLines({ workerEnv: {}, modelUri: null, model })).toEqual([]);
  });

  test("are not when the model is fetched", () => {
    expect(modelDirLines({ workerEnv: {}, modelUri: "file:///m", model: null })).toEqual([]);
  });
});
