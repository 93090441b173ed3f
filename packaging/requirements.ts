// The Python packages that a script needs, and the Python they are for.
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { type CondaPackages, readConda } from "./conda.ts";
import type { AskedOptions, Inputs } from "./inputs.ts";
import { problem } from "./out-folder.ts";
import type { Problems } from "./problems.ts";
import { pythonInUse } from "./pythons.ts";

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
export function resolvePython(
  { python, entryScript }: Inputs,
  { requirements: list, pythonVersion }: AskedOptions,
  problems: Problems,
): { readonly requirements: Requirements; readonly version: string } {
  if (!python) return { requirements: NO_REQUIREMENTS, version: "" };
  const requirements = problems.take(() => findRequirements(entryScript, list)) ?? NO_REQUIREMENTS;
  const version = problems.take(() => choosePython(pythonVersion, requirements.python, pythonInUse()?.version)) ?? "";
  return { requirements, version };
}

/** Finds the list beside the script, or in the folder above; a conda file counts where there is none.
 *  @param given the file to take instead   @throws ConfigError when it cannot be used */
export function findRequirements(entryScript: string, given: string | undefined): Requirements {
  const folder = dirname(entryScript);
  const places = [folder, dirname(folder)];
  if (given !== undefined && !existsSync(given)) throw problem(`there is no file ${given}; check --requirements`);
  const candidates = places.flatMap((place) => [REQUIREMENTS, ...CONDA_FILES].map((name) => join(place, name)));
  const file = given === undefined ? candidates.find((candidate) => existsSync(candidate)) : resolve(given);
  if (file === undefined) return { text: "", file, python: undefined, notes: [] };
  const text = readText(file);
  if (!/\.ya?ml$/i.test(file)) return { text: readPip(text, file), file, python: undefined, notes: [] };
  const conda = readConda(text, file);
  return {
    text: readPip(`${conda.lines.join("\n")}\n`, file),
    file,
    python: conda.python,
    notes: notesOf(conda, basename(file)),
  };
}

function notesOf({ untranslated }: CondaPackages, name: string): string[] {
  if (untranslated.length === 0) return [];
  return [`packages of ${name} that pip does not have, and that are left out: ${untranslated.map(shown).join(", ")}`];
}

/** As pip does: in the encoding that its first bytes tell, which PowerShell's `>` does.   @throws ConfigError */
function readText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw problem(`${file} cannot be read: ${(cause as Error).message}`);
  }
  const [first, second] = bytes;
  const isBigEndian = first === 0xfe && second === 0xff;
  const encoding = isBigEndian ? "utf-16be" : first === 0xff && second === 0xfe ? "utf-16le" : "utf-8";
  return new TextDecoder(encoding).decode(bytes);
}

/** A line as it may be shown: what stands before the @ of an address may be a secret. */
function shown(line: string): string {
  return line.trim().replace(/(:\/\/)[^/\s]*@/g, "$1***@");
}

/** A list of pip's with the lists that it names taken in: the image is made of one file.
 *  @throws ConfigError that names the line, when pip could not read it in an image */
function readPip(text: string, file: string, above: readonly string[] = []): string {
  const lines: string[] = [];
  // A line that ends with a backslash goes on in the next.
  let continues = false;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const where = `${file}:${index + 1}: ${shown(line)}:`;
    const [, short, long, named = ""] = LIST.exec(line) ?? [];
    const flag = short ?? long;
    if (flag !== undefined && !/^\w+:\/\//.test(named)) {
      const other = resolve(dirname(file), named);
      if (flag.includes("c"))
        throw problem(`${where} write the constraints into the list: an image is made of one file`);
      if (above.includes(other) || other === file) throw problem(`${where} the lists name each other`);
      if (!existsSync(other)) throw problem(`${where} there is no file ${other}`);
      lines.push(readPip(readText(other), other, [...above, file]).replace(/\n$/, ""));
      continue;
    }
    if (LOCAL.test(line)) {
      throw problem(`${where} pip would look for it in the image; name a package, or put the code beside the script`);
    }
    if (SECRET.test(line)) {
      throw problem(`${where} holds a password, which everybody could read in the image; leave it out of the list`);
    }
    if (!continues && !PIP_LINE.test(line)) {
      throw problem(`${where} pip cannot read it; a line is a package with its version, such as numpy==1.26.4`);
    }
    continues = line.endsWith("\\");
    lines.push(line);
  }
  return lines.join("\n");
}

/** Another list; pip also takes the short flags with the file right behind them. */
const LIST = /^\s*(?:(-[rc])\s*=?\s*|(--requirement|--constraint)[\s=]+)(\S+)/;

/** What lies on this machine: a folder, or a file of a package, which has an ending that no name of a package has. */
const LOCAL =
  /^\s*(?:-e\b|--editable\b|\.{1,2}(?:\/|\s*$)|\/|file:|[^\s@:/]+\.(?:whl|zip|tar\.\w+)(?:\s|$))|@\s*file:/i;

/** A name and a password; or, for the web, what stands there alone: nobody but a token needs no password. */
const SECRET = /:\/\/[^/@\s:$]*:[^/@\s$]+@|https?:\/\/[^/@\s:$]+@/i;

/** Nothing, a comment, an option, an address; or a name, with extras perhaps, and what may follow it: a single `=` is
 *  conda's. */
const PIP_LINE =
  /^\s*(?:$|#|-|[\w+.-]+:\/\/|[a-z0-9](?:[\w.-]*[a-z0-9])?\s*(?:\[[^\]]*\]\s*)?(?:$|[<>=!~]=|[<>;@(\\]|#|--))/i;

/** Pythons that an image can have. */
export const PYTHON_VERSIONS = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"] as const;

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
  const fits = (version: string): boolean => asked.split(",").every((part) => allows(part.trim(), version));
  if (inUse !== undefined && fits(inUse)) return inUse;
  return [...PYTHON_VERSIONS].reverse().find(fits) ?? asked;
}

function allows(part: string, version: string): boolean {
  const [, sign, major, given] = /^(>=|<=|>|<|!=|~=|==|=)?\s*(\d+)(?:\.(\d+))?/.exec(part) ?? [];
  if (major === undefined) return true;
  const isMajor = given === undefined;
  const minor = given ?? "0";
  const [ownMajor = 0, ownMinor = 0] = version.split(".").map(Number);
  const difference = ownMajor === Number(major) ? ownMinor - Number(minor) : ownMajor - Number(major);
  // `3`, `=3` and `3.*` are all that begin so.
  if (isMajor && (sign === undefined || sign.startsWith("="))) return ownMajor === Number(major);
  if (sign === ">=" || sign === "~=") return difference >= 0;
  if (sign === "<=") return difference <= 0;
  // Of `>3.8` and `<3.12.4` the last digits do not count: only minor versions are chosen.
  if (sign === ">") return difference > 0;
  if (sign === "<") return difference < 0;
  return sign === "!=" ? difference !== 0 : difference === 0;
}
