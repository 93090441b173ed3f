// What the parts of a local online endpoint say to each other. Names and units are those of Azure ML's YAML files.
import type { ScoreRequest, ScoreResponse, ScoreRuntime, Scorer, ServedModel } from "../src/host.ts";

/** A validated file as plain data: YAML's keys, absolute paths, nothing filled in. What is kept, merged and shown. */
export type Document = Readonly<Record<string, unknown>>;

/** What the command line says of a document; it beats the file. */
export interface Overrides {
  readonly name?: string | undefined;
  readonly endpointName?: string | undefined;
  /** `a.b=v`, as `--set` takes it. */
  readonly set?: readonly string[] | undefined;
}

/** A document that can be used, and what its author should know of it, a line each. */
export interface ReadResult {
  readonly document: Document;
  readonly warnings: readonly string[];
}

/** A file that says only what is to change of an endpoint or a deployment. Names are in lower case. */
export interface UpdateFile {
  /** Of what it changes. */
  readonly name: string;
  /** Undefined: it changes an endpoint. */
  readonly endpointName: string | undefined;
  /** @returns what the file says, to be merged into the document   @throws ScoreError with all that is wrong with both together */
  mergedWith(old: Document): ReadResult;
}

export type Kind = "managed" | "kubernetes";
export type AuthMode = "key" | "aml_token" | "aad_token";

/** How the answers of scripts reach clients: as Azure's own gateway does it, as a Kubernetes cluster's, or as they are. */
export type GatewayForm = "managed" | "kubernetes" | "none";

/** Deployment to percent, lower-case names. */
export type Shares = Readonly<Record<string, number>>;

/** An endpoint's document with everything filled in that it leaves out. */
export interface EndpointSpec {
  readonly name: string;
  readonly kind: Kind;
  readonly authMode: AuthMode;
  /** Sum 0 or 100. */
  readonly traffic: Shares;
  /** At most one deployment, without live traffic, at most 50. */
  readonly mirrorTraffic: Shares;
}

/** A deployment's document with everything filled in that it leaves out. */
export interface DeploymentSpec {
  readonly name: string;
  readonly endpointName: string;
  readonly kind: Kind;
  readonly model: ModelReference | null;
  readonly code: Code | null;
  readonly environment: EnvironmentReference | null;
  /** As text; references to secrets as they stand in the file. */
  readonly environmentVariables: Readonly<Record<string, string>>;
  readonly instanceCount: number;
  readonly appInsightsEnabled: boolean;
  readonly requestTimeoutMs: number;
  readonly maxConcurrentRequestsPerInstance: number;
  /** Counts for Kubernetes only. */
  readonly maxQueueWaitMs: number;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly scale: ScaleSettings;
}

export interface Code {
  /** Absolute. */
  readonly folder: string;
  /** Relative to it, may hold folders. */
  readonly scoringScript: string;
}

/** `registered` has no path here: a map that the user gives says where it is. */
export type ModelReference =
  | { readonly kind: "registered"; readonly name: string; readonly version: string | null; readonly text: string }
  | {
      readonly kind: "inline";
      readonly name: string | null;
      readonly version: string | null;
      readonly type: "custom_model" | "mlflow_model" | "triton_model";
      /** Absolute; a folder or a file. */
      readonly path: string;
    };

export type EnvironmentReference =
  | { readonly kind: "registered"; readonly name: string; readonly version: string | null; readonly text: string }
  | {
      readonly kind: "inline";
      readonly name: string | null;
      readonly image: string | null;
      readonly hasBuild: boolean;
      /** Path, absolute, or the map that stands in the file. */
      readonly conda: string | Document | null;
      /** Present: the image brings a server of its own, at these routes. */
      readonly inference: InferenceRoutes | null;
    };

export interface InferenceRoutes {
  readonly liveness: PortPath;
  readonly readiness: PortPath;
  readonly scoring: PortPath;
}
export interface PortPath {
  readonly port: number;
  readonly path: string;
}

/** Seconds and counts. */
export interface Probe {
  readonly initialDelay: number;
  readonly period: number;
  readonly timeout: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

export type ScaleSettings =
  | { readonly type: "default" }
  | {
      readonly type: "target_utilization";
      readonly minInstances: number;
      readonly maxInstances: number;
      readonly targetUtilizationPercentage: number;
      /** Seconds. */
      readonly pollingInterval: number;
    };

/** What a deployment's document needs of this machine, found and made: nothing in it is still to be looked up. */
export interface Assets {
  /** What the script finds as AZUREML_MODEL_DIR: a folder that shows the model alone. Null: there is no model. */
  readonly modelDir: string | null;
  /** The model that is served in place of a script; null: there is a script, or an upstream. */
  readonly served: ServedModel | null;
  /** Interpreter; null: the one that the server finds by itself. */
  readonly python: string | null;
  /** With the values of secrets. */
  readonly environmentVariables: Readonly<Record<string, string>>;
  /** A server that the user runs takes the requests: `http://host:port`. Null: the script runs here. */
  readonly upstream: string | null;
  readonly warnings: readonly string[];
}

/** What the gateway sees of a deployment, whatever runs behind it. The object stays the same when the deployment is updated. */
export interface Target {
  readonly name: string;
  /** Requests that may run or wait at a time. */
  readonly capacity: number;
  /** Requests that are not answered yet, each from the call of `handle` on; a streamed answer counts until its end. */
  readonly inFlight: number;
  /** Those of them that versions before the current one still answer: they take none of its room. Default: 0. */
  readonly leaving?: number;
  readonly requestTimeoutMs: number;
  /** False: nothing can take a request, and `whyNotReady` says why. One that scales from none is ready. */
  readonly isReady: boolean;
  readonly whyNotReady: string | null;
  /** Answers as the script's own server would, or as the upstream does. Never rejects. The request's signal ends the work. */
  readonly handle: (request: ScoreRequest) => Promise<ScoreResponse>;
}

/** Provisioning states of Azure's. */
export type ProvisioningState = "Creating" | "Updating" | "Deleting" | "Scaling" | "Succeeded" | "Failed" | "Canceled";

/** A deployment that runs. */
export interface Deployment extends Target {
  readonly spec: DeploymentSpec;
  readonly state: ProvisioningState;
  /** Workers by what they do; undefined for an upstream. */
  readonly workers: Readonly<Record<"starting" | "idle" | "busy" | "dead", number>> | undefined;
  /** Instances that are there now. */
  readonly instances: number;
  readonly waiting: number;
  /** What metrics ask; undefined for an upstream, and where nothing runs. */
  readonly runtime?: Pick<ScoreRuntime, "state" | "load"> | undefined;
  /** Last lines of what the deployment has written. @param lines at most so many */
  logs(lines: number): readonly string[];
  /** Resolves when its first workers are ready. @throws ScoreError when they do not come up; the deployment is closed then */
  start(): Promise<void>;
  /** Starts the new version beside the old one and moves over when it is ready; what runs on the old one ends there.
   *  @throws ScoreError when the new version does not come up: the old one serves on */
  update(spec: DeploymentSpec, assets: Assets): Promise<Replaced>;
  /** Takes nothing more; what runs ends within so many milliseconds. */
  close(graceMs: number): Promise<void>;
}

/** A version of a deployment whose place another one has taken. */
export interface Replaced {
  /** Resolves when no worker of it lives. */
  readonly ended: Promise<void>;
}

/** What the gateway reads anew with each request. The control replaces it as a whole, so that a request sees one state. */
export interface Routing {
  readonly endpoint: string;
  readonly form: GatewayForm;
  /** Whether paths may begin with `/api/v1/endpoint/<name>`: of Kubernetes they may. Default: what the form says. */
  readonly kind?: Kind;
  readonly authMode: AuthMode;
  /** Live traffic. */
  readonly traffic: Shares;
  readonly mirror: Shares;
  /** By lower-case name. */
  readonly targets: ReadonlyMap<string, Target>;
}

/** What clients show to be let in. */
export interface Credentials {
  /** Whether the text behind `Bearer ` is a key or token that is good now, compared in constant time. */
  accepts(mode: AuthMode, secret: string): boolean;
}

/** The gateway is a scorer, so that every host that serves a script can serve an endpoint. */
export type Gateway = Scorer;

/** Hears of every request, whether or not it was let in. */
export interface GatewayEvents {
  answered(record: GatewayRecord): void;
}

export interface GatewayRecord {
  readonly request: ScoreRequest;
  readonly requestId: string;
  readonly clientRequestId: string | undefined;
  /** Undefined: none was chosen. */
  readonly deployment: string | undefined;
  /** What the client saw. */
  readonly status: number;
  /** What the deployment answered; undefined: it did not. */
  readonly modelStatus: number | undefined;
  /** Azure's word for why it is no 200: `model_error`, `too_many_pending_request`, `timeout`… */
  readonly reason: string | undefined;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Milliseconds until the head of the answer, and until its end. */
  readonly headMs: number;
  readonly totalMs: number;
  /** True: it was a copy of the mirror's, which no client waited for. */
  readonly isMirrored: boolean;
}

/** Gets a copy of live requests, after their answers. */
export interface Mirror {
  /** Called with live requests that weights have sent to a deployment, as many percent of them as the routing's mirror says,
   *  and their answers as the deployment gave them.
   *  @returns the answer to go on with: the same, or one whose stream is looked at as it passes */
  offer(request: ScoreRequest, from: Target, shadow: Target, answer: ScoreResponse, ms: number): ScoreResponse;
}

/** Percentiles of milliseconds. */
export interface Latency {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What the control page and `online-endpoint report` show, as JSON. */
export interface EndpointReport {
  readonly endpoint: string;
  readonly scoringUri: string;
  readonly authMode: AuthMode;
  readonly gateway: GatewayForm;
  readonly traffic: Shares;
  readonly mirrorTraffic: Shares;
  /** ISO 8601, since when is counted. */
  readonly since: string;
  readonly deployments: readonly DeploymentReport[];
  readonly mirror: MirrorReport | null;
}

export interface DeploymentReport {
  readonly name: string;
  readonly state: ProvisioningState;
  readonly isReady: boolean;
  readonly whyNotReady: string | null;
  readonly instances: number;
  readonly workers: Deployment["workers"] | null;
  readonly inFlight: number;
  readonly waiting: number;
  readonly figures: DeploymentFigures;
}

/** Of live and of mirrored requests together. */
export interface DeploymentFigures {
  readonly requests: number;
  /** Requests a second, of the last ten. */
  readonly rate: number;
  /** Answers other than 200 a second, of the last ten. */
  readonly errorRate: number;
  /** By what clients saw, and by what the deployment answered. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly modelStatuses: Readonly<Record<string, number>>;
  readonly latencyMs: Latency;
}

export interface MirrorReport {
  readonly shadow: string;
  readonly since: string;
  /** Copies that were made, whose answers were compared, and that found no room. */
  readonly mirrored: number;
  readonly compared: number;
  readonly dropped: number;
  /** Of those, alike as far as is known: their bodies were too large to keep. */
  readonly notComparable: number;
  readonly different: number;
  /** Of those compared, without the ones that are not comparable; 0 to 1. */
  readonly shareDifferent: number;
  readonly kinds: readonly DifferenceKind[];
  /** The same requests, both sides. */
  readonly liveMs: Latency;
  readonly shadowMs: Latency;
  readonly liveStatuses: Readonly<Record<string, number>>;
  readonly shadowStatuses: Readonly<Record<string, number>>;
}

/** Differences that look alike: of status, or of the body at one path. */
export interface DifferenceKind {
  /** `status 200 -> 424`, `body $.result[*]: number`. */
  readonly kind: string;
  readonly count: number;
  readonly examples: readonly DifferenceExample[];
}

export interface DifferenceExample {
  readonly requestId: string;
  readonly time: string;
  readonly request: string;
  readonly live: { readonly deployment: string; readonly status: number; readonly body: string };
  readonly shadow: { readonly deployment: string; readonly status: number; readonly body: string };
  /** Where they differ first, and what stands there. */
  readonly path: string;
  readonly liveValue: string;
  readonly shadowValue: string;
}
