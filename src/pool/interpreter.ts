import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { ScoreError } from "../core/errors.ts";

/** Exit code of python/worker.py under a Python that is older than the rest of the worker can be read by. */
export const EXIT_OLD_PYTHON = 4;

const OLDEST_PYTHON = "3.9";

/** How long an interpreter may take to say its version, in milliseconds; it takes some 20. */
const VERSION_DEADLINE_MS = 10_000;

/** Every Python since 2.0 understands this. */
const SAY_VERSION = "import sys; sys.stdout.write('%d.%d.%d' % sys.version_info[:3])";

export interface InterpreterRequest {
  /** `--python`; null: look for one. */
  readonly python: string | null;
  /** What the worker will get as its environment; VIRTUAL_ENV, CONDA_PREFIX and PATH count. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: the process's own. */
  readonly cwd?: string;
  readonly platform?: NodeJS.Platform;
}

/** Finds the Python interpreter: `--python`, else the active virtual or conda environment's, else python3 or python on
 *  PATH. It only looks for the file; that it is Python 3.9 or later turns out when the worker starts, which saves every
 *  start one more process. An environment that is named but gone is an error: another Python would lack its packages.
 *  @returns an absolute path   @throws ScoreError `ERR_PYTHON_NOT_FOUND` that lists what was tried */
export function findPython(request: InterpreterRequest): string {
  const places = placesOf(request);
  const gone = request.python === null ? goneEnvironment(request.env, places) : undefined;
  if (gone !== undefined) throw new ScoreError("ERR_PYTHON_NOT_FOUND", gone);
  for (const place of places) {
    const found = place.paths.find(isExecutableFile);
    if (found !== undefined) return found;
  }
  throw pythonNotFound(places.map((place) => place.name));
}

/** What is wrong with the environment that is active. One of conda may be without Python, a virtual one may not. */
function goneEnvironment(env: InterpreterRequest["env"], [first]: readonly Place[]): string | undefined {
  const variable = ["VIRTUAL_ENV", "CONDA_PREFIX"].find((name) => env[name]);
  if (variable === undefined) return undefined;
  const folder = env[variable]!;
  const isThere = existsSync(folder);
  if (isThere && (variable === "CONDA_PREFIX" || first!.paths.some(isExecutableFile))) return undefined;
  const fault = isThere ? "holds no Python" : "does not exist";
  return (
    `${variable} is ${folder}, which ${fault}; activate an environment that works, unset ${variable}, ` +
    "or name a Python with --python or SCOREFN_PYTHON"
  );
}

/** Also for an interpreter that turns out not to start.
 *  @param tried places as they should be shown */
export function pythonNotFound(tried: readonly string[], cause?: unknown): ScoreError {
  return new ScoreError(
    "ERR_PYTHON_NOT_FOUND",
    `no Python interpreter found (tried ${tried.join(", ")}); name one of version ${OLDEST_PYTHON} or later with --python or SCOREFN_PYTHON`,
    { cause },
  );
}

/** For an interpreter whose worker has ended with `EXIT_OLD_PYTHON`. */
export function pythonTooOld(python: string): ScoreError {
  const { stdout } = spawnSync(python, ["-c", SAY_VERSION], { encoding: "utf8", timeout: VERSION_DEADLINE_MS });
  const version = /^\d+\.\d+\.\d+$/.exec(stdout ?? "")?.[0];
  return new ScoreError(
    "ERR_PYTHON_NOT_FOUND",
    `Python${version === undefined ? "" : ` ${version}`} at ${python} is too old; scorefn needs ${OLDEST_PYTHON} or later; name one with --python or SCOREFN_PYTHON`,
  );
}

/** One place to look at, as an error message names it, and the files it comes down to. */
interface Place {
  readonly name: string;
  readonly paths: readonly string[];
}

function placesOf(request: InterpreterRequest): readonly Place[] {
  const { python, env, cwd = process.cwd(), platform = process.platform } = request;
  const windows = platform === "win32";
  const path = env.PATH ?? (windows ? env.Path : undefined) ?? "";
  // An empty entry means the current directory to a shell; a program found by that accident is not wanted.
  const folders = path.split(windows ? ";" : ":").filter((folder) => folder !== "");
  const at = (file: string): Place => ({ name: file, paths: [resolve(cwd, file)] });
  const onPath = (name: string): Place => {
    const file = windows && !name.toLowerCase().endsWith(".exe") ? `${name}.exe` : name;
    return { name: `${name} on PATH`, paths: folders.map((folder) => resolve(cwd, folder, file)) };
  };

  if (python !== null) {
    // As in a shell, only a name without a folder is looked for on PATH.
    return [python.includes("/") || (windows && python.includes("\\")) ? at(python) : onPath(python)];
  }
  const places: Place[] = [];
  if (env.VIRTUAL_ENV) places.push(at(join(env.VIRTUAL_ENV, windows ? "Scripts/python.exe" : "bin/python")));
  if (env.CONDA_PREFIX) places.push(at(join(env.CONDA_PREFIX, windows ? "python.exe" : "bin/python")));
  return [...places, onPath("python3"), onPath("python")];
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
