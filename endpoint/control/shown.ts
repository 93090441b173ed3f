// What `show` and `list` print, in the keys of Azure's own command (contract EP-21, EP-30, EP-31).
import { basename, dirname, join } from "node:path";
import type { Document, EndpointSpec, Probe, ProvisioningState } from "../types.ts";
import type { Member } from "./member.ts";

export type Shown = Readonly<Record<string, unknown>>;

/** A local endpoint has no region. */
const LOCATION = "local";
const SCORE_PATH = "/score";

export interface ShownEndpoint {
  readonly document: Document;
  readonly spec: EndpointSpec;
  readonly state: ProvisioningState;
  /** `http://host:port` */
  readonly address: string;
  readonly members: readonly Member[];
}

export function showEndpoint({ document, spec, state, address, members }: ShownEndpoint): Shown {
  return {
    auth_mode: spec.authMode,
    ...(document.compute !== undefined && { compute: document.compute }),
    description: document.description ?? null,
    identity: document.identity ?? null,
    kind: spec.kind === "kubernetes" ? "K8S" : "Managed",
    location: LOCATION,
    mirror_traffic: spec.mirrorTraffic,
    name: spec.name,
    openapi_uri: `${address}/swagger.json`,
    properties: document.properties ?? {},
    provisioning_state: state,
    public_network_access: document.public_network_access ?? "enabled",
    scoring_uri: address + scorePath(spec, members),
    tags: document.tags ?? {},
    traffic: allShares(spec, members),
  };
}

/** A server that the user brings may take requests at another path (contract EP-29). */
export function scorePath({ traffic }: EndpointSpec, members: readonly Member[]): string {
  const live = members.filter(({ name }) => Object.hasOwn(traffic, name));
  const [first] = live.length > 0 ? live : members;
  const environment = first?.spec.environment;
  const inference = environment?.kind === "inline" ? environment.inference : null;
  return inference?.scoring.path ?? SCORE_PATH;
}

/** With 0 for each deployment that has neither live nor mirrored traffic (contract EP-13). */
function allShares({ traffic, mirrorTraffic }: EndpointSpec, members: readonly Member[]): Shown {
  const without = members.filter(({ name }) => !Object.hasOwn(traffic, name) && !Object.hasOwn(mirrorTraffic, name));
  return { ...traffic, ...Object.fromEntries(without.map(({ name }) => [name, 0])) };
}

export function showDeployment(document: Document, member: Member): Shown {
  const { spec, assets } = member;
  const { code, kind } = spec;
  return {
    ...document,
    app_insights_enabled: spec.appInsightsEnabled,
    code_configuration: code === null ? null : { code: code.folder, scoring_script: code.scoringScript },
    description: document.description ?? null,
    ...(kind === "managed" && { egress_public_network_access: document.egress_public_network_access ?? "enabled" }),
    endpoint_name: spec.endpointName,
    environment: document.environment ?? null,
    environment_variables: {
      ...(code !== null && {
        AML_APP_ROOT: dirname(join(code.folder, code.scoringScript)),
        AZUREML_ENTRY_SCRIPT: basename(code.scoringScript),
      }),
      ...(assets?.served && { SCOREFN_MODEL: assets.served.path }),
      ...(assets?.modelDir && { AZUREML_MODEL_DIR: assets.modelDir }),
      // As they stand in the file: the values of secrets are not shown.
      ...spec.environmentVariables,
    },
    instance_count: spec.instanceCount,
    liveness_probe: showProbe(spec.livenessProbe),
    model: document.model ?? null,
    name: spec.name,
    properties: { ...(document.properties ?? {}), ...whyNotReady(member) },
    provisioning_state: member.state,
    readiness_probe: showProbe(spec.readinessProbe),
    request_settings: {
      max_concurrent_requests_per_instance: spec.maxConcurrentRequestsPerInstance,
      ...(kind === "kubernetes" && { max_queue_wait_ms: spec.maxQueueWaitMs }),
      request_timeout_ms: spec.requestTimeoutMs,
    },
    scale_settings: showScale(member),
    tags: document.tags ?? {},
    type: kind,
  };
}

/** Azure's own commands do not say it; its properties are there for what somebody wants to add. */
function whyNotReady({ operation, target }: Member): Shown {
  return operation === undefined && target.whyNotReady !== null ? { "scorefn.whyNotReady": target.whyNotReady } : {};
}

function showProbe({ failureThreshold, initialDelay, period, successThreshold, timeout }: Probe): Shown {
  return {
    failure_threshold: failureThreshold,
    initial_delay: initialDelay,
    period,
    success_threshold: successThreshold,
    timeout,
  };
}

function showScale({ spec: { scale } }: Member): Shown {
  if (scale.type === "default") return { type: "default" };
  return {
    max_instances: scale.maxInstances,
    min_instances: scale.minInstances,
    polling_interval: scale.pollingInterval,
    target_utilization_percentage: scale.targetUtilizationPercentage,
    type: "target_utilization",
  };
}
