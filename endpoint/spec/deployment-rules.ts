// What a deployment's document must be beyond its schema.
import { resolve } from "node:path";
import { detectModel } from "../../src/host.ts";
import type { Findings } from "./findings.ts";
import { isRemote, kindOfPath } from "./paths.ts";
import { at, isMap, numberAt, type Plain, textAt, withValue } from "./plain.ts";
import { shown } from "./problem.ts";
import { environmentTexts } from "./variables.ts";

/** @param folder where relative paths begin   @returns the document with names in lower case and variables as texts */
export function deploymentRules(document: Plain, folder: string, findings: Findings): Plain {
  let changed = document;
  const isKubernetes = document.type === "kubernetes";
  const name = textAt(document, "name");
  if (name !== undefined) changed = withValue(changed, ["name"], name.toLowerCase());
  checkNames(document, isKubernetes, findings);
  checkReference(document, "model", folder, findings);
  checkReference(document, "environment", folder, findings);
  checkEnvironment(document, findings);
  checkCode(document, folder, findings);
  checkSettings(document, isKubernetes, findings);
  checkScale(document, isKubernetes, findings);
  checkCollector(document, findings);
  if (document.startup_probe !== undefined) {
    findings.warn(
      ["startup_probe"],
      "az ml rejects startup_probe, which only Azure's REST API supports; it has no effect here",
      "key",
    );
  }
  if (!isKubernetes && document.instance_type === undefined) {
    findings.warn(["instance_type"], "instance_type is missing; it has no effect here, but Azure requires it", "key");
  }
  if (isMap(document.environment_variables)) {
    changed = withValue(changed, ["environment_variables"], environmentTexts(document, findings));
  }
  return changed;
}

/** Length of an endpoint's and a deployment's name together that a cluster takes. */
const KUBERNETES_NAMES = { least: 6, most: 62 };

function checkNames(document: Plain, isKubernetes: boolean, findings: Findings): void {
  for (const key of ["name", "endpoint_name"]) {
    const name = textAt(document, key);
    if (name === undefined || findings.has([key]) || /^[A-Za-z](?:[A-Za-z0-9-]{1,30}[A-Za-z0-9])$/.test(name)) continue;
    findings.warn(
      [key],
      `Azure allows names of 3 to 32 letters, digits and dashes that begin with a letter and do not end with a dash; found ${shown(name)}`,
    );
  }
  const length = (textAt(document, "name")?.length ?? 0) + (textAt(document, "endpoint_name")?.length ?? 0);
  if (!isKubernetes || length === 0 || findings.has(["name"]) || findings.has(["endpoint_name"])) return;
  if (length < KUBERNETES_NAMES.least || length > KUBERNETES_NAMES.most) {
    const { least, most } = KUBERNETES_NAMES;
    findings.warn(
      ["name"],
      `the names of endpoint and deployment on a cluster must have ${least} to ${most} characters together; these have ${length}`,
    );
  }
}

/** A text names something registered; a path in its place is the usual mistake. */
function checkReference(document: Plain, key: "model" | "environment", folder: string, findings: Findings): void {
  const text = textAt(document, key);
  if (text === undefined || text === "" || findings.has([key]) || /^azureml:(?:\/\/)?.+/.test(text)) return;
  const inner = key === "model" ? "path" : "conda_file";
  const isThere = kindOfPath(resolve(folder, text)) !== null;
  const looksLikePath = /[/\\]|\.\w+$/.test(text) && !isRemote(text);
  if (isThere || looksLikePath) {
    const what = isThere ? `${shown(text)} is a path` : `there is no file or folder ${shown(text)}`;
    findings.problem(
      [key],
      `${key} as a string must name a registered ${key}; ${what}`,
      `For a path write ${key}: {${inner}: ${text}}.`,
    );
  } else {
    const name = /^[A-Za-z0-9][\w.-]*$/.test(text) ? text : "name";
    findings.problem(
      [key],
      `${key} as a string must name a registered ${key}; found ${shown(text)}`,
      `Write azureml:${name}:1, azureml:${name}@latest, or the keys of ${key} on the lines below.`,
    );
  }
}

function checkEnvironment(document: Plain, findings: Findings): void {
  const { environment } = document;
  if (!isMap(environment) || findings.has(["environment"])) return;
  const has = (key: string): boolean => environment[key] !== undefined;
  if (has("image") && has("build")) {
    findings.warn(["environment", "build"], "environment can have image or build; Azure rejects both", "key");
  }
  if (has("conda_file") && !has("image") && !has("build")) {
    findings.warn(
      ["environment", "conda_file"],
      "Azure requires an image with conda_file; it is not needed here",
      "key",
    );
  }
  const keys = Object.keys(environment);
  if (keys.every((key) => !["image", "build", "conda_file", "channels", "dependencies"].includes(key))) {
    const name = textAt(environment, "name");
    const cure =
      name === undefined
        ? ""
        : `For a registered one write environment: azureml:${name}:${textAt(environment, "version") ?? "1"}.`;
    findings.problem(["environment"], "environment has no image, build or conda_file", cure, "key");
  }
}

/** A deployment answers by a script, by a model that Azure knows how to serve, or by a server in its image. */
function checkCode(document: Plain, folder: string, findings: Findings): void {
  const { code_configuration: code, model, environment } = document;
  const type = textAt(model, "type") ?? "custom_model";
  if (code !== undefined) {
    if (environment === undefined) {
      findings.warn(["environment"], "environment is missing; Azure requires it with code_configuration", "key");
    }
    return;
  }
  const isServed = typeof model === "string" || (isMap(model) && type !== "custom_model");
  const bringsServer = typeof environment === "string" || at(environment, "inference_config") !== undefined;
  const buildsServer = at(environment, "build") !== undefined;
  if (isServed || bringsServer || buildsServer) return;
  const path = textAt(model, "path");
  if (path !== undefined && !isRemote(path) && "model" in detectModel(resolve(folder, path))) {
    findings.warn(
      ["model"],
      "Azure serves a custom_model only with code_configuration; here the model is served as it is",
      "key",
    );
    return;
  }
  findings.missing(
    ["code_configuration"],
    "code_configuration is missing: nothing says how requests are answered",
    "Name a script by code_configuration, an MLflow or Triton model by model, or a server in the image by environment.inference_config.",
  );
}

/** Milliseconds that Azure lets a request take. */
const MAX_TIMEOUT_MS = { managed: 180_000, kubernetes: 300_000 };
/** Instances that Azure gives a deployment. */
const MAX_INSTANCES = 50;

function checkSettings(document: Plain, isKubernetes: boolean, findings: Findings): void {
  const timeout = numberAt(document, "request_settings", "request_timeout_ms");
  const most = isKubernetes ? MAX_TIMEOUT_MS.kubernetes : MAX_TIMEOUT_MS.managed;
  if (timeout !== undefined && timeout > most) {
    findings.warn(["request_settings", "request_timeout_ms"], `Azure allows at most ${most} ms; found ${timeout}`);
  }
  if (!isKubernetes && at(document, "request_settings", "max_queue_wait_ms") !== undefined) {
    findings.warn(
      ["request_settings", "max_queue_wait_ms"],
      "max_queue_wait_ms has an effect on Kubernetes only; raise request_timeout_ms instead",
      "key",
    );
  }
  const workers = at(document, "environment_variables", "WORKER_COUNT");
  const atATime = numberAt(document, "request_settings", "max_concurrent_requests_per_instance") ?? 1;
  if (workers !== undefined && workers !== null && Number(workers) !== atATime) {
    findings.warn(
      ["environment_variables", "WORKER_COUNT"],
      `WORKER_COUNT is ${shown(workers)}, but max_concurrent_requests_per_instance is ${atATime}; ${atATime} is used here, and Azure requires both to be the same`,
    );
  }
  const instances = numberAt(document, "instance_count");
  if (instances !== undefined && instances > MAX_INSTANCES) {
    findings.warn(
      ["instance_count"],
      `Azure gives a deployment at most ${MAX_INSTANCES} instances; found ${instances}`,
    );
  }
  const successes = numberAt(document, "liveness_probe", "success_threshold");
  if (successes !== undefined && successes > 1) {
    findings.warn(["liveness_probe", "success_threshold"], "the success_threshold of a liveness_probe is always 1");
  }
}

function checkScale(document: Plain, isKubernetes: boolean, findings: Findings): void {
  const scale = document.scale_settings;
  if (!isMap(scale)) return;
  if (scale.type === "default") {
    for (const key of ["min_instances", "max_instances", "target_utilization_percentage", "polling_interval"]) {
      if (scale[key] !== undefined) {
        findings.problem(
          ["scale_settings", key],
          `${key} is for type: target_utilization`,
          "With type: default, instance_count sets the number of instances.",
          "key",
        );
      }
    }
    return;
  }
  if (scale.type !== "target_utilization") return;
  if (!isKubernetes) {
    findings.warn(
      ["scale_settings", "type"],
      "Azure scales managed deployments with Azure Monitor and rejects target_utilization; it has an effect here",
    );
  }
  const [least, most] = [numberAt(scale, "min_instances") ?? 1, numberAt(scale, "max_instances")];
  if (least > (most ?? 1)) {
    const key = most === undefined ? "min_instances" : "max_instances";
    findings.problem(
      ["scale_settings", key],
      `max_instances is ${most ?? "1, unless it is given"}, which is less than min_instances ${least}`,
    );
  }
}

function checkCollector(document: Plain, findings: Findings): void {
  const collections = at(document, "data_collector", "collections");
  for (const [name, collection] of isMap(collections) ? Object.entries(collections) : []) {
    const path = ["data_collector", "collections", name];
    if (typeof at(collection, "enabled") === "boolean") {
      findings.warn(
        [...path, "enabled"],
        `az ml accepts enabled as a string only; quote it: enabled: "${at(collection, "enabled")}"`,
      );
    }
  }
}
