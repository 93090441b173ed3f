// An endpoint over fake parts, whose disk can be made to fail.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Endpoint } from "../../../endpoint/control/endpoint.ts";
import type { KeptEndpoint, Store } from "../../../endpoint/control/state/store.ts";
import type { AssetOptions } from "../../../endpoint/control/types.ts";
import type { Document } from "../../../endpoint/types.ts";
import { ScoreError } from "../../../src/core/errors.ts";
import { createLog } from "../../../src/log/create.ts";
import { createFakeParts, type FakeDeployment, type FakeParts, type Hooks } from "./fake-parts.mjs";

export const ASSETS: AssetOptions = {
  models: {},
  environments: {},
  pythons: {},
  upstreams: {},
  secretsFile: null,
  makesEnvironments: true,
};

export const STATE: KeptEndpoint = {
  document: { name: "one" },
  host: "127.0.0.1",
  port: 5001,
  options: { gateway: null, cloudErrorText: false, tolerance: 0, ignore: [], assets: ASSETS },
  deployments: {},
};

export interface Lab {
  readonly endpoint: Endpoint;
  readonly parts: FakeParts;
  /** Every deployment that was ever made. */
  readonly made: FakeDeployment[];
  /** What is on the disk. */
  readonly disk: { state: KeptEndpoint; credentials: unknown; failNext: boolean };
  readonly logged: string[];
  /** Deployments that the front was told to forget. */
  readonly forgotten: string[];
}

export const QUIET = { progress: (): void => {}, accepted: (): void => {} };

/** @param folder of versions of deployments   @param own what is on the disk is kept there instead */
export function createLab(
  state: KeptEndpoint = STATE,
  hooks: Hooks = {},
  folder: string = join(tmpdir(), "scorefn-lab-none"),
  own?: Store,
): Lab {
  const made: FakeDeployment[] = [];
  const parts = createFakeParts(ScoreError, { ...hooks, created: (deployment) => void made.push(deployment) });
  const disk: Lab["disk"] = { state, credentials: undefined, failNext: false };
  const save = async (change: () => void): Promise<void> => {
    await Promise.resolve();
    if (disk.failNext) {
      disk.failNext = false;
      throw new Error("the disk is full");
    }
    change();
  };
  const store: Store = own ?? {
    save: (next) => save(() => Object.assign(disk, { state: structuredClone(next) })),
    saveCredentials: (kept) => save(() => Object.assign(disk, { credentials: kept })),
  };
  const logged: string[] = [];
  const log = createLog((text) => void logged.push(text), "INFO");
  const credentials = parts.now.credentials.create();
  const endpoint = new Endpoint({
    state,
    credentials,
    parts: parts.now,
    store,
    log,
    folder,
  });
  const forgotten: string[] = [];
  endpoint.front.forget = (name) => void forgotten.push(name);
  endpoint.listensAt("http://127.0.0.1:5001");
  return { endpoint, parts, made, disk, logged, forgotten };
}

/** A deployment's document. @param fail `assets`, `start` or `update`: what is to go wrong with it */
export function deployment(name: string, version = "1", fail?: string): Document {
  return {
    name,
    endpoint_name: "one",
    code_configuration: { code: "/code", scoring_script: "score.py" },
    environment_variables: { VERSION: version, ...(fail !== undefined && { FAIL: fail }) },
  };
}

export function create(lab: Lab, document: Document, allTraffic = false): Promise<unknown> {
  return lab.endpoint.createDeployment({ document, assets: ASSETS, allTraffic }, QUIET);
}

export function update(lab: Lab, name: string, document: Document): Promise<unknown> {
  return lab.endpoint.updateDeployment({ name, document, changes: [], folder: "/", assets: undefined }, QUIET);
}
