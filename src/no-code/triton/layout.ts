// Folders of a repository: <repository>/<model>/[config.pbtxt] and <repository>/<model>/<version>/model.onnx (TRI-1).
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { attempt } from "../../core/attempt.ts";
import type { Log } from "../../core/log.ts";
import { messageOf } from "../../core/thrown.ts";
import { isNoModel } from "../../model/detect.ts";
import { type ModelConfig, NO_CONFIG, readConfig, type VersionPolicy } from "./config.ts";
import { MODEL_FILE } from "./config-json.ts";

export interface ModelFolder {
  readonly name: string;
  readonly path: string;
  /** Names of the folders of its versions, in ascending order of their numbers. */
  readonly versions: readonly string[];
}

export const CONFIG_FILE = "config.pbtxt";

/** @throws what the file system says of the repository itself */
export function modelFolders(repository: string, log: Log): ModelFolder[] {
  return foldersIn(repository).flatMap((name) => modelFolder(repository, name, log));
}

function modelFolder(repository: string, name: string, log: Log): ModelFolder[] {
  if (isNoModel(name)) return [];
  const path = join(repository, name);
  let folders: string[];
  try {
    folders = foldersIn(path);
  } catch {
    // Why it cannot be read shows when the model is opened.
    return [{ name, path, versions: [] }];
  }
  const versions = folders.filter((folder) => versionProblem(folder) === undefined);
  if (versions.length === 0 && !existsSync(join(path, CONFIG_FILE))) {
    log.server.warning(`${path} is skipped: it is no model, for it holds neither ${CONFIG_FILE} nor a version`);
    return [];
  }
  for (const folder of folders) {
    const problem = versionProblem(folder);
    if (problem === undefined || isNoModel(folder)) continue;
    log.server.warning(`Model '${name}': the folder ${folder} is skipped: ${problem}`);
  }
  return [{ name, path, versions: versions.sort(byNumber) }];
}

/** Digits of the largest number that fits into 63 bits, less one: all numbers of so many digits fit. */
const MAX_DIGITS = 18;

function versionProblem(name: string): string | undefined {
  if (!/^\d+$/.test(name)) return "a version's name is a number";
  if (name.startsWith("0")) return "a version's name has no zero in front";
  return name.length > MAX_DIGITS ? "its number is too large" : undefined;
}

function byNumber(one: string, other: string): number {
  return Number(BigInt(one) - BigInt(other));
}

function foldersIn(path: string): string[] {
  // A link may lead in a circle.
  const isFolder = (name: string) => attempt(() => statSync(join(path, name)).isDirectory(), false);
  return readdirSync(path).filter(isFolder).sort();
}

/** Far more than any configuration has, in bytes: a larger file is something else. */
const MAX_CONFIG_BYTES = 4 * 2 ** 20;

/** @returns NO_CONFIG where there is none (TRI-3)   @throws Error in the words of Triton */
export function configOf({ name, path }: ModelFolder): ModelConfig {
  const file = join(path, CONFIG_FILE);
  const isThere = statSync(file, { throwIfNoEntry: false }) !== undefined;
  const config = isThere ? readConfigFile(file, `${name}/${CONFIG_FILE}`) : NO_CONFIG;
  if (config.name !== "" && config.name !== name) {
    throw new Error(
      `unexpected directory name '${name}' for model '${config.name}', directory name must equal model name`,
    );
  }
  return config;
}

function readConfigFile(file: string, shown: string): ModelConfig {
  try {
    const found = statSync(file);
    // A pipe would never end.
    if (!found.isFile()) throw new Error("it is no file");
    if (found.size > MAX_CONFIG_BYTES) throw new Error(`it has ${found.size} bytes, more than ${MAX_CONFIG_BYTES}`);
    return readConfig(new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file)));
  } catch (cause) {
    throw new Error(`failed to read text proto from ${shown}: ${messageOf(cause)}`, { cause });
  }
}

/** Versions that are to be served, in ascending order (TRI-8). */
export function chosenVersions(policy: VersionPolicy, { name, versions }: ModelFolder, log: Log): readonly string[] {
  if (policy.kind === "all") return versions;
  if (policy.kind === "latest") return versions.slice(-policy.count);
  for (const version of policy.versions) {
    if (!versions.includes(version)) {
      log.server.warning(`Model '${name}': version ${version}, which version_policy names, is not there`);
    }
  }
  return versions.filter((version) => policy.versions.includes(version));
}

/** @returns path of the file; what is called so may be a folder that holds it with its data (TRI-2)
 *  @throws Error why there is none */
export function modelFile({ name, path }: ModelFolder, version: string, configured: string): string {
  const folder = join(path, version);
  const file = configured === "" ? MODEL_FILE : configured;
  const place = resolve(folder, file);
  if (!place.startsWith(folder + sep)) {
    throw new Error(`default_model_filename '${configured}' leads out of the folder of the version`);
  }
  const found = statSync(place, { throwIfNoEntry: false });
  if (found === undefined) throw new Error(`there is no ${shownFrom(folder, place, name, version)}`);
  if (!found.isDirectory()) return place;
  const inner = join(place, MODEL_FILE);
  if (!existsSync(inner)) throw new Error(`there is no ${shownFrom(folder, inner, name, version)}`);
  return inner;
}

function shownFrom(folder: string, file: string, name: string, version: string): string {
  return [name, version, ...relative(folder, file).split(sep)].join("/");
}
