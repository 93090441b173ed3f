// Operations on the deployments of an endpoint: one after the other on each deployment, side by side on several.
import { isDeepStrictEqual } from "node:util";
import type { Log } from "../../src/host.ts";
import type { DeploymentSpec, Document } from "../types.ts";
import { withAssets } from "./asset-options.ts";
import { type DocumentUpdate, updated } from "./changes.ts";
import { conflict, describe, failed, invalid, notFound } from "./errors.ts";
import type { Followers } from "./followers.ts";
import { GRACE_MS } from "./grace.ts";
import { type Ledger, withShares } from "./ledger.ts";
import { Member } from "./member.ts";
import { Serial } from "./serial.ts";
import type { KeptDeployment, KeptEndpoint } from "./state/store.ts";
import type { AssetOptions, Progress, RunningParts, SecretVariables } from "./types.ts";
import { Versions } from "./versions.ts";

export interface CreateRequest {
  readonly document: Document;
  readonly assets: AssetOptions;
  /** The deployment gets all live traffic once it is up. */
  readonly allTraffic: boolean;
  readonly secrets?: SecretVariables;
}

export interface UpdateRequest extends DocumentUpdate {
  readonly name: string;
  /** Added to those that it has. Undefined: they stay as they are. */
  readonly assets: AssetOptions | undefined;
  readonly secrets?: SecretVariables;
}

/** Hears how an operation gets on. */
export interface Listener {
  readonly progress: Progress;
  /** The operation makes sense, and begins. */
  readonly accepted: () => void;
}

export class Deployments {
  readonly #members: Map<string, Member> = new Map();
  readonly #queues: Map<string, Serial> = new Map();
  /** Why the last creation failed, for users who did not wait for it. */
  readonly #failures: Map<string, string> = new Map();
  readonly #end: AbortController = new AbortController();
  readonly #ledger: Ledger;
  readonly #parts: RunningParts;
  readonly #log: Log;
  readonly #versions: Versions;
  readonly #followers: Followers;

  /** @param folder for what belongs to versions of deployments   @param followers of what deployments write */
  constructor(ledger: Ledger, parts: RunningParts, log: Log, folder: string, followers: Followers) {
    this.#versions = new Versions({ parts, log, folder, followers, signal: this.#end.signal });
    this.#followers = followers;
    this.#ledger = ledger;
    this.#parts = parts;
    this.#log = log;
  }

  /** In the order of their names, including those that are being created or deleted. */
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
        await this.#bringUp(member, spec, request.assets, progress, request.secrets);
        const kept = { document: request.document, assets: request.assets };
        await this.#commit((state) => {
          const next = withDeployment(state, spec.name, kept);
          return request.allTraffic ? withShares(next, "traffic", { [spec.name]: 100 }) : next;
        });
      } catch (error) {
        this.#forget(spec.name);
        this.#failures.set(spec.name, describe(error));
        this.#log.server.error(`The deployment ${spec.name} could not be created: ${describe(error)}`);
        await this.#versions.end(member, 0);
        throw error;
      }
      member.operation = undefined;
      return member;
    });
  }

  /** Brings up the deployments that the endpoint has kept. One that does not come up stays, and counts as failed. */
  async resume(kept: KeptEndpoint["deployments"], progress: Progress): Promise<void> {
    const all = Object.entries(kept).map(([name, { document, assets }]) => {
      const member = new Member(this.#specOf(document));
      member.operation = "Creating";
      this.#members.set(name, member);
      return this.#queued(name, async () => {
        try {
          await this.#bringUp(member, member.spec, assets, progress);
        } catch (error) {
          member.failed(describe(error));
          progress(describe(error));
          this.#log.server.error(`After the start of the endpoint: ${describe(error)}`);
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
      const document = updated(this.#parts.files, "deployment", old.document, request, progress);
      const spec = this.#specOf(document);
      if (spec.name !== name)
        throw invalid(`a deployment's name cannot be changed; create ${spec.name} beside ${name}`);
      accepted();
      member.operation = "Updating";
      const assets = request.assets === undefined ? old.assets : withAssets(old.assets, request.assets);
      const before = { spec: member.spec, assets: member.assets, folder: member.folder };
      try {
        // The code may have changed under the same document, so a file always brings new workers.
        const isSame =
          request.document === null && request.assets === undefined && isDeepStrictEqual(spec, before.spec);
        if (!isSame) await this.#bringUp(member, spec, assets, progress, request.secrets);
        try {
          await this.#commit((state) => withDeployment(state, name, { document, assets }));
        } catch (error) {
          if (isSame || (await this.#versions.goBack(member, before))) throw error;
          member.spec = spec;
          throw failed(
            `${describe(error)}; ${name} runs its new version all the same until the endpoint starts anew, because the old one does not come up again`,
            error,
          );
        }
        member.spec = spec;
      } catch (error) {
        this.#log.server.error(`The deployment ${name} could not be updated: ${describe(error)}`);
        throw error;
      } finally {
        this.#versions.removeReplaced(member);
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
        if (Object.hasOwn(traffic, name)) {
          const isOnly = Object.keys(state.deployments).length === 1;
          const cure = isOnly
            ? `take that from it first, with online-endpoint update --traffic "${name}=0"`
            : "give that to others first, with online-endpoint update --traffic";
          throw conflict(`the deployment ${name} has ${traffic[name]} % of the traffic; ${cure}`);
        }
        if (Object.hasOwn(mirrorTraffic, name)) {
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
        await this.#versions.end(member, GRACE_MS);
      } finally {
        this.#forget(name);
      }
    });
  }

  #forget(name: string): void {
    this.#members.delete(name);
    this.#followers.end(name);
  }

  /** Resolves when nothing that was asked for so far is under way.  @param name undefined: for all of them */
  async settled(name?: string): Promise<void> {
    const queues = name === undefined ? [...this.#queues.values()] : [this.#queues.get(name)];
    await Promise.all(queues.map((queue) => queue?.idle()));
  }

  /** Gives up what is under way, and closes all. */
  async close(graceMs: number): Promise<void> {
    this.#end.abort(conflict(`the endpoint ${this.#ledger.spec.name} ends`));
    await this.settled();
    const members = [...this.#members.values()];
    for (const member of members) member.operation = "Deleting";
    await Promise.all(members.map((member) => this.#versions.end(member, graceMs)));
    for (const { name } of members) this.#forget(name);
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

  /** The options of the endpoint hold for each of its deployments. */
  #bringUp(
    member: Member,
    spec: DeploymentSpec,
    own: AssetOptions,
    progress: Progress,
    secrets: SecretVariables = {},
  ): Promise<void> {
    const options = withAssets(this.#ledger.state.options.assets, own);
    return this.#versions.bringUp(member, spec, options, progress, secrets);
  }

  /** @throws OperationError when the document is not a deployment of this endpoint */
  #specOf(document: Document): DeploymentSpec {
    const spec = this.#parts.files.deploymentSpec(document);
    const { name, kind } = this.#ledger.spec;
    if (spec.endpointName.toLowerCase() !== name) {
      throw invalid(
        `the deployment ${spec.name} belongs to endpoint ${spec.endpointName}, not ${name}; name another one with --endpoint-name`,
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
