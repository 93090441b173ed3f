// What is kept of an endpoint: its files, how it runs, its keys.
import type { Document } from "../../types.ts";
import { OperationError } from "../errors.ts";
import type { AssetOptions, EndpointOptions, KeptCredentials } from "../types.ts";
import type { EndpointFolder } from "./folders.ts";
import { type Disk, type Kept, readKept, writeKept } from "./kept-file.ts";

/** The version of the file's format. Another version of scorefn may write another number. */
const VERSION = 1;

export interface KeptDeployment {
  readonly document: Document;
  readonly assets: AssetOptions;
}

export interface KeptEndpoint {
  /** With traffic and mirror traffic. */
  readonly document: Document;
  readonly host: string;
  readonly port: number;
  readonly options: EndpointOptions;
  readonly deployments: Readonly<Record<string, KeptDeployment>>;
}

/** Where an endpoint keeps what it needs to come back. */
export interface Store {
  /** @throws OperationError; what was kept stays then */
  save(state: KeptEndpoint): Promise<void>;
  saveCredentials(kept: KeptCredentials): Promise<void>;
}

/** For an endpoint that ends with its command. */
export const NO_STORE: Store = { save: async () => {}, saveCredentials: async () => {} };

export function openStore(folder: EndpointFolder, disk?: Disk): Store {
  const write = async (path: string, value: unknown): Promise<void> => {
    try {
      await writeKept(path, value, disk);
    } catch (error) {
      const message = `nothing has changed, because ${path} cannot be written: ${(error as Error).message}; make room, or make the folder writable`;
      throw new OperationError("failed", message, error);
    }
  };
  return {
    save: (state) => write(folder.state, { version: VERSION, name: folder.name, ...state }),
    saveCredentials: (kept) => write(folder.credentials, kept),
  };
}

/** @param check throws when this version cannot use the documents */
export function readState(
  folder: EndpointFolder,
  check: (state: KeptEndpoint) => void = () => {},
): Promise<Kept<KeptEndpoint>> {
  return readKept(folder.state, (content) => {
    const state = checkState(folder.name, content);
    check(state);
    return state;
  });
}

/** @param check throws when they cannot be used */
export function readCredentials(
  folder: EndpointFolder,
  check: (kept: KeptCredentials) => void,
): Promise<Kept<KeptCredentials>> {
  return readKept(folder.credentials, (content) => {
    if (!isMap(content)) throw new Error("it holds no JSON object");
    check(content);
    return content;
  });
}

/** @throws Error that says why this is not the state of the endpoint */
function checkState(name: string, content: unknown): KeptEndpoint {
  if (!isMap(content)) throw new Error("it holds no JSON object");
  if (content.version !== VERSION) throw new Error(`its version is ${JSON.stringify(content.version)}, not ${VERSION}`);
  if (content.name !== name) throw new Error(`it belongs to endpoint ${JSON.stringify(content.name)}, not ${name}`);
  const { document, host, port, options, deployments } = content;
  const isWhole =
    isMap(document) &&
    typeof host === "string" &&
    Number.isInteger(port) &&
    isOptions(options) &&
    isMap(deployments) &&
    Object.values(deployments).every((kept) => isMap(kept) && isMap(kept.document) && isAssets(kept.assets));
  if (!isWhole) throw new Error("parts of it are missing or of the wrong type");
  return { document, host, port: port as number, options, deployments: deployments as KeptEndpoint["deployments"] };
}

function isOptions(value: unknown): value is EndpointOptions {
  return isMap(value) && typeof value.tolerance === "number" && Array.isArray(value.ignore) && isAssets(value.assets);
}

function isAssets(value: unknown): value is AssetOptions {
  return isMap(value) && [value.models, value.environments, value.pythons, value.upstreams].every(isMap);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
