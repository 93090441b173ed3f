// The Python packages that a script needs, and the Python they are for.
import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { type CondaPackages, readConda } from "../endpoint/assets/conda.ts";
import { type PipLine, readListFile, readPipList, shownLine } from "../endpoint/assets/pip-list.ts";
import { fitsPython, PYTHON_VERSIONS } from "../endpoint/assets/python-versions.ts";
import { pythonInUse } from "../endpoint/assets/pythons.ts";
import type { AskedOptions, Inputs } from "./inputs.ts";
import { problem } from "./out-folder.ts";
import type { Problems } from "./problems.ts";

export interface Requirements {
  /** Content of the build's requirements.txt. */
  readonly text: string;
  /** Where it is from, for messages; undefined: there is nothing. */
  readonly file: string | undefined;
  /** What a conda file asks of Python. */
  readonly python: string | undefined;
  /** What to know. */
  readonly notes: readonly string[];
}

/** For scripts that are not Python. */
const NO_REQUIREMENTS: Requirements = { text: "", file: undefined, python: undefined, notes: [] };

const REQUIREMENTS = "requirements.txt";
const CONDA_FILES: readonly string[] = ["conda", "conda_dependencies", "conda_env", "environment"].flatMap((name) => [
  `${name}.yml`,
  `${name}.yaml`,
]);

/** The packages of a Python script, and the Python of its image, like 3.12.
 *  @param problems gets what is wrong; then the result is not to be used */
export async function resolvePython(
  { python, entryScript, served, step }: Inputs,
  { requirements: list, pythonVersion }: AskedOptions,
  problems: Problems,
): Promise<{ readonly requirements: Requirements; readonly version: string }> {
  if (!python) return { requirements: NO_REQUIREMENTS, version: "" };
  const requirements =
    problems.take(() =>
      served === undefined ? findRequirements(entryScript, list) : modelRequirements(served.path, list),
    ) ?? NO_REQUIREMENTS;
  step("asking Python for its version");
  const inUse = await pythonInUse();
  const version = problems.take(() => choosePython(pythonVersion, requirements.python, inUse?.version)) ?? "";
  return { requirements, version };
}

/** Finds the list beside the script, or in the folder above; a conda file counts where there is none.
 *  @param given the file to take instead   @throws ConfigError when it cannot be used */
export function findRequirements(entryScript: string, given: string | undefined): Requirements {
  const folder = dirname(entryScript);
  return readFirst([folder, dirname(folder)], given);
}

/** What an MLflow model says of itself: packages in requirements.txt or conda.yaml, Python in python_env.yaml or conda.yaml.
 *  @throws ConfigError when nothing says it */
export function modelRequirements(folder: string, given: string | undefined): Requirements {
  const found = readFirst([folder], given);
  if (found.file === undefined) {
    throw problem(`${folder} has neither ${REQUIREMENTS} nor conda.yaml; name a list of packages with --requirements`);
  }
  const { text, notes } = found;
  const python = /^python: *['"]?(\d+\.\d+)/m.exec(readIfThere(join(folder, "python_env.yaml")))?.[1];
  const asked = /^ *- python *([=<>!~].*?) *$/m.exec(readIfThere(join(folder, "conda.yaml")))?.[1];
  return {
    ...found,
    python: found.python ?? (python === undefined ? asked : `=${python}`),
    notes: FULL_MLFLOW.test(text) ? [...notes, SKINNY_ADVICE] : notes,
  };
}

/** A line for the whole of MLflow, with its server, its tracking and what those need. */
const FULL_MLFLOW = /^mlflow *(?:[[=<>!~;]|$)/im;

const SKINNY_ADVICE =
  "smaller:    mlflow-skinny in place of mlflow in the list of packages makes the image 300 to 450 MB smaller, and is all that " +
  "a model is loaded with; pandas and numpy have to be in the list then";

function readIfThere(file: string): string {
  return existsSync(file) ? readListFile(file) : "";
}

function readFirst(places: readonly string[], given: string | undefined): Requirements {
  if (given !== undefined && !existsSync(given)) throw problem(`there is no file ${given}; check --requirements`);
  const candidates = places.flatMap((place) => [REQUIREMENTS, ...CONDA_FILES].map((name) => join(place, name)));
  const file = given === undefined ? candidates.find((candidate) => existsSync(candidate)) : resolve(given);
  if (file === undefined) return { text: "", file, python: undefined, notes: [] };
  const text = readListFile(file);
  if (!/\.ya?ml$/i.test(file)) return { text: readPipList(text, file, inImage), file, python: undefined, notes: [] };
  const conda = readConda(text, file);
  return {
    text: readPipList(`${conda.lines.join("\n")}\n`, file, inImage),
    file,
    python: conda.python,
    notes: notesOf(conda, basename(file)),
  };
}

function notesOf({ untranslated }: CondaPackages, name: string): string[] {
  if (untranslated.length === 0) return [];
  return [
    `packages of ${name} that pip does not have, and that are left out: ${untranslated.map(shownLine).join(", ")}`,
  ];
}

/** A line as it stands in an image.   @throws ConfigError that names it, when pip could not read it there */
function inImage({ text, kind, where }: PipLine): string {
  if (kind === "constraints") {
    throw problem(`${where} write the constraints into the list: an image is made of one file`);
  }
  if (kind === "local") {
    throw problem(`${where} pip would look for it in the image; name a package, or put the code beside the script`);
  }
  if (SECRET.test(text)) {
    throw problem(`${where} holds a password, which everybody could read in the image; leave it out of the list`);
  }
  return text;
}

/** A name and a password; or, for the web, what stands there alone: nobody but a token needs no password. */
const SECRET = /:\/\/[^/@\s:$]*:[^/@\s$]+@|https?:\/\/[^/@\s:$]+@/i;

/** Taken where neither a flag nor a conda file nor a Python of this machine says more. */
const USUAL_PYTHON = "3.12";

/** The Python of an image, like 3.12.
 *  @param inUse of this machine   @throws ConfigError when there is no image with it */
export function choosePython(given: string | undefined, conda: string | undefined, inUse: string | undefined): string {
  const chosen = given ?? (conda === undefined ? undefined : fromConda(conda, inUse)) ?? inUse ?? USUAL_PYTHON;
  if ((PYTHON_VERSIONS as readonly string[]).includes(chosen)) return chosen;
  const from = given !== undefined ? "--python_version" : conda !== undefined ? "the conda file" : "the Python in use";
  throw problem(
    `${from} says ${chosen}, and there are images for ${PYTHON_VERSIONS[0]} to ${PYTHON_VERSIONS.at(-1)}; ` +
      "choose one with --python_version",
  );
}

/** The Python in use where it will do, else the newest that will. */
function fromConda(asked: string, inUse: string | undefined): string {
  const exact = /^==?\s*(\d+\.\d+)/.exec(asked);
  if (exact !== null) return exact[1]!;
  const fits = (version: string): boolean => fitsPython(asked, version);
  if (inUse !== undefined && fits(inUse)) return inUse;
  return [...PYTHON_VERSIONS].reverse().find(fits) ?? asked;
}
