// Tells from its keys what a YAML file describes: Azure has many kinds of files that look alike.
import { at, isMap, type Plain, textAt } from "./plain.ts";
import { type DocumentKind, schemaOf } from "./schema.ts";

export type FoundKind =
  | { readonly kind: DocumentKind }
  | { readonly kind: "other"; readonly what: string; readonly cure: string };

/** @param value the map that the file holds   @param expected the answer for a file that could be either */
export function kindOf(value: Plain, expected?: DocumentKind): FoundKind {
  const has = (...keys: string[]): boolean => keys.some((key) => Object.hasOwn(value, key));
  const others = has("traffic", "mirror_traffic", "auth_mode", ...SERVING) ? LOOK_ALIKES : [...LOOK_ALIKES, ...OTHERS];
  for (const { what, cure, is } of others) {
    if (is(value, has)) return { kind: "other", what, cure: cure ?? ONLINE_ONLY };
  }
  const count = (kind: DocumentKind): number => keysOfOnly(kind).filter((key) => has(key)).length;
  const [deployment, endpoint] = [count("deployment"), count("endpoint")];
  if (deployment !== endpoint) return { kind: deployment > endpoint ? "deployment" : "endpoint" };
  if (expected !== undefined) return { kind: expected };
  const schema = textAt(value, "$schema") ?? "";
  if (deployment === 0 && !has("name", "description", "tags", "type") && !/online/i.test(schema)) {
    return { kind: "other", what: "neither an endpoint nor a deployment", cure: ONLINE_ONLY };
  }
  return { kind: deployment > 0 || /deployment/i.test(schema) ? "deployment" : "endpoint" };
}

/** Keys of one kind that the other does not have, and their spelling in the REST API. */
function keysOfOnly(kind: DocumentKind): string[] {
  const other = schemaOf(kind === "endpoint" ? "deployment" : "endpoint").properties ?? {};
  const keys = Object.keys(schemaOf(kind).properties ?? {}).filter((key) => !Object.hasOwn(other, key));
  const restKeys = keys.map((key) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
  return [...new Set([...keys, ...restKeys])];
}

interface OtherKind {
  readonly what: string;
  readonly cure?: string;
  readonly is: (value: Plain, has: (...keys: string[]) => boolean) => boolean;
}

const ONLINE_ONLY = "Only online endpoints and online deployments are supported.";

/** Whether the address of the schema names a kind. Azure's tools never look at it, so it decides only where keys do not. */
function saysSchema(value: Plain, name: RegExp): boolean {
  return name.test((textAt(value, "$schema") ?? "").split("/").at(-1)!);
}

/** Other files of Azure that have keys of online deployments or endpoints. The first one that fits counts. */
const LOOK_ALIKES: readonly OtherKind[] = [
  {
    what: "an Azure Resource Manager template",
    cure: "Write the endpoint and its deployments as YAML for az ml.",
    is: (value, has) => has("contentVersion") || (Array.isArray(value.resources) && has("parameters", "$schema")),
  },
  {
    what: "a request body for Azure's REST API",
    cure: "Write its properties as YAML for az ml, with keys like auth_mode in place of authMode.",
    is: (value) => isMap(value.properties) && REST_KEYS.some((key) => Object.hasOwn(value.properties as Plain, key)),
  },
  {
    what: "an endpoint file of the 2021 preview, which contains its deployments",
    cure: "Write the endpoint and each deployment to a file of its own, with today's keys.",
    is: (value) => Array.isArray(value.deployments),
  },
  { what: "a schedule", is: (_value, has) => has("trigger", "create_job", "create_monitor", "cron", "recurrence") },
  {
    what: "a batch deployment",
    is: (value, has) =>
      has(...BATCH_KEYS) ||
      (has("endpoint_name") && (has("compute") || value.type === "pipeline" || isMap(value.settings))) ||
      (saysSchema(value, /batchDeployment/i) && !has(...SERVING)),
  },
  {
    what: "a batch endpoint",
    is: (value, has) =>
      at(value, "defaults", "deployment_name") !== undefined ||
      (saysSchema(value, /batchEndpoint/i) && !has("traffic", "mirror_traffic", ...SERVING)),
  },
  {
    what: "a model package",
    is: (_value, has) => has("base_environment_source", "inferencing_server", "target_environment"),
  },
];

const REST_KEYS = ["authMode", "endpointComputeType", "codeConfiguration", "environmentId", "environmentVariables"];
const BATCH_KEYS = [
  "mini_batch_size",
  "output_action",
  "output_file_name",
  "retry_settings",
  "error_threshold",
  "max_concurrency_per_instance",
  "job_definition",
];

/** Kinds of files that have none of these keys. */
const OTHERS: readonly OtherKind[] = [
  { what: "a Docker Compose file", is: (value) => isMap(value.services) },
  { what: "a Kubernetes manifest", is: (_value, has) => has("apiVersion") && has("kind") },
  {
    what: "a description of an HTTP API",
    is: (_value, has) => has("openapi", "swagger") && has("info", "paths"),
  },
  {
    what: "a serverless endpoint",
    is: (value, has) => has("model_id") || saysSchema(value, /serverlessEndpoint/i),
  },
  {
    what: "an MLmodel file",
    cure: "It describes a model; give the model's folder in the deployment's model.path.",
    is: (_value, has) => has("flavors"),
  },
  {
    what: "a conda file",
    cure: "Refer to it in the deployment's key environment.conda_file.",
    is: (value, has) => has("channels") || Array.isArray(value.dependencies),
  },
  { what: "a prompt flow", is: (value, has) => Array.isArray(value.nodes) && has("inputs", "outputs") },
  { what: "a CI pipeline or workflow", is: (_value, has) => has("jobs", "steps", "stages", "pool") },
  {
    what: "a job or a component",
    is: (value, has) => has(...JOB_KEYS) || JOB_TYPES.has(String(value.type)),
  },
  { what: "a description of a data asset", is: (value) => DATA_TYPES.has(String(value.type)) },
  {
    what: "a description of a datastore or connection",
    is: (_value, has) => has("account_name", "container_name", "filesystem", "credentials"),
  },
  {
    what: "a description of a model",
    cure: "Refer to it in the deployment's key model, and give the path of its files with --model name=path.",
    is: (_value, has) => has("path"),
  },
  {
    what: "a description of an environment",
    cure: "Refer to it in the deployment's key environment.",
    is: (value, has) => has("image", "conda_file", "build", "inference_config") || saysSchema(value, /^environment/i),
  },
  {
    what: "a description of a compute target",
    is: (_value, has) => has("size") && has("type", "min_instances", "max_instances"),
  },
];

const JOB_KEYS = ["command", "inputs", "outputs", "experiment_name", "sweep", "trial", "display_name", "component"];
const JOB_TYPES: ReadonlySet<string> = new Set(["command", "pipeline", "sweep", "automl", "spark", "parallel"]);
const DATA_TYPES: ReadonlySet<string> = new Set(["uri_file", "uri_folder", "mltable"]);

/** Keys by which an online deployment or endpoint is known whatever else stands in the file. */
const SERVING = [
  "endpoint_name",
  "code_configuration",
  "environment_variables",
  "request_settings",
  "liveness_probe",
  "readiness_probe",
  "model",
  "scale_settings",
  "instance_type",
];
