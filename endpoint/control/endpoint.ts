// One endpoint's life: its document, its traffic, its keys, its deployments.
import type { Log } from "../../src/host.ts";
import type { Credentials, Document, EndpointReport, ProvisioningState, Routing, Shares } from "../types.ts";
import { type DocumentUpdate, updated } from "./changes.ts";
import { type CreateRequest, Deployments, type Listener, type UpdateRequest } from "./deployments.ts";
import { conflict, describe, invalid } from "./errors.ts";
import { type Batch, Followers } from "./followers.ts";
import { GRACE_MS } from "./grace.ts";
import { Ledger, withShares } from "./ledger.ts";
import { Serial } from "./serial.ts";
import { type Shown, scorePath, showDeployment, showEndpoint } from "./shown.ts";
import type { KeptEndpoint, Store } from "./state/store.ts";
import type { Front, KeptCredentials, Progress, RunningParts } from "./types.ts";

export interface EndpointStart {
  readonly state: KeptEndpoint;
  readonly credentials: KeptCredentials;
  readonly parts: RunningParts;
  readonly store: Store;
  readonly log: Log;
  /** For what belongs to versions of deployments. */
  readonly folder: string;
}

export interface EndpointUpdate extends DocumentUpdate {
  /** All of it: a deployment that is not named has none. */
  readonly traffic?: Shares;
  readonly mirrorTraffic?: Shares | undefined;
}

export class Endpoint {
  readonly front: Front;
  readonly #parts: RunningParts;
  readonly #store: Store;
  readonly #log: Log;
  readonly #ledger: Ledger;
  readonly #deployments: Deployments;
  readonly #followers: Followers = new Followers();
  readonly #keyChanges: Serial = new Serial();
  #kept: KeptCredentials;
  #open: Credentials;
  #state: ProvisioningState = "Succeeded";
  #routing: Routing;
  #address = "";
  #resumed: Promise<void> = Promise.resolve();
  #end: Promise<void> | undefined;

  constructor({ state, credentials, parts, store, log, folder }: EndpointStart) {
    this.#parts = parts;
    this.#store = store;
    this.#log = log;
    this.#kept = credentials;
    this.#ledger = new Ledger(state, parts.files, store);
    this.#open = parts.credentials.open(credentials, this.name);
    this.#deployments = new Deployments(this.#ledger, parts, log, folder, this.#followers);
    this.#routing = this.#route();
    this.#ledger.onChange = () => {
      this.#routing = this.#route();
    };
    const current: Credentials = { accepts: (mode, secret) => this.#open.accepts(mode, secret) };
    const routing = (): Routing => this.#routing;
    this.front = parts.createFront({ ...state.options, routing, credentials: current, log });
  }

  get name(): string {
    return this.#ledger.spec.name;
  }

  get state(): KeptEndpoint {
    return this.#ledger.state;
  }

  /** What the next request is handled by. */
  get routing(): Routing {
    return this.#routing;
  }

  get isEnding(): boolean {
    return this.#end !== undefined;
  }

  /** @param address `http://host:port`, where it listens */
  listensAt(address: string): void {
    this.#address = address;
  }

  /** Brings up the deployments that it had. Those that fail stay, and say why. */
  resume(progress: Progress): Promise<void> {
    this.#resumed = this.#deployments.resume(this.state.deployments, progress);
    return this.#resumed;
  }

  /** Resolves when those that it had are up, or have failed. */
  async resumed(): Promise<void> {
    await this.#resumed;
  }

  show(): Shown {
    const { document } = this.state;
    const members = this.#deployments.all();
    return showEndpoint({ document, spec: this.#ledger.spec, state: this.#state, address: this.#address, members });
  }

  async update({ traffic, mirrorTraffic, ...change }: EndpointUpdate, progress: Progress = () => {}): Promise<Shown> {
    const { files } = this.#parts;
    await this.#ledger.commit((state) => {
      this.#throwIfEnding();
      const document = updated(files, "endpoint", state.document, change, progress);
      const { name, kind } = files.endpointSpec(document);
      if (name !== this.name) throw invalid(`an endpoint's name cannot be changed; create ${name} beside ${this.name}`);
      if (kind !== this.#ledger.spec.kind) {
        throw invalid(
          `the endpoint ${name} is ${this.#ledger.spec.kind}, and its kind cannot be changed; create another endpoint`,
        );
      }
      let next = { ...state, document };
      if (traffic !== undefined) next = withShares(next, "traffic", traffic);
      if (mirrorTraffic !== undefined) next = withShares(next, "mirror_traffic", mirrorTraffic);
      return next;
    });
    return this.show();
  }

  /** With the next request. */
  async setTraffic(traffic: Shares, mirrorTraffic?: Shares): Promise<void> {
    await this.update({ document: null, changes: [], folder: "/", traffic, mirrorTraffic });
  }

  /** Writes down where it listens. */
  keepAddress(host: string, port: number): Promise<void> {
    return this.#ledger.commit((state) => ({ ...state, host, port }));
  }

  credentials(): Shown {
    return this.#parts.credentials.issue(this.#kept, this.#ledger.spec.authMode, this.name);
  }

  /** @param type `primary` or `secondary`   @throws ScoreError; a key that cannot be written down stays as it was */
  regenerateKeys(type: string): Promise<void> {
    const { credentials } = this.#parts;
    return this.#keyChanges.run(async () => {
      this.#throwIfEnding();
      const next = credentials.regenerate(this.#kept, this.#ledger.spec.authMode, this.name, type);
      const open = credentials.open(next, this.name);
      await this.#store.saveCredentials(next);
      this.#kept = next;
      this.#open = open;
    });
  }

  async createDeployment(request: CreateRequest, listener: Listener): Promise<Shown> {
    this.#throwIfEnding();
    const { name } = await this.#deployments.create(request, listener);
    return this.showDeployment(name);
  }

  async updateDeployment(request: UpdateRequest, listener: Listener): Promise<Shown> {
    this.#throwIfEnding();
    await this.#deployments.update(request, listener);
    const { traffic, mirrorTraffic } = this.#ledger.spec;
    if (traffic[request.name] || mirrorTraffic[request.name]) this.front.resetMirror();
    return this.showDeployment(request.name);
  }

  async deleteDeployment(name: string, listener: Listener): Promise<void> {
    this.#throwIfEnding();
    await this.#deployments.delete(name, listener);
    this.front.forget(name);
  }

  showDeployment(name: string): Shown {
    const member = this.#deployments.get(name);
    // What is being created is written down once it is up.
    return showDeployment(this.state.deployments[name]?.document ?? {}, member);
  }

  /** As it is kept, once nothing that was asked for before is under way.  @throws OperationError `not-found` */
  async deploymentDocument(name: string): Promise<Document> {
    await this.#deployments.settled(name);
    this.#deployments.get(name);
    return this.state.deployments[name]!.document;
  }

  listDeployments(): Shown[] {
    return this.#deployments.all().map(({ name }) => this.showDeployment(name));
  }

  /** @throws OperationError `not-found` */
  logs(name: string, lines: number): readonly string[] {
    const { deployment, target } = this.#deployments.get(name);
    return deployment === undefined ? [`${name} does not run: ${target.whyNotReady}`] : deployment.logs(lines);
  }

  /** The same, and then what it writes, until it goes.
   *  @param left aborts when nobody reads any more   @throws OperationError `not-found` */
  followLog(name: string, lines: number, left: AbortSignal): AsyncIterable<Batch> {
    return this.#followers.follow(name, () => this.logs(name, lines), left);
  }

  report(): EndpointReport {
    const { spec } = this.#ledger;
    const members = this.#deployments.all();
    const deployments = members.map((member) => {
      const { name, target, deployment, state } = member;
      return {
        name,
        state,
        isReady: target.isReady,
        whyNotReady: target.whyNotReady,
        instances: deployment?.instances ?? 0,
        workers: deployment?.workers ?? null,
        inFlight: target.inFlight,
        waiting: deployment?.waiting ?? 0,
        figures: this.front.figures(name),
      };
    });
    return {
      endpoint: spec.name,
      scoringUri: this.#address + scorePath(spec, members),
      authMode: spec.authMode,
      gateway: this.#routing.form,
      traffic: spec.traffic,
      mirrorTraffic: spec.mirrorTraffic,
      since: this.front.since,
      deployments,
      mirror: this.front.mirror(),
    };
  }

  /** Resolves when nothing that was asked for so far is under way.  @param deployment undefined: for all of them */
  settled(deployment?: string): Promise<void> {
    return this.#deployments.settled(deployment);
  }

  /** Ends all deployments; what runs may end within the grace. Nothing that is kept changes. */
  close(graceMs: number = GRACE_MS): Promise<void> {
    this.#end ??= this.#close(graceMs);
    return this.#end;
  }

  async #close(graceMs: number): Promise<void> {
    this.#state = "Deleting";
    try {
      await this.#deployments.close(graceMs);
      await Promise.all([this.#ledger.idle(), this.#keyChanges.idle()]);
    } catch (error) {
      this.#log.server.error(`The endpoint did not end in good order: ${describe(error)}`);
    } finally {
      this.front.close();
    }
  }

  #throwIfEnding(): void {
    if (this.isEnding) throw conflict(`the endpoint ${this.name} is being deleted or stopped`);
  }

  #route(): Routing {
    const { spec, state } = this.#ledger;
    const kept = new Set(Object.keys(state.deployments));
    const targets = new Map(
      this.#deployments
        .all()
        .flatMap((member) => (kept.has(member.name) ? [[member.name, member.target] as const] : [])),
    );
    return {
      endpoint: spec.name,
      form: state.options.gateway ?? spec.kind,
      kind: spec.kind,
      authMode: spec.authMode,
      traffic: spec.traffic,
      mirror: spec.mirrorTraffic,
      targets,
    };
  }
}
