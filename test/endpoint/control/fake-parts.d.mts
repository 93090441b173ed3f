import type { AssetOptions, AssetWork, Parts, RunningParts } from "../../../endpoint/control/types.ts";
import type { Deployment, DeploymentSpec } from "../../../endpoint/types.ts";
import type { ScoreError } from "../../../src/core/errors.ts";

export interface Hooks {
  /** Each may wait, or throw what the part is to fail with. */
  assets?: (spec: DeploymentSpec, options: AssetOptions, work: AssetWork) => unknown;
  created?: (deployment: FakeDeployment) => void;
  start?: (spec: DeploymentSpec) => unknown;
  update?: (spec: DeploymentSpec) => unknown;
  /** Of the version that was replaced; it lives until this is done. */
  ended?: (former: DeploymentSpec) => unknown;
  close?: (deployment: FakeDeployment, graceMs: number) => unknown;
}

export interface FakeDeployment extends Deployment {
  readonly isClosed: boolean;
  readonly write: (line: string) => void;
}

export interface FakeParts extends Parts {
  readonly hooks: Hooks;
  readonly now: RunningParts;
}

export declare function createFakeParts(error: typeof ScoreError, hooks?: Hooks): FakeParts;
