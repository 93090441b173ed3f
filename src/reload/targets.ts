// What is watched for the sake of a score script, or of a model in its place.
import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join, parse, resolve, sep } from "node:path";
import { CONFIG_FILE_NAME, SWAGGER_FILE_NAMES } from "../config/places.ts";
import type { ServedModel } from "../core/types.ts";
import { LOGGING_FILE_NAME } from "../log/open.ts";
import { isAnyFile, isCode, isOwnFolder } from "./names.ts";
import type { Target } from "./tree.ts";

/** What of the settings it depends on. */
export interface TargetSettings {
  readonly appRoot: string;
  readonly entryScript: string | null;
  /** Served in place of a script. */
  readonly model: ServedModel | null;
  readonly modelDir: string | null;
  readonly reloadDirs: readonly string[];
  readonly workerEnv: Readonly<Record<string, string>>;
}

const SETTINGS_FILES: readonly string[] = [CONFIG_FILE_NAME, LOGGING_FILE_NAME, ...SWAGGER_FILE_NAMES];

/** @param outside modules of the script that lie elsewhere */
export function targetsOf(settings: TargetSettings, outside: readonly string[]): readonly Target[] {
  if (settings.model !== null) return modelTargets(settings.model, settings);
  const { appRoot, entryScript, reloadDirs, workerEnv } = settings;
  const { script, folders, large, without } = codeOf(settings);
  return [
    ...outermost(folders).map((path) => deep(path, "code", isCode, without)),
    ...large.map((path) => ({ ...deep(path, "beside", isCode, []), deep: false })),
    ...outermost(reloadDirs).map((path) => deep(path, "any", isAnyFile, [])),
    ...[...new Set([appRoot, dirname(script), dirname(realPath(script))])].map((path) => flat(path, SETTINGS_FILES)),
    // Whatever its name is.
    ...(entryScript === null ? [] : [flat(dirname(entryScript), [basename(entryScript)])]),
    ...configTargets(workerEnv),
    ...byFolder(outside).map(([path, names]) => flat(path, names)),
  ];
}

/** A model has no code beside it. A file may have its weights in others, which are named after it; of a folder with one file
 *  that one may be replaced by another. */
function modelTargets(
  { kind, path }: ServedModel,
  { appRoot, reloadDirs, workerEnv }: TargetSettings,
): readonly Target[] {
  const name = basename(path);
  const own: Target =
    kind === "onnx"
      ? {
          path: dirname(path),
          deep: false,
          counts: (file) => (file.startsWith(name) || ONNX.test(file)) && isAnyFile(file),
          without: [],
          key: path,
        }
      : deep(path, "model", isAnyFile, []);
  return [
    own,
    ...outermost(reloadDirs).map((folder) => deep(folder, "any", isAnyFile, [])),
    flat(appRoot, SETTINGS_FILES),
    ...configTargets(workerEnv),
  ];
}

const ONNX = /\.onnx$/i;

function configTargets({ AZUREML_CONFIG_FILE: file }: TargetSettings["workerEnv"]): readonly Target[] {
  return file ? [flat(dirname(file), [basename(file)])] : [];
}

/** Those of the files that no folder of code brings into what is watched. */
export function outsideOf(files: readonly string[], settings: TargetSettings): readonly string[] {
  const { folders, without } = codeOf(settings);
  const isInCode = (file: string): boolean =>
    folders.some((folder) => isReached(file, folder)) && !without.some((folder) => isBelow(file, folder));
  return files.filter((file) => !isInCode(file) && !settings.reloadDirs.some((folder) => isReached(file, folder)));
}

/** Folders whose modules the script may import, and what of them is data. */
function codeOf({ appRoot, entryScript, modelDir }: TargetSettings): {
  readonly script: string;
  readonly folders: readonly string[];
  /** Folders of the script of which only the files count that lie beside it. */
  readonly large: readonly string[];
  readonly without: readonly string[];
} {
  const script = entryScript ?? join(appRoot, "main.py");
  const own = [dirname(script), dirname(realPath(script))];
  const folders = [appRoot, ...own].filter((folder) => !isTooLarge(folder));
  const large = [...new Set(own.filter(isTooLarge))];
  const model = modelDir ? resolve(modelDir) : undefined;
  // A model that holds the script is no folder of data only.
  const without = model === undefined || folders.some((folder) => isBelow(folder, model)) ? [] : [model];
  return { script, folders, large, without };
}

/** All of a home folder is nobody's application, though a script may lie there. */
function isTooLarge(folder: string): boolean {
  return folder === homedir() || folder === parse(folder).root;
}

/** True for the folder itself, too. */
function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** Whether a tree that begins at the folder comes to the folder or file at the path. */
function isReached(path: string, folder: string): boolean {
  return isBelow(path, folder) && path.slice(folder.length).split(sep).filter(Boolean).every(isOwnFolder);
}

function outermost(folders: readonly string[]): readonly string[] {
  const all = [...new Set(folders)];
  return all.filter((folder) => !all.some((other) => other !== folder && isReached(folder, other)));
}

function deep(path: string, kind: string, counts: Target["counts"], without: readonly string[]): Target {
  return { path, deep: true, counts, without, key: JSON.stringify([kind, path, without]) };
}

function flat(path: string, names: readonly string[]): Target {
  const counted = new Set(names);
  return { path, deep: false, counts: (name) => counted.has(name), without: [], key: JSON.stringify([path, names]) };
}

function byFolder(paths: readonly string[]): [folder: string, names: readonly string[]][] {
  const folders = new Map<string, string[]>();
  for (const path of [...paths].sort()) {
    const folder = dirname(path);
    folders.set(folder, [...(folders.get(folder) ?? []), basename(path)]);
  }
  return [...folders];
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
