import { describe, expect, test } from "vitest";
import { bannerLines, modelDirLines } from "../../../adapters/cli/banner.ts";
import { resolveConfig } from "../../../src/config/config.ts";

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
  return bannerLines(resolveConfig({ flags, env, cwd: "/site" }).config.workerEnv);
}

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
      appinsights_instrumentation_key: "12345678-abcd-abcd-1234-123456789abc",
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

describe("model directory lines (BAN-2)", () => {
  test("are there when the variable is absent", () => {
    expect(modelDirLines({})).toEqual([
      "The environment variable 'AZUREML_MODEL_DIR' has not been set.",
      "Use the --model_dir command line argument to set it.",
    ]);
  });

  test("are not when it is present, if only empty", () => {
    expect(modelDirLines({ AZUREML_MODEL_DIR: "" })).toEqual([]);
  });
});
