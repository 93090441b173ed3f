// How versions of deployments come up and end.
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Log, unlessAborted } from "../../src/host.ts";
import type { Assets, Deployment, DeploymentSpec } from "../types.ts";
import { describe, failed, OperationError } from "./errors.ts";
import type { Member } from "./member.ts";
import type { AssetOptions, Progress, RunningParts, SecretVariables } from "./types.ts";

export class Versions {
  readonly #parts: RunningParts;
  readonly #log: Log;
  readonly #folder: string;
  readonly #signal: AbortSignal;

  /** @param folder for what belongs to versions   @param signal ends what is being brought up */
  constructor(parts: RunningParts, log: Log, folder: string, signal: AbortSignal) {
    this.#parts = parts;
    this.#log = log;
    this.#folder = folder;
    this.#signal = signal;
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
      if (running !== undefined) await this.#moved(running, spec, assets);
      else member.deployment = await this.#started(spec, assets);
      member.assets = assets;
      member.folders.push(folder);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** The new version runs, but could not be written down: after a restart it would be the old one again.
   *  @returns false when the old one does not come up */
  async goBack(member: Member, before: Pick<Member, "spec" | "assets">): Promise<boolean> {
    if (before.assets === undefined) {
      await this.end(member, 0);
      member.failed("its last update could not be written down");
      return true;
    }
    try {
      await member.deployment?.update(before.spec, before.assets);
      member.assets = before.assets;
      return true;
    } catch (error) {
      this.#log.server.error(`The deployment ${member.name} cannot go back to its old version: ${describe(error)}`);
      return false;
    }
  }

  /** Ends the deployment with all that belongs to it. Requests of older versions may run until then, and read their files. */
  async end(member: Member, graceMs: number): Promise<void> {
    try {
      await member.deployment?.close(graceMs);
    } finally {
      for (const folder of member.folders.splice(0)) await rm(folder, { recursive: true, force: true });
    }
  }

  async #moved(running: Deployment, spec: DeploymentSpec, assets: Assets): Promise<void> {
    try {
      await unlessAborted(running.update(spec, assets), this.#signal);
    } catch (error) {
      throw explained(`the new version of ${spec.name} does not come up, and the old one goes on`, error);
    }
  }

  async #started(spec: DeploymentSpec, assets: Assets): Promise<Deployment> {
    const deployment = this.#parts.createDeployment(spec, assets, { log: this.#log });
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
