// Documents with a value for everything that they leave out.
import type {
  AuthMode,
  DeploymentSpec,
  Document,
  EndpointSpec,
  EnvironmentReference,
  ModelReference,
  PortPath,
  Probe,
  ScaleSettings,
  Shares,
} from "../types.ts";
import { isRemote } from "./paths.ts";
import { at, isMap, numberAt, type Plain, textAt } from "./plain.ts";
import { childSchema, type DocumentKind, type Schema, schemaOf } from "./schema.ts";
import { withoutZeros } from "./traffic.ts";

/** @param document as readEndpointFile() or checkDocument() return it */
export function endpointSpec(document: Document): EndpointSpec {
  return {
    name: textAt(document, "name")!,
    kind: document.compute === undefined ? "managed" : "kubernetes",
    authMode: (document.auth_mode ?? defaultOf("endpoint", "auth_mode")) as AuthMode,
    traffic: sharesOf(document.traffic),
    mirrorTraffic: sharesOf(document.mirror_traffic),
  };
}

/** @param document as readDeploymentFile() or checkDocument() return it */
export function deploymentSpec(document: Document): DeploymentSpec {
  const number = (...keys: [string, ...string[]]): number =>
    numberAt(document, ...keys) ?? (defaultOf("deployment", ...keys) as number);
  const kind = document.type === "kubernetes" ? "kubernetes" : "managed";
  const instanceCount = number("instance_count");
  const code = document.code_configuration;
  return {
    name: textAt(document, "name")!,
    endpointName: textAt(document, "endpoint_name")!.toLowerCase(),
    kind,
    model: modelOf(document.model),
    code: isMap(code) ? { folder: textAt(code, "code")!, scoringScript: textAt(code, "scoring_script")! } : null,
    environment: environmentOf(document.environment),
    environmentVariables: (document.environment_variables ?? {}) as Record<string, string>,
    instanceCount,
    appInsightsEnabled: document.app_insights_enabled === true,
    requestTimeoutMs: number("request_settings", "request_timeout_ms"),
    maxConcurrentRequestsPerInstance: number("request_settings", "max_concurrent_requests_per_instance"),
    maxQueueWaitMs: number("request_settings", "max_queue_wait_ms"),
    livenessProbe: { ...probeOf(document.liveness_probe), successThreshold: 1 },
    readinessProbe: probeOf(document.readiness_probe),
    scale: scaleOf(document, instanceCount, kind === "kubernetes"),
  };
}

/** The default that the schema has for a key. */
function defaultOf(kind: DocumentKind, ...keys: readonly string[]): unknown {
  let schema: Schema = schemaOf(kind);
  for (const key of keys) schema = childSchema(schemaOf(kind), schema, key)!;
  return (schema as { default?: unknown }).default;
}

function sharesOf(shares: unknown): Shares {
  return withoutZeros(isMap(shares) ? (Object.entries(shares) as [string, number][]) : []);
}

function modelOf(model: unknown): ModelReference | null {
  if (typeof model === "string") return { kind: "registered", ...registered(model, "models"), text: model };
  if (!isMap(model)) return null;
  const path = textAt(model, "path")!;
  const name = textAt(model, "name") ?? null;
  const version = textAt(model, "version") ?? null;
  // A model in Azure is found by its name, like a registered one.
  if (name !== null && isRemote(path)) return { kind: "registered", name, version, text: path };
  const type = (model.type ?? "custom_model") as "custom_model" | "mlflow_model" | "triton_model";
  return { kind: "inline", name, version, type, path };
}

function environmentOf(environment: unknown): EnvironmentReference | null {
  if (typeof environment === "string") {
    return { kind: "registered", ...registered(environment, "environments"), text: environment };
  }
  if (!isMap(environment)) return null;
  const inference = environment.inference_config;
  const route = (key: string): PortPath => at(inference, key) as unknown as PortPath;
  return {
    kind: "inline",
    name: textAt(environment, "name") ?? null,
    image: textAt(environment, "image") ?? null,
    hasBuild: environment.build !== undefined,
    conda: (environment.conda_file ?? null) as string | Document | null,
    inference: isMap(inference)
      ? { liveness: route("liveness_route"), readiness: route("readiness_route"), scoring: route("scoring_route") }
      : null,
  };
}

/** `azureml:n:1`, `azureml:n@latest`, `azureml:n`, or an address with `/models/n/versions/1` or `/labels/latest` in it. */
function registered(text: string, assets: "models" | "environments"): { name: string; version: string | null } {
  const long = new RegExp(`/${assets}/([^/]+)(?:/versions/([^/]+))?`, "i").exec(text);
  if (long !== null) return { name: long[1]!, version: long[2] ?? null };
  const [, name = "", version = null] = /^azureml:(.*?)(?::([^:@]+)|@.*)?$/s.exec(text) ?? [];
  return { name, version };
}

function probeOf(probe: unknown): Probe {
  const value = (key: string): number =>
    numberAt(probe, key) ?? (defaultOf("deployment", "liveness_probe", key) as number);
  return {
    initialDelay: value("initial_delay"),
    period: value("period"),
    timeout: value("timeout"),
    successThreshold: value("success_threshold"),
    failureThreshold: value("failure_threshold"),
  };
}

/** Without scale_settings a managed deployment keeps its number of instances, and on Kubernetes that number is both bounds. */
function scaleOf(document: Plain, instanceCount: number, isKubernetes: boolean): ScaleSettings {
  const scale = document.scale_settings;
  const type = textAt(scale, "type") ?? (isKubernetes ? "target_utilization" : "default");
  if (type !== "target_utilization") return { type: "default" };
  const value = (key: string): number =>
    numberAt(scale, key) ?? (defaultOf("deployment", "scale_settings", key) as number);
  const most = numberAt(scale, "max_instances");
  const minInstances = numberAt(scale, "min_instances") ?? Math.min(instanceCount, most ?? instanceCount);
  return {
    type: "target_utilization",
    minInstances,
    maxInstances: most ?? Math.max(value("max_instances"), minInstances),
    targetUtilizationPercentage: value("target_utilization_percentage"),
    pollingInterval: value("polling_interval"),
  };
}
