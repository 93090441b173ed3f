// A repository of models in Triton's layout.
import { join } from "node:path";
import type { Log } from "../../core/log.ts";
import { messageOf } from "../../core/thrown.ts";
import { findEngine } from "../onnx/engine.ts";
import { loadFailure } from "../onnx/load-failure.ts";
import type { Model } from "../types.ts";
import type { ModelConfig } from "./config.ts";
import { MODEL_FILE } from "./config-json.ts";
import { CONFIG_FILE, chosenVersions, configOf, type ModelFolder, modelFolders } from "./layout.ts";
import { modelOf } from "./model.ts";
import { type OpenSession, openVersion, reasonOf, type Version } from "./version.ts";

/** Each session has threads of its own for all processors but one; with more sessions than that each computes with one
 *  thread and has none of its own, for dozens of models would hold hundreds of threads (ONNX-17). */
const MAX_THREADED_SESSIONS = 4;

export interface RepositoryOptions {
  /** As of a session. */
  readonly verbose?: boolean;
  readonly openSession?: OpenSession;
}

/** Opens what is there; a model or a version that cannot be served stops no other.
 *  @returns all models that there are, those that cannot be served included
 *  @throws ScriptLoadError `ERR_MODEL_LOAD` when nothing can be served */
export async function openRepository(
  path: string,
  log: Log,
  { verbose, openSession }: RepositoryOptions = {},
): Promise<readonly Model[]> {
  const plans = foldersOf(path, log).map((folder) => planOf(folder, path, log));
  const sessions = plans.reduce((count, { versions }) => count + versions.length, 0);
  const threads = sessions > MAX_THREADED_SESSIONS ? 1 : undefined;
  const models: Model[] = [];
  // One after the other: the engine works on one at a time anyway, and memory is taken by one at a time that may fail.
  for (const { folder, config, versions, failure } of plans) {
    const opened: Version[] = failure === undefined ? [] : failedVersions(folder, failure);
    for (const version of versions) {
      opened.push(await openVersion({ repository: path, folder, config, version, threads, verbose, log, openSession }));
    }
    models.push(modelOf(folder.name, config, opened));
  }
  const failures = models.flatMap(failuresOf);
  if (models.every(({ facts }) => facts.versions.every((version) => version.failure !== undefined))) {
    // An engine that is missing is the reason of all of them, and is told once.
    findEngine(join(path, MODEL_FILE));
    throw loadFailure(`no model in ${path} can be served: ${failures.join("; ")}`);
  }
  for (const failure of failures) log.server.error(`Not served: ${failure}`);
  return models;
}

/** @throws ScriptLoadError when there is none */
function foldersOf(path: string, log: Log): ModelFolder[] {
  let folders: ModelFolder[];
  try {
    folders = modelFolders(path, log);
  } catch (cause) {
    throw loadFailure(`the model repository ${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (folders.length > 0) return folders;
  throw loadFailure(`the model repository ${path} holds no model`, {
    hint: `put each model into a folder of its own: <model>/1/model.onnx, and beside the folder 1 a ${CONFIG_FILE} if need be`,
  });
}

interface Plan {
  readonly folder: ModelFolder;
  readonly config: ModelConfig | undefined;
  /** Those to open. */
  readonly versions: readonly string[];
  /** Of the whole model. */
  readonly failure?: string;
}

function planOf(folder: ModelFolder, repository: string, log: Log): Plan {
  const { name } = folder;
  try {
    const config = configOf(folder);
    if (config.ignored.length > 0) {
      log.server.info(`Model '${name}': fields of ${CONFIG_FILE} without effect here: ${config.ignored.join(", ")}`);
    }
    const versions = chosenVersions(config.versionPolicy, folder, log);
    if (versions.length > 0) return { folder, config, versions };
    throw new Error(`at least one version must be available under the version policy of model '${name}'`);
  } catch (error) {
    return { folder, config: undefined, versions: [], failure: reasonOf(error, repository) };
  }
}

/** What a model has that fails before any version of it is looked at, as Triton lists it. */
const FIRST_VERSION = "1";

function failedVersions({ versions }: ModelFolder, failure: string): Version[] {
  return (versions.length === 0 ? [FIRST_VERSION] : versions).map((version) => ({ version, failure }));
}

/** Each reason once, with whom it concerns. */
function failuresOf({ facts: { name, versions } }: Model): string[] {
  const byReason = new Map<string, string[]>();
  for (const { version, failure } of versions) {
    if (failure !== undefined) byReason.set(failure, [...(byReason.get(failure) ?? []), version]);
  }
  return [...byReason].map(([failure, of]) => `model '${name}' version ${of.join(", ")}: ${failure}`);
}
