// Programs that make Python environments, where they are installed.
import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";
import type { Environment } from "../../src/host.ts";

const IS_WINDOWS = process.platform === "win32";
const EXE = IS_WINDOWS ? ".exe" : "";

export interface CondaTool {
  readonly name: "micromamba" | "mamba" | "conda";
  readonly file: string;
}

/** Folders that installers of conda choose, below the user's own. */
const CONDA_FOLDERS = ["miniforge3", "mambaforge", "miniconda3", "anaconda3", "micromamba"];

/** The first of micromamba, mamba and conda that is there: by its variable, on PATH, or where it is usually installed. */
export function findCondaTool(env: Environment): CondaTool | undefined {
  const home = env.HOME || homedir();
  const folders = CONDA_FOLDERS.flatMap((folder) => [join(home, folder, "bin"), join(home, folder, "condabin")]);
  const variables = { micromamba: env.MAMBA_EXE, mamba: env.MAMBA_EXE, conda: env.CONDA_EXE };
  for (const name of ["micromamba", "mamba", "conda"] as const) {
    const variable = variables[name];
    const isNamed = variable !== undefined && new RegExp(`(?:^|[\\\\/])${name}(?:\\.exe)?$`, "i").test(variable);
    const places = [
      ...(isNamed ? [variable] : []),
      ...onPath(name, env),
      ...folders.map((f) => join(f, `${name}${EXE}`)),
    ];
    const more = name === "micromamba" ? [join(home, ".local", "bin", name)] : [`/opt/conda/bin/${name}`];
    const file = [...places, ...more].find(isProgram);
    if (file !== undefined) return { name, file };
  }
  return undefined;
}

export function findUv(env: Environment): string | undefined {
  const home = env.HOME || homedir();
  const usual = [".local/bin", ".cargo/bin"].map((folder) => join(home, folder, `uv${EXE}`));
  return [...(env.UV ? [env.UV] : []), ...onPath("uv", env), ...usual].find(isProgram);
}

/** Python of an environment of conda's or of a virtual one. */
export function pythonIn(folder: string, kind: "conda" | "venv"): string {
  if (!IS_WINDOWS) return join(folder, "bin", "python");
  return kind === "conda" ? join(folder, "python.exe") : join(folder, "Scripts", "python.exe");
}

function onPath(name: string, env: Environment): string[] {
  const folders = (env.PATH ?? env.Path ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  return folders.map((folder) => join(folder, `${name}${EXE}`));
}

export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
