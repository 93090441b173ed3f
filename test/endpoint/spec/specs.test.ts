import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkDocument, deploymentSpec, endpointSpec } from "../../../endpoint/spec/index.ts";

const ASSETS = join(import.meta.dirname, "../../fixtures/endpoints/assets");
const CODE = { code: "house-prices/script", scoring_script: "score.py" };
const SECRET = "$".concat("{{azureml://connections/c}}");
const LEAST = { name: "Blue", endpoint_name: "House-Prices", code_configuration: CODE };

function specOf(rest: object): ReturnType<typeof deploymentSpec> {
  return deploymentSpec(checkDocument("deployment", { ...LEAST, ...rest }, ASSETS).document);
}

describe("deploymentSpec", () => {
  test("fills in what a file leaves out", () => {
    const probe = { initialDelay: 10, period: 10, timeout: 2, successThreshold: 1, failureThreshold: 30 };
    expect(specOf({})).toEqual({
      name: "blue",
      endpointName: "house-prices",
      kind: "managed",
      model: null,
      code: { folder: join(ASSETS, "house-prices/script"), scoringScript: "score.py" },
      environment: null,
      environmentVariables: {},
      instanceCount: 1,
      appInsightsEnabled: false,
      requestTimeoutMs: 5000,
      maxConcurrentRequestsPerInstance: 1,
      maxQueueWaitMs: 500,
      livenessProbe: probe,
      readinessProbe: probe,
      scale: { type: "default" },
    });
  });

  test("takes what a file says", () => {
    const spec = specOf({
      type: "kubernetes",
      instance_count: "3",
      app_insights_enabled: "yes",
      request_settings: {
        request_timeout_ms: "6000",
        max_concurrent_requests_per_instance: 2,
        max_queue_wait_ms: 10.9,
      },
      liveness_probe: { initial_delay: 1, success_threshold: 3, failure_threshold: 4 },
      readiness_probe: { success_threshold: 2 },
      environment_variables: { A: "x", B: 8, C: true, D: 0.5, E: -12, F: SECRET },
    });
    expect(spec).toMatchObject({
      kind: "kubernetes",
      instanceCount: 3,
      appInsightsEnabled: true,
      requestTimeoutMs: 6000,
      maxConcurrentRequestsPerInstance: 2,
      maxQueueWaitMs: 10,
      livenessProbe: { initialDelay: 1, period: 10, successThreshold: 1, failureThreshold: 4 },
      readinessProbe: { successThreshold: 2 },
    });
    expect(spec.environmentVariables).toEqual({
      A: "x",
      B: "8",
      C: "True",
      D: "0.5",
      E: "-12",
      F: SECRET,
    });
  });

  test.each<[string, string, string | null]>([
    ["azureml:prices:3", "prices", "3"],
    ["azureml:prices@latest", "prices", null],
    ["azureml:prices", "prices", null],
    ["azureml://registries/R/models/bert/versions/12", "bert", "12"],
    ["azureml://registries/R/models/bert/labels/latest", "bert", null],
    [
      `azureml:/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/models/m/versions/1`,
      "m",
      "1",
    ],
  ])("reads the model %s", (model, name, version) => {
    expect(specOf({ model }).model).toEqual({ kind: "registered", name, version, text: model });
    const environment = model.replace("/models/", "/environments/");
    expect(specOf({ environment }).environment).toEqual({ kind: "registered", name, version, text: environment });
  });

  test("reads a model and an environment that lie beside the file", () => {
    const route = (path: string): object => ({ port: 8080, path });
    const spec = specOf({
      model: { path: "./house-prices/model/", version: 2, type: "mlflow_model" },
      environment: {
        image: "i",
        conda_file: "conda/prices.yml",
        inference_config: { liveness_route: route("/l"), readiness_route: route("/r"), scoring_route: route("/s") },
      },
    });
    const path = join(ASSETS, "house-prices/model");
    expect(spec.model).toEqual({ kind: "inline", name: null, version: "2", type: "mlflow_model", path });
    expect(spec.environment).toEqual({
      kind: "inline",
      name: null,
      image: "i",
      hasBuild: false,
      conda: join(ASSETS, "conda/prices.yml"),
      inference: { liveness: route("/l"), readiness: route("/r"), scoring: route("/s") },
    });
  });

  test("takes a model that is in Azure for a registered one when it has a name", () => {
    const path = "azureml://datastores/d/paths/p";
    expect(specOf({ model: { name: "m", version: "4", path } }).model).toEqual({
      kind: "registered",
      name: "m",
      version: "4",
      text: path,
    });
  });

  test("scales on Kubernetes between the number of instances and itself when nothing is said", () => {
    const rest = { targetUtilizationPercentage: 70, pollingInterval: 1 };
    expect(specOf({ type: "kubernetes", instance_count: 3 }).scale).toEqual({
      type: "target_utilization",
      minInstances: 3,
      maxInstances: 3,
      ...rest,
    });
    expect(specOf({ scale_settings: { type: "target_utilization", min_instances: 0 } }).scale).toEqual({
      type: "target_utilization",
      minInstances: 0,
      maxInstances: 1,
      ...rest,
    });
    const scale_settings = { type: "target_utilization", max_instances: 2 };
    expect(specOf({ instance_count: 1, scale_settings }).scale).toMatchObject({ minInstances: 1, maxInstances: 2 });
    expect(specOf({ instance_count: 5, scale_settings }).scale).toMatchObject({ minInstances: 2, maxInstances: 2 });
    expect(specOf({ type: "kubernetes", scale_settings: { type: "default" } }).scale).toEqual({ type: "default" });
  });
});

test("endpointSpec fills in what a file leaves out, and takes what it says", () => {
  const specOf = (document: object): object =>
    endpointSpec(checkDocument("endpoint", { name: "E-1", ...document }).document);
  expect(specOf({})).toEqual({ name: "e-1", kind: "managed", authMode: "key", traffic: {}, mirrorTraffic: {} });
  expect(
    specOf({
      auth_mode: "AMLToken",
      traffic: { Blue: "90", green: 10.5, red: 0 },
      mirror_traffic: { RED: 5, blue: 0 },
    }),
  ).toEqual({
    name: "e-1",
    kind: "managed",
    authMode: "aml_token",
    traffic: { blue: 90, green: 10 },
    mirrorTraffic: { red: 5 },
  });
  expect(specOf({ compute: "azureml:c" })).toMatchObject({ kind: "kubernetes" });
});
