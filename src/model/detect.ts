// What kind of model lies at a path.
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { attempt } from "../core/attempt.ts";
import { messageOf } from "../core/thrown.ts";
import type { ModelKind, ServedModel } from "../core/types.ts";

/** The model at a path, or why there is none. */
export type Detected = { readonly model: ServedModel } | { readonly problem: string };

const ONNX = ".onnx";

/** @returns what is wrong with a name for a model; undefined: nothing */
export function modelNameProblem(name: string, kind: ModelKind): string | undefined {
  if (kind === "triton") return "has no effect on a repository, whose models are named by their folders";
  if (/^[\w.~-]+$/.test(name) && !/^\.+$/.test(name)) return undefined;
  return "must be of letters, digits, dots, dashes and underscores, for it is part of paths";
}

/** @param path absolute */
export function detectModel(path: string): Detected {
  let names: string[];
  try {
    const entry = statSync(path, { throwIfNoEntry: false });
    if (entry === undefined) return { problem: "is not there: there is no such file or folder" };
    if (!entry.isDirectory()) {
      return isOnnx(path) ? found("onnx", path) : { problem: `is a file that is no *.onnx. ${LOOKED_FOR}` };
    }
    names = readdirSync(path);
  } catch (error) {
    return { problem: `cannot be read: ${messageOf(error)}` };
  }
  if (names.includes("MLmodel")) return found("mlflow", path);
  if (names.some((name) => !isNoModel(name) && isRepositoryFolder(join(path, name)))) return found("triton", path);
  const onnx = names.filter((name) => isOnnx(name) && !isFolder(join(path, name)));
  if (onnx.length === 1) return found("onnx", join(path, onnx[0]!));
  if (onnx.length > 1) {
    return { problem: `holds ${onnx.length} ONNX files, ${onnx.sort().join(", ")}; name one. ${LOOKED_FOR}` };
  }
  if (isRepositoryFolder(path)) {
    return { problem: `is one model of a repository; name the folder that holds it: ${dirname(path)}` };
  }
  return { problem: `holds no model. ${LOOKED_FOR}` };
}

/** @param name of a folder in a repository, or in a model of it
 *  @returns true: it is of no modeller's making but of an editor, of git, of a volume or a disk (`.git`, `..data`), or the
 *    engine's */
export function isNoModel(name: string): boolean {
  return /^\.|^(node_modules|lost\+found)$/.test(name);
}

const LOOKED_FOR =
  "Looked for: an ONNX file (*.onnx), a folder with one, an MLflow model (a folder with the file MLmodel), and a repository in " +
  "Triton's layout (folders with config.pbtxt, or with <number>/model.onnx)";

function found(kind: ModelKind, path: string): Detected {
  return { model: { kind, path, name: nameOf(path) } };
}

/** Of the file or folder, with what paths can hold as it is. */
function nameOf(path: string): string {
  const stem = basename(path, isOnnx(path) ? extname(path) : "");
  const name = stem.replace(/[^\w.~-]+/g, "_");
  return /^\.*$/.test(name) ? "model" : name;
}

function isOnnx(path: string): boolean {
  return extname(path).toLowerCase() === ONNX;
}

/** A model's folder in a repository. What may not be read is none. */
function isRepositoryFolder(folder: string): boolean {
  if (!isFolder(folder)) return false;
  if (existsSync(join(folder, "config.pbtxt"))) return true;
  const names = attempt(() => readdirSync(folder), []);
  return names.some((name) => /^\d+$/.test(name) && existsSync(join(folder, name, "model.onnx")));
}

function isFolder(path: string): boolean {
  return attempt(() => statSync(path).isDirectory(), false);
}
