// A model that is built without a script: what of it goes in, and what a build has to know of it.
import { readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join, parse, resolve } from "node:path";
import { detectModel, type ModelKind, modelNameProblem } from "../src/host.ts";
import { type Inventory, takeInventory } from "./files.ts";
import type { Architecture, AskedOptions, Inputs } from "./inputs.ts";
import { problem } from "./out-folder.ts";
import { findPackage } from "./packages.ts";
import type { Problems } from "./problems.ts";

/** A model in place of a script. */
export interface BuildModel {
  readonly kind: ModelKind;
  /** The file or folder that was named, absolute. */
  readonly path: string;
  /** What was asked for; undefined: the file's or the folder's. */
  readonly name: string | undefined;
}

/** What runs ONNX models; of the user's own installation. */
const ENGINE = "onnxruntime-node";

/** Checks what was asked of a model. @returns undefined: there is none, or it cannot be used */
export function takeModel(options: AskedOptions, problems: Problems): BuildModel | undefined {
  const { model, modelName: name } = options;
  if (model === undefined) {
    if (name !== undefined) problems.add("--model_name names a model, and there is no --model");
    return undefined;
  }
  for (const [flag, value] of [
    ["entry_script", options.entryScript],
    ["model_dir", options.modelDir],
    ["external", options.external],
  ] as const) {
    if (value !== undefined)
      problems.add(`--${flag} is for a script, and --model takes its place; leave one of them out`);
  }
  const path = resolve(model);
  const found = detectModel(path);
  if ("problem" in found) {
    problems.add(`--model ${model} ${found.problem}`);
    return undefined;
  }
  const { kind } = found.model;
  if ([homedir(), parse(path).root].includes(path)) {
    problems.add(`the whole folder of a model goes in, and that is ${path}; give it one of its own`);
  }
  const wrong = name === undefined ? undefined : modelNameProblem(name, kind);
  if (wrong !== undefined) problems.add(`--model_name ${name} ${wrong}`);
  for (const [flag, value] of [
    ["requirements", options.requirements],
    ["python_version", options.pythonVersion],
  ] as const) {
    if (value !== undefined && kind !== "mlflow")
      problems.add(`--${flag} has no effect: an ONNX model needs no Python`);
  }
  return { kind, path, name };
}

/** The model's place in a build, below the folder for models: with its own name, which the model is called by.
 *  @param folder name of that folder */
export function placeIn(folder: string, { path }: Pick<BuildModel, "path">): string {
  return `${folder}/${basename(path)}`;
}

/** What a host is told of it, as its options have it. */
export function settingsOf(
  folder: string,
  served: BuildModel,
): { readonly model: string; readonly modelName?: string } {
  return { model: placeIn(folder, served), ...(served.name !== undefined && { modelName: served.name }) };
}

/** Lists a model's files below its own name. @param except absolute paths that are left out without a word */
export async function modelInventory({ path }: BuildModel, except: readonly string[]): Promise<Inventory> {
  const name = basename(path);
  if (!statSync(path).isDirectory()) return filesOf(path);
  const { files, ...rest } = await takeInventory(path, { except, name });
  return { ...rest, files: files.map((file) => ({ ...file, path: `${name}/${file.path}` })) };
}

/** A file of a model, and those beside it that hold its weights: by the names that the usual programs give them. */
function filesOf(path: string): Inventory {
  const name = basename(path);
  const isPart = (other: string): boolean =>
    [name, name.replace(/\.onnx$/i, ".data")].includes(other) ||
    other.startsWith(`${name}.data`) ||
    other.startsWith(`${name}_data`);
  const files = readdirSync(dirname(path), { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && isPart(entry.name))
    .map((entry) => join(dirname(path), entry.name))
    .sort()
    .map((source) => ({ source, path: basename(source), bytes: statSync(source).size }));
  return { files, leftOut: [], bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** Where a sample request is looked for: in the model's folder, or beside what is one file. */
export function sampleFolder({ entryScript, served }: Inputs): string {
  return served !== undefined && statSync(served.path).isDirectory()
    ? served.path
    : dirname(served?.path ?? entryScript);
}

/** @returns undefined: nothing needs it   @throws ConfigError that says how to get it */
export function engineOf({ served, python }: Inputs, arch: Architecture): string | undefined {
  return served === undefined || python ? undefined : findEngine(served, arch);
}

/** What to know of a build with a model. @param prefersArm whether another processor would make it smaller */
export function modelNotes({ served, python }: Inputs, prefersArm: boolean): string[] {
  if (served === undefined) return [];
  if (!python) return prefersArm ? [ARM_ADVICE] : [];
  return [WHY_IMAGE];
}

const ARM_ADVICE = "smaller:    --arch arm64 takes about 21 MB less, for its engine is smaller";
const WHY_IMAGE =
  "an image:   a zip takes no MLflow model: Python with MLflow, numpy and pandas is larger than what a function may have unzipped";

/** The engine's folder, looked for where the server looks: from the model, then from the folder that the command runs in.
 *  @throws ConfigError that says how to get it */
function findEngine({ path }: BuildModel, arch: Architecture, cwd: string = process.cwd()): string {
  const folder = findPackage(ENGINE, path) ?? findPackage(ENGINE, cwd);
  if (folder === undefined) {
    throw problem(
      `an ONNX model needs the package ${ENGINE}, which is neither in reach of ${path} nor of this folder; ` +
        `install it: npm install ${ENGINE} --ignore-scripts`,
    );
  }
  const hasLibrary = readdirSync(folder, { recursive: true })
    .map(String)
    .some((file) => file.replaceAll("\\", "/").includes(`/linux/${arch}/libonnxruntime.so`));
  if (hasLibrary) return folder;
  throw problem(
    `${folder} has no library for linux on ${arch}, which the cloud needs; install it anew: npm install ${ENGINE} --ignore-scripts`,
  );
}
