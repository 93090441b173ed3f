// What the figures call the routes of a model, whose paths clients choose.
import { expect, onTestFinished, test } from "vitest";
import { createMetrics } from "../../../adapters/http/metrics.ts";
import { resolveConfig } from "../../../src/config/config.ts";
import { createLog, createService } from "../../../src/host.ts";
import { echoRuntime, modelSettings } from "../../setup/echo-model.ts";

test("each route has one name, whatever the models are called, and the model is told from a script", async () => {
  const { env, remove } = await modelSettings();
  onTestFinished(remove);
  const { config } = resolveConfig({ env: { ...env, SCOREFN_METRICS: "/metrics", AZUREML_LOG_LEVEL: "CRITICAL" } });
  const metrics = createMetrics(config)!;
  const { scorer, runtime } = createService({
    settings: { config, warnings: [] },
    openLog: () => createLog(() => {}, "CRITICAL"),
    createRuntime: echoRuntime(),
    subscribers: [metrics.events],
    moreRoutes: metrics.routes,
  });
  onTestFinished(() => runtime.close(0));
  await runtime.start();
  const ask = (method: string, path: string) =>
    scorer.handle({ method, path, query: "", headers: {}, body: new Uint8Array(0) });
  for (let index = 0; index < 50; index++) {
    await ask("GET", `/v2/models/made-up-${index}`);
    await ask("POST", `/v2/models/made-up-${index}/infer`);
    await ask("GET", `/v2/made-up-${index}`);
  }
  await ask("POST", "/v2/models/iris/versions/3/infer");
  const { body } = await ask("GET", "/metrics");
  const text = String(body);
  expect(text).not.toContain("made-up");
  expect(text).toMatch(/route="\/v2\/models\/\{model\}\/infer"/);
  expect(text).toMatch(/route="\/v2\/models\/\{model\}"/);
  expect(text).toContain('runtime="node"');
  expect(text).toContain('script="iris.onnx"');
});
