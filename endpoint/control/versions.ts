// How versions of deployments come up and end.
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Log, unlessAborted } from "../../src/host.ts";
import type { Assets, Deployment, DeploymentSpec, Replaced } from "../types.ts";
import { describe, failed, OperationError } from "./errors.ts";
import type { Followers } from "./followers.ts";
import type { Member } from "./member.ts";
import type { AssetOptions, Progress, RunningParts, SecretVariables } from "./types.ts";

export interface VersionsOptions {
  readonly parts: RunningParts;
  readonly log: Log;
  /** For what belongs to versions. */
  readonly folder: string;
  /** Ends what is being brought up. */
  readonly signal: AbortSignal;
  readonly followers: Followers;
}

export class Versions {
  readonly #parts: RunningParts;
  readonly #log: Log;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  readonly #followers: Followers;

  constructor({ parts, log, folder, signal, followers }: VersionsOptions) {
    this.#parts = parts;
    this.#log = log;
    this.#folder = folder;
    this.#signal = signal;
    this.#followers = followers;
  }

  /** Starts the deployment, or a new version of it beside the one that runs.
   *  @throws ScoreError; what ran before runs on */
  async bringUp(
    member: Member,
    spec: DeploymentSpec,
    options: AssetOptions,
    progress: Progress,
    secrets: SecretVariables,
  ): Promise<void> {
    const signal = this.#signal;
    const say = (line: string): void => {
      this.#log.server.info(line);
      progress(line);
    };
    const folder = join(this.#folder, `${member.name}-${randomUUID()}`);
    try {
      const found = this.#parts.resolveAssets(spec, options, { folder, progress: say, signal, secrets });
      const assets = await unlessAborted(found, signal);
      for (const warning of assets.warnings) say(`${member.name}: warning: ${warning}`);
      const running = member.deployment;
      // Whatever becomes of it: where the endpoint ends first, the end of the deployment removes it.
      member.folders.set(folder, undefined);
      if (running === undefined) member.deployment = await this.#started(spec, assets);
      else this.#replaced(member, await this.#moved(running, spec, assets));
      member.assets = assets;
      member.folder = folder;
    } catch (error) {
      if (!signal.aborted || member.deployment === undefined) await this.#remove(member, folder);
      throw error;
    }
  }

  /** The new version runs, but could not be written down: after a restart it would be the old one again.
   *  @returns false when the old one does not come up */
  async goBack(member: Member, before: Pick<Member, "spec" | "assets" | "folder">): Promise<boolean> {
    if (before.assets === undefined) {
      await this.end(member, 0);
      member.failed("its last update could not be written down");
      return true;
    }
    try {
      const replaced = await member.deployment?.update(before.spec, before.assets);
      if (before.folder !== undefined) member.folders.set(before.folder, undefined);
      if (replaced !== undefined) this.#replaced(member, replaced);
      member.assets = before.assets;
      member.folder = before.folder;
      return true;
    } catch (error) {
      this.#log.server.error(`The deployment ${member.name} cannot go back to its old version: ${describe(error)}`);
      return false;
    }
  }

  /** Removes what was made for versions whose place others have taken for good: of each when no worker of it lives. */
  removeReplaced(member: Member): void {
    for (const [folder, ended] of member.folders) void ended?.then(() => this.#remove(member, folder));
  }

  /** Ends the deployment with all that belongs to it. Requests of older versions may run until then, and read their files. */
  async end(member: Member, graceMs: number): Promise<void> {
    try {
      await member.deployment?.close(graceMs);
    } finally {
      await Promise.all([...member.folders.keys()].map((folder) => this.#remove(member, folder)));
    }
  }

  #replaced(member: Member, { ended }: Replaced): void {
    if (member.folder !== undefined) member.folders.set(member.folder, ended);
  }

  /** A folder that stays is in nobody's way: the next start of the endpoint removes it. */
  async #remove(member: Member, folder: string): Promise<void> {
    try {
      await rm(folder, { recursive: true, force: true });
      member.folders.delete(folder);
    } catch (error) {
      this.#log.server.warning(`${folder}, which nothing uses any more, cannot be removed: ${describe(error)}`);
    }
  }

  async #moved(running: Deployment, spec: DeploymentSpec, assets: Assets): Promise<Replaced> {
    try {
      return await unlessAborted(running.update(spec, assets), this.#signal);
    } catch (error) {
      throw explained(`the new version of ${spec.name} does not come up, and the old one goes on`, error);
    }
  }

  async #started(spec: DeploymentSpec, assets: Assets): Promise<Deployment> {
    const onLine = (line: string): void => this.#followers.add(spec.name, line);
    const deployment = this.#parts.createDeployment(spec, assets, { log: this.#log, onLine });
    try {
      await unlessAborted(deployment.start(), this.#signal);
      return deployment;
    } catch (error) {
      await deployment.close(0);
      throw explained(`the deployment ${spec.name} does not come up`, error);
    }
  }
}

/** What belongs to the endpoint, such as its end, needs no more words. */
function explained(what: string, error: unknown): unknown {
  return error instanceof OperationError ? error : failed(`${what}: ${describe(error)}`, error);
}
