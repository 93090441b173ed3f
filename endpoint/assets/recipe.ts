// How this machine makes the environment that a conda file describes: with conda, or with pip for a Python of its own.
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ConfigError, type Environment } from "../../src/host.ts";
import { type ChosenPython, chooseForEnvironment, nearestVersion, otherPython, UNSUPPORTED } from "./choose-python.ts";
import { type CondaFile, checkConda, entryText, parseConda, splitEntry, translateConda } from "./conda.ts";
import { type PipLine, readListFile, readPipList } from "./pip-list.ts";
import { problem } from "./problem.ts";
import { fitsPython, PYTHON_VERSIONS } from "./python-versions.ts";
import { serverPackages } from "./server-packages.ts";
import { type CondaTool, findCondaTool, findUv } from "./tools.ts";

/** How to make an environment. */
export interface Recipe {
  /** The file that asks for it, for messages. */
  readonly source: string;
  /** Names the environment in the cache: files that ask for the same environment share it. */
  readonly key: string;
  /** What the program reads: a conda file as JSON, or a list for pip. */
  readonly content: string;
  /** The requirements in it, fit to be shown. */
  readonly packages: readonly string[];
  readonly by:
    | { readonly kind: "conda"; readonly tool: CondaTool }
    | { readonly kind: "venv"; readonly uv: string | undefined; readonly python: ChosenPython };
  /** Server packages that are left out. */
  readonly leftOut: readonly string[];
  readonly warnings: readonly string[];
}

export interface CondaRequest {
  /** The path of the file, or the map that stands in the deployment's file. */
  readonly conda: string | Readonly<Record<string, unknown>>;
  /** The folder of the code; relative paths of an inline map begin there. */
  readonly codeFolder: string | null;
  readonly env: Environment;
}

/** Goes up when environments come to be made in another way. */
const SCHEME = 1;

/** @throws ConfigError */
export async function readRecipe({ conda, codeFolder, env }: CondaRequest): Promise<Recipe> {
  const isFile = typeof conda === "string";
  const source = isFile ? conda : "environment.conda_file";
  const file = isFile ? conda : join(codeFolder ?? process.cwd(), "conda.yml");
  const content = isFile ? parseConda(readFile(conda), conda) : checkConda(conda, source);
  const tool = findCondaTool(env);
  const made = new Content(file, serverPackages(codeFolder));
  const parts = tool === undefined ? await forPip(content, source, made, env) : forConda(content, source, made, tool);
  const key = createHash("sha256")
    .update(JSON.stringify([SCHEME, parts.content, made.marks, parts.interpreter, process.platform, process.arch]))
    .digest("hex")
    .slice(0, 20);
  const { text, by, warnings, packages } = { ...parts, text: parts.content };
  return { source, key, content: text, packages, by, leftOut: made.leftOut, warnings };
}

interface Parts {
  readonly content: string;
  readonly packages: readonly string[];
  readonly by: Recipe["by"];
  /** The part of the key that stands for the interpreter. */
  readonly interpreter: string;
  readonly warnings: readonly string[];
}

async function forPip(conda: CondaFile, source: string, made: Content, env: Environment): Promise<Parts> {
  const { lines, python: asked, untranslated } = translateConda(conda, source);
  const text = made.list(lines);
  const uv = findUv(env);
  const python = await chooseForEnvironment(asked, uv, env).catch((error: unknown) => {
    throw error instanceof ConfigError ? problem(`${source} ${error.message}`) : error;
  });
  const missing = `${source}: pip does not have ${untranslated.join(", ")}, and no conda is installed here: left out`;
  return {
    content: text,
    packages: requirementsOf(text),
    by: { kind: "venv", uv, python },
    interpreter:
      python.found === undefined ? python.version : `${python.found.release} ${realpathSync(python.found.python)}`,
    warnings: [
      ...(untranslated.length > 0 ? [missing] : []),
      ...(python.warning === undefined ? [] : [`${source} ${python.warning}`]),
    ],
  };
}

function forConda({ dependencies, channels }: CondaFile, source: string, made: Content, tool: CondaTool): Parts {
  const warnings: string[] = [];
  const entries: unknown[] = [];
  const pip: string[] = [];
  let hasPython = false;
  for (const entry of dependencies) {
    const list = (entry as { pip?: unknown } | null)?.pip;
    if (typeof entry === "object" && Array.isArray(list)) {
      pip.push(
        ...made
          .list(list.map(entryText))
          .split("\n")
          .filter((line) => line.trim() !== ""),
      );
      continue;
    }
    const text = entryText(entry);
    const { name, version } = typeof entry === "string" ? splitEntry(text) : { name: undefined, version: "" };
    if (name === "python") {
      hasPython = true;
      const isKnown = version === "" || PYTHON_VERSIONS.some((known) => fitsPython(version, known));
      const nearest = nearestVersion(version);
      entries.push(isKnown ? entry : `python=${nearest}`);
      if (!isKnown) warnings.push(`${source} ${otherPython(version, UNSUPPORTED, nearest)}`);
    } else if (typeof entry !== "string" || !made.isLeftOut(text)) entries.push(entry);
  }
  if (!hasPython) entries.unshift("python>=3.9");
  if (pip.length > 0) {
    if (!entries.some((entry) => typeof entry === "string" && splitEntry(entry).name === "pip")) entries.push("pip");
    entries.push({ pip });
  }
  // JSON is YAML, too. In several lines, because readers of YAML limit the length of a line.
  const content = JSON.stringify({ ...(channels !== undefined && { channels }), dependencies: entries }, null, 2);
  const packages = [...entries.filter((entry) => typeof entry === "string"), ...requirementsOf(pip.join("\n"))];
  return { content, packages, by: { kind: "conda", tool }, interpreter: "conda", warnings };
}

/** Lists for pip, with absolute paths and without server packages. */
class Content {
  readonly leftOut: string[] = [];
  /** The state of the files and folders that the lists depend on. */
  readonly marks: string[] = [];
  readonly #file: string;
  readonly #isServer: (line: string) => boolean;

  constructor(file: string, isServer: (line: string) => boolean) {
    this.#file = file;
    this.#isServer = isServer;
  }

  list(lines: readonly string[]): string {
    return readPipList(lines.join("\n"), this.#file, (line) => this.#use(line));
  }

  isLeftOut(line: string): boolean {
    const isServer = this.#isServer(line);
    if (isServer) this.leftOut.push(line.trim());
    return isServer;
  }

  #use({ text, kind, named, file, where }: PipLine): string {
    if (kind === "constraints") {
      this.marks.push(markOf(named!, where));
      return `-c ${named}`;
    }
    if (kind === "other") return this.isLeftOut(text) ? "" : text;
    const [, before = "", path = "", rest = ""] = /^(\s*(?:(?:-e|--editable)[\s=]*)?)([^\s[;]+)(.*)$/.exec(text) ?? [];
    // An address is absolute already.
    if (/(?:^|@\s*)file:/i.test(text.slice(before.length))) return text;
    const absolute = resolve(dirname(file), path);
    this.marks.push(markOf(absolute, where));
    return `${before}${absolute}${rest}`;
  }
}

/** A text that changes when the file or folder changes. */
function markOf(path: string, where: string): string {
  try {
    const found = statSync(path);
    if (!found.isDirectory()) return `${path} ${found.size} ${found.mtimeMs}`;
    const below = readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) => !MADE.test(name));
    const marks = below.sort().map((name) => [name, lstatSync(join(path, name)).mtimeMs]);
    return `${path} ${JSON.stringify(marks)}`;
  } catch {
    throw problem(`${where} there is no ${path}`);
  }
}

/** Names that a build makes in the folder of a package, and folders, whose time changes when something is made in them. */
const MADE = /(?:^|[\\/])(?:\.git|build|dist|__pycache__|[^\\/]*\.egg-info)(?:[\\/]|$)|^[^.]*$/;

function requirementsOf(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => /^\s*[^\s#-]/.test(line))
    .map((line) => line.trim());
}

function readFile(file: string): string {
  try {
    const found = statSync(file);
    if (found.isDirectory()) throw problem(`environment.conda_file: ${file} is a folder; name a file`);
    if (found.size > MAX_FILE_BYTES) {
      throw problem(`environment.conda_file: ${file} has ${found.size} bytes; at most ${MAX_FILE_BYTES} are read`);
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw problem(`environment.conda_file: there is no file ${file}`);
  }
  return readListFile(file);
}

/** Bytes of a conda file: one of a large environment has some 20,000, and the YAML library needs seconds for a megabyte. */
const MAX_FILE_BYTES = 262_144;
