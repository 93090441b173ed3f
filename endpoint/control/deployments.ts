// What is done to the deployments of an endpoint: one thing after the other to each of them, side by side to several.
import { isDeepStrictEqual } from "node:util";
import { type Log, unlessAborted } from "../../src/host.ts";
import type { Assets, Deployment, DeploymentSpec, Document } from "../types.ts";
import { conflict, describe, invalid, notFound } from "./errors.ts";
import { type Ledger, withShares } from "./ledger.ts";
import { Member } from "./member.ts";
import type { AssetOptions, Change, Progress, RunningParts } from "./parts.ts";
import { Serial } from "./serial.ts";
import type { KeptDeployment, KeptEndpoint } from "./state/store.ts";

/** How long requests that run may take when their deployment is deleted, in milliseconds: what a server's stop gives them. */
const CLOSE_GRACE_MS = 30_000;

export interface CreateRequest {
  readonly document: Document;
  readonly assets: AssetOptions;
  /** Gets all live traffic when it is up. */
  readonly allTraffic: boolean;
}

export interface UpdateRequest {
  readonly name: string;
  /** Null: no file was given, only changes. */
  readonly document: Document | null;
  readonly changes: readonly Change[];
  /** Undefined: those that it was created with. */
  readonly assets: AssetOptions | undefined;
}

/** Who asks for an operation hears of it while it goes on. */
export interface Listener {
  readonly progress: Progress;
  /** It will be tried: what is asked for makes sense. */
  readonly accepted: () => void;
}

export class Deployments {
  readonly #members: Map<string, Member> = new Map();
  readonly #queues: Map<string, Serial> = new Map();
  /** Why the last creation came to nothing, for whoever did not wait for it. */
  readonly #failures: Map<string, string> = new Map();
  readonly #end: AbortController = new AbortController();
  readonly #ledger: Ledger;
  readonly #parts: RunningParts;
  readonly #log: Log;

  constructor(ledger: Ledger, parts: RunningParts, log: Log) {
    this.#ledger = ledger;
    this.#parts = parts;
    this.#log = log;
  }

  /** In the order of their names, those that are being created or deleted included. */
  all(): Member[] {
    return [...this.#members.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** @throws OperationError `not-found` */
  get(name: string): Member {
    const member = this.#members.get(name);
    if (member !== undefined) return member;
    const why = this.#failures.get(name);
    const reason = why === undefined ? "" : `; its creation failed: ${why}`;
    throw notFound(`the endpoint ${this.#ledger.spec.name} has no deployment ${name}${reason}`);
  }

  create(request: CreateRequest, { progress, accepted }: Listener): Promise<Member> {
    const spec = this.#specOf(request.document);
    return this.#queued(spec.name, async () => {
      if (this.#members.has(spec.name)) {
        throw conflict(
          `the deployment ${spec.name} exists; change it with online-deployment update, or delete it first`,
        );
      }
      const member = new Member(spec);
      member.operation = "Creating";
      this.#failures.delete(spec.name);
      this.#members.set(spec.name, member);
      accepted();
      try {
        await this.#bringUp(member, request.assets, progress);
        const kept = { document: request.document, assets: request.assets };
        await this.#commit((state) => {
          const next = withDeployment(state, spec.name, kept);
          return request.allTraffic ? withShares(next, "traffic", { [spec.name]: 100 }) : next;
        });
      } catch (error) {
        this.#members.delete(spec.name);
        this.#failures.set(spec.name, describe(error));
        this.#log.server.error(`The deployment ${spec.name} could not be created: ${describe(error)}`);
        await member.deployment?.close(0);
        throw error;
      }
      member.operation = undefined;
      return member;
    });
  }

  /** Brings back what was there before the endpoint's process was started. One that does not come up stays, as failed. */
  async resume(kept: KeptEndpoint["deployments"], progress: Progress): Promise<void> {
    const all = Object.entries(kept).map(([name, { document, assets }]) => {
      const member = new Member(this.#specOf(document));
      member.operation = "Creating";
      this.#members.set(name, member);
      return this.#queued(name, async () => {
        try {
          await this.#bringUp(member, assets, progress);
        } catch (error) {
          member.failed(describe(error));
          progress(`the deployment ${name} does not come up: ${describe(error)}`);
          this.#log.server.error(`The deployment ${name} does not come up: ${describe(error)}`);
        }
        member.operation = undefined;
        this.#ledger.onChange();
      });
    });
    this.#ledger.onChange();
    await Promise.all(all);
  }

  update(request: UpdateRequest, { progress, accepted }: Listener): Promise<Member> {
    const { name } = request;
    return this.#queued(name, async () => {
      const member = this.get(name);
      const old = this.#ledger.state.deployments[name]!;
      const document = this.#merged(old.document, request);
      const spec = this.#specOf(document);
      if (spec.name !== name)
        throw invalid(`a deployment's name cannot be changed; create ${spec.name} beside ${name}`);
      accepted();
      member.operation = "Updating";
      const assets = request.assets ?? old.assets;
      const before = { spec: member.spec, assets: member.assets };
      try {
        // The same document may stand for other code, so a file always brings new workers.
        const isSame =
          request.document === null && request.assets === undefined && isDeepStrictEqual(spec, before.spec);
        if (!isSame) await this.#bringUp(member, assets, progress, spec);
        try {
          await this.#commit((state) => withDeployment(state, name, { document, assets }));
        } catch (error) {
          await this.#goBack(member, before);
          throw error;
        }
        member.spec = spec;
      } catch (error) {
        this.#log.server.error(`The deployment ${name} could not be updated: ${describe(error)}`);
        throw error;
      } finally {
        member.operation = undefined;
        this.#ledger.onChange();
      }
      return member;
    });
  }

  delete(name: string, { accepted }: Listener): Promise<void> {
    return this.#queued(name, async () => {
      const member = this.get(name);
      await this.#commit((state) => {
        const { traffic, mirrorTraffic } = this.#ledger.spec;
        if (traffic[name]) {
          throw conflict(
            `the deployment ${name} has ${traffic[name]} % of the traffic; give that to others first, with online-endpoint update --traffic`,
          );
        }
        if (mirrorTraffic[name]) {
          throw conflict(
            `the deployment ${name} has ${mirrorTraffic[name]} % of the traffic mirrored to it; end that first, with online-endpoint update --mirror-traffic "${name}=0"`,
          );
        }
        const { [name]: _gone, ...deployments } = state.deployments;
        return { ...state, deployments };
      });
      member.operation = "Deleting";
      accepted();
      try {
        await member.deployment?.close(CLOSE_GRACE_MS);
      } finally {
        this.#members.delete(name);
      }
    });
  }

  /** Resolves when nothing that was asked for so far is under way. */
  async settled(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.idle()));
  }

  /** Gives up what is under way, and closes all. */
  async close(graceMs: number): Promise<void> {
    this.#end.abort(conflict(`the endpoint ${this.#ledger.spec.name} ends`));
    await this.settled();
    const members = [...this.#members.values()];
    for (const member of members) member.operation = "Deleting";
    await Promise.all(members.map((member) => member.deployment?.close(graceMs)));
    this.#members.clear();
  }

  #queued<T>(name: string, work: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(name) ?? new Serial();
    this.#queues.set(name, queue);
    return queue.run(async () => {
      this.#throwIfEnding();
      return work();
    });
  }

  async #commit(change: (state: KeptEndpoint) => KeptEndpoint): Promise<void> {
    await this.#ledger.commit((state) => {
      this.#throwIfEnding();
      return change(state);
    });
  }

  #throwIfEnding(): void {
    if (this.#end.signal.aborted) throw this.#end.signal.reason;
  }

  /** Starts the deployment, or a new version of it beside the one that runs. */
  async #bringUp(
    member: Member,
    options: AssetOptions,
    progress: Progress,
    spec: DeploymentSpec = member.spec,
  ): Promise<void> {
    const { signal } = this.#end;
    const say = (line: string): void => {
      this.#log.server.info(`${member.name}: ${line}`);
      progress(line);
    };
    const assets = await unlessAborted(this.#parts.resolveAssets(spec, options, say), signal);
    for (const warning of assets.warnings) say(`warning: ${warning}`);
    const running = member.deployment;
    if (running !== undefined) await unlessAborted(running.update(spec, assets), signal);
    else member.deployment = await this.#started(spec, assets);
    member.assets = assets;
  }

  async #started(spec: DeploymentSpec, assets: Assets): Promise<Deployment> {
    const deployment = this.#parts.createDeployment(spec, assets, { log: this.#log });
    try {
      await unlessAborted(deployment.start(), this.#end.signal);
      return deployment;
    } catch (error) {
      await deployment.close(0);
      throw error;
    }
  }

  /** The new version runs, but could not be written down: after a restart it would be the old one again. */
  async #goBack(
    member: Member,
    before: { readonly spec: DeploymentSpec; readonly assets: Assets | undefined },
  ): Promise<void> {
    if (before.assets === undefined) {
      await member.deployment?.close(0);
      member.failed("its last update could not be written down");
      return;
    }
    await member.deployment?.update(before.spec, before.assets).then(
      () => {
        member.assets = before.assets;
      },
      (error: unknown) =>
        this.#log.server.error(`The deployment ${member.name} cannot go back to its old version: ${describe(error)}`),
    );
  }

  #merged(old: Document, { document, changes }: UpdateRequest): Document {
    const { files } = this.#parts;
    const merged = document === null ? old : files.mergeDocuments(old, document);
    return changes.reduce((current, change) => files.applyChange(current, change), merged);
  }

  /** @throws OperationError when the document is no deployment of this endpoint's */
  #specOf(document: Document): DeploymentSpec {
    const spec = this.#parts.files.deploymentSpec(document);
    const { name, kind } = this.#ledger.spec;
    if (spec.endpointName.toLowerCase() !== name) {
      throw invalid(
        `the deployment ${spec.name} is of the endpoint ${spec.endpointName}, not of ${name}; name another one with --endpoint-name`,
      );
    }
    if (spec.kind !== kind) {
      throw invalid(
        `the deployment ${spec.name} is ${spec.kind}, and the endpoint ${name} is ${kind}; both must be of one kind`,
      );
    }
    return spec;
  }
}

function withDeployment(state: KeptEndpoint, name: string, kept: KeptDeployment): KeptEndpoint {
  return { ...state, deployments: { ...state.deployments, [name]: kept } };
}
