// What kind of model lies at a path.
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, extname, join } from "node:path";
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
  const entry = statSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return { problem: "is not there: there is no such file or folder" };
  const found = (kind: ModelKind, place: string = path): Detected => ({
    model: { kind, path: place, name: basename(place, extname(place) === ONNX ? ONNX : "") },
  });
  if (!entry.isDirectory()) {
    return extname(path).toLowerCase() === ONNX
      ? found("onnx")
      : { problem: `is a file that is no *.onnx. ${LOOKED_FOR}` };
  }
  if (existsSync(join(path, "MLmodel"))) return found("mlflow");
  const files = readdirSync(path, { withFileTypes: true });
  if (files.some((file) => isFolder(join(path, file.name)) && isRepositoryFolder(join(path, file.name)))) {
    return found("triton");
  }
  const onnx = files.map((file) => file.name).filter((name) => extname(name).toLowerCase() === ONNX);
  if (onnx.length === 1) return found("onnx", join(path, onnx[0]!));
  const why =
    onnx.length === 0 ? "holds no model" : `holds ${onnx.length} ONNX files, ${onnx.sort().join(", ")}; name one`;
  return { problem: `${why}. ${LOOKED_FOR}` };
}

const LOOKED_FOR =
  "Looked for: an ONNX file (*.onnx), a folder with one, an MLflow model (a folder with the file MLmodel), and a repository in " +
  "Triton's layout (folders with config.pbtxt, or with <number>/model.onnx)";

/** A model's folder in a repository. */
function isRepositoryFolder(folder: string): boolean {
  if (existsSync(join(folder, "config.pbtxt"))) return true;
  return readdirSync(folder).some((name) => /^\d+$/.test(name) && existsSync(join(folder, name, "model.onnx")));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
