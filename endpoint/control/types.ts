// What an endpoint's control is put together from: the other folders of endpoint/, each behind the few calls that are made of it.
import type { Log, Scorer } from "../../src/host.ts";
import type {
  Assets,
  AuthMode,
  Credentials,
  Deployment,
  DeploymentFigures,
  DeploymentSpec,
  Document,
  EndpointReport,
  EndpointSpec,
  GatewayForm,
  MirrorReport,
  Overrides,
  ReadResult,
  Routing,
  Shares,
  UpdateFile,
} from "../types.ts";

/** A change of one key that the command line asks for, as `--set a.b=c`, `--add a b=c` and `--remove a 0` do. */
export interface Change {
  readonly kind: "set" | "add" | "remove";
  /** The words behind the flag. */
  readonly words: readonly string[];
  /** Values stay text: `--force-string`. */
  readonly forceString: boolean;
}

type DocumentKind = "endpoint" | "deployment";

/** YAML files, and what is done with what stands in them. Every call throws a ScoreError with the cause and the cure. */
export interface FilesPart {
  readEndpointFile(path: string, overrides: Overrides): ReadResult;
  readDeploymentFile(path: string, overrides: Overrides): ReadResult;
  openUpdateFile(kind: DocumentKind, path: string, overrides: Overrides): UpdateFile;
  /** An endpoint without a file. */
  endpointDocument(overrides: Overrides): ReadResult;
  kindOfFile(path: string): DocumentKind;
  /** @param folder where paths begin that were set relative */
  checkDocument(kind: DocumentKind, document: Document, folder: string): ReadResult;
  endpointSpec(document: Document): EndpointSpec;
  deploymentSpec(document: Document): DeploymentSpec;
  mergeDocuments(old: Document, update: Document): Document;
  setValue(document: Document, expression: string, forceString: boolean): Document;
  addValue(document: Document, words: readonly string[], forceString: boolean): Document;
  removeValue(document: Document, words: readonly string[]): Document;
  /** `blue=90 green=10` @param flag what it was given with */
  parseShares(text: string, known: null, flag: string): Shares;
  checkTraffic(traffic: Shares, mirror: Shares, deployments: readonly string[], kind: EndpointSpec["kind"]): void;
}

/** What the command line says of things that a deployment's file only names. Paths are absolute. */
export interface AssetOptions {
  /** `name` or `name:version` to a folder or file. */
  readonly models: Readonly<Record<string, string>>;
  /** `name` or `name:version` to an interpreter or an environment's folder. */
  readonly environments: Readonly<Record<string, string>>;
  /** Deployment to interpreter. */
  readonly pythons: Readonly<Record<string, string>>;
  /** Deployment to `http://host:port`. */
  readonly upstreams: Readonly<Record<string, string>>;
  /** File with the values of secrets. */
  readonly secretsFile: string | null;
  /** False: no environment is made, the active one serves. */
  readonly makesEnvironments: boolean;
}

/** How an endpoint is to run, beside what its file says. */
export interface EndpointOptions {
  readonly gateway: GatewayForm | null;
  readonly cloudErrorText: boolean;
  /** Numbers of two answers that are no further apart count as equal. */
  readonly tolerance: number;
  /** Paths of an answer that are not compared. */
  readonly ignore: readonly string[];
  /** Where Prometheus finds the metrics; null or undefined: nowhere. */
  readonly metrics?: string | null;
  /** Shows scripts the keys and tokens of clients. Undefined: it does not. */
  readonly keepsAuthorization?: boolean;
  /** Requests a second that are taken; null or undefined: as many as come. */
  readonly maxRate?: number | null;
  readonly assets: AssetOptions;
}

/** Says what a long step does, a line at a time. */
export type Progress = (line: string) => void;

/** The keys of an endpoint as they are kept. What is in them is the gateway's. */
export type KeptCredentials = Readonly<Record<string, unknown>>;

export interface CredentialsPart {
  create(): KeptCredentials;
  /** @throws when what was kept cannot be used */
  open(kept: KeptCredentials, endpoint: string): Credentials;
  /** @param type as typed   @throws ScoreError in Azure's words */
  regenerate(kept: KeptCredentials, mode: AuthMode, endpoint: string, type: string): KeptCredentials;
  /** What `get-credentials` prints (contract EP-25). */
  issue(kept: KeptCredentials, mode: AuthMode, endpoint: string): Readonly<Record<string, unknown>>;
}

/** All that stands between the port and the deployments: gateway, figures, mirror, page. */
export interface Front {
  readonly scorer: Scorer;
  /** ISO 8601, since when is counted. */
  readonly since: string;
  figures(deployment: string): DeploymentFigures;
  /** The deployment was deleted: another one of its name begins at nought. */
  forget(deployment: string): void;
  /** What the mirror has found was of other versions than those that run now. */
  resetMirror(): void;
  /** Null: nothing has been mirrored. */
  mirror(): MirrorReport | null;
  /** The control page. @returns what serves it, and the path that opens it, token included */
  createPage(control: PageControl): { readonly scorer: Scorer; readonly path: string };
  close(): void;
}

export interface PageControl {
  report(): EndpointReport;
  /** @throws ScoreError */
  setTraffic(traffic: Shares, mirrorTraffic: Shares): Promise<void>;
}

export interface FrontOptions extends Omit<EndpointOptions, "gateway" | "assets"> {
  /** Read anew with each request. */
  readonly routing: () => Routing;
  readonly credentials: Credentials;
  readonly log: Log;
}

export interface ReportPart {
  /** What the mirror has found; for a table, what stands below the figures of the deployments.
   *  @param maxDifferences as typed; null: a rollout is not to be judged   @throws ScoreError when it cannot be read
   *  @returns `failure`: why the rollout is not to go on */
  render(
    report: EndpointReport,
    form: "table" | "json" | "junit",
    maxDifferences: string | null,
  ): { readonly text: string; readonly failure: string | null };
}

/** Flags of the form `name=value`, as AssetOptions have them. */
export interface FlagsPart {
  /** @throws ScoreError with all that is wrong */
  pairs(
    flag: "model" | "environment" | "python" | "upstream",
    texts: readonly string[],
  ): Readonly<Record<string, string>>;
}

/** Values of secrets by the name of their variable, `SCOREFN_SECRET_...`. They are for one operation: never kept, never shown. */
export type SecretVariables = Readonly<Record<string, string>>;

/** What goes with the finding and making of a deployment's assets. */
export interface AssetWork {
  /** Of this version of the deployment alone; it is removed when the version has ended. */
  readonly folder: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Of the command that asks for the work, on top of those of this process. */
  readonly secrets: SecretVariables;
}

/** Where goes what a deployment writes. */
export interface DeploymentSinks {
  /** The endpoint's own, which says of each line whose it is. */
  readonly log: Log;
  /** Gets each line as the deployment writes it. */
  readonly onLine: (line: string) => void;
}

/** What the endpoint's own process needs. */
export interface RunningParts {
  readonly files: FilesPart;
  readonly credentials: CredentialsPart;
  /** Looks up what deployments that come together need of this machine, and makes nothing. @throws ScoreError with all of it */
  checkAssets(specs: readonly DeploymentSpec[], options: AssetOptions): Promise<void>;
  /** Fills in what the document needs of this machine. Its errors say what is missing and how to get it. */
  resolveAssets(spec: DeploymentSpec, options: AssetOptions, work: AssetWork): Promise<Assets>;
  createDeployment(spec: DeploymentSpec, assets: Assets, options: DeploymentSinks): Deployment;
  createFront(options: FrontOptions): Front;
}

/** Loads only what a command needs: `show` reads no YAML, and `invoke` starts no worker. */
export interface Parts {
  files(): Promise<FilesPart>;
  report(): Promise<ReportPart>;
  flags(): Promise<FlagsPart>;
  running(): Promise<RunningParts>;
}
