// Python environments that deployments ask for. Each is made once, and kept under a key of what it is made of.
//
// The cache has a folder for each key, which holds:
// - `environment.json`, which names the Python of the complete environment; it is written last
// - a folder for each attempt. It never moves, because conda and pip write its path into what they install. A failed one is never
//   used again, because programs that a killed server has started may still write to it
// - `lock`, which the process holds that makes the environment
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Environment, LockLost, ScoreError, withLock } from "../../src/host.ts";
import { explainFailure } from "./explain-failure.ts";
import { shownLine } from "./pip-list.ts";
import { askPython } from "./pythons.ts";
import type { Recipe } from "./recipe.ts";
import { runProgram } from "./run-program.ts";
import { isProgram, pythonIn } from "./tools.ts";

export interface MakeOptions {
  readonly cacheFolder: string;
  readonly env: Environment;
  /** Ends messages: what the user can do instead. */
  readonly cure: string;
  readonly progress: (line: string) => void;
}

const MANIFEST = "environment.json";
const MS_PER_SECOND = 1_000;

/** @returns the environment's Python   @throws ScoreError `ERR_ENVIRONMENT`; the signal's reason when it aborts */
export async function makeEnvironment(recipe: Recipe, options: MakeOptions, signal: AbortSignal): Promise<string> {
  const { cacheFolder, progress } = options;
  const folder = join(cacheFolder, recipe.key);
  const known = await findMade(folder);
  if (known !== undefined) {
    progress(`the environment of ${recipe.source} exists already: ${known}`);
    return known;
  }
  const onWait = (): void =>
    progress(`waiting for another process, which is making the environment of ${recipe.source} ...`);
  for (;;) {
    try {
      await makeFolder(folder);
      return await withLock(join(folder, "lock"), signal, onWait, async (hold) => {
        const other = await findMade(folder);
        if (other !== undefined) return other;
        return makeHere(recipe, folder, options, AbortSignal.any([signal, hold.lost]), hold.check);
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof LockLost) progress("another process has taken over, because this one stood still");
      else throw error instanceof ScoreError ? error : diskFailure(error as Error, recipe, options);
    }
  }
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  // Not recursive: Node would then report a read-only disk as a folder that does not exist.
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

/** The Python of the environment, if that is complete. */
async function findMade(folder: string): Promise<string | undefined> {
  try {
    const { python } = JSON.parse(await readFile(join(folder, MANIFEST), "utf8")) as { python?: unknown };
    // The Python that the environment was made with may be gone.
    return typeof python === "string" && isProgram(python) ? python : undefined;
  } catch {
    return undefined;
  }
}

async function makeHere(
  recipe: Recipe,
  folder: string,
  options: MakeOptions,
  signal: AbortSignal,
  check: () => Promise<void>,
): Promise<string> {
  const { progress, env } = options;
  await removeAttempts(folder);
  const attempt = join(folder, randomUUID().slice(0, 8));
  const prefix = join(attempt, "env");
  const startedAt = performance.now();
  try {
    await mkdir(attempt, { mode: 0o700 });
    const { by, content, source } = recipe;
    const how =
      by.kind === "conda" ? `with ${by.tool.name}` : `for Python ${by.python.version}${by.uv ? " with uv" : ""}`;
    progress(
      `making an environment ${how} for ${source}: ${recipe.packages.map(shownLine).join(", ") || "no packages"} ...`,
    );
    for (const line of recipe.leftOut) progress(`${line} is left out: it brings a server, and scorefn is one`);
    const list = join(attempt, by.kind === "conda" ? "conda.yml" : "requirements.txt");
    await writeFile(list, content, { mode: 0o600 });
    for (const [file, ...args] of commandsOf(recipe, prefix, list)) {
      const onLine = (line: string): void => {
        if (IS_PROGRESS[by.kind].test(line)) progress(`${shownLine(line).replace(/[.…\s]*$/, "")} ...`);
      };
      const run = { file, args, cwd: attempt, env: environmentFor(env), onLine };
      const { isGood, lines } = await runProgram(run, signal);
      if (!isGood) throw failure(recipe, options, explainFailure(lines, recipe.packages, [file, ...args]));
    }
    const python = pythonIn(prefix, by.kind);
    if ((await askPython(python, environmentFor(env))) === undefined) {
      throw failure(recipe, options, `its Python does not start: ${python}`);
    }
    // It may hold passwords for the servers that packages come from.
    await rm(list, { force: true });
    await check();
    const draft = join(folder, `${MANIFEST}.draft`);
    await writeFile(draft, `${JSON.stringify({ python, source, made: new Date().toISOString() })}\n`, { flush: true });
    await rename(draft, join(folder, MANIFEST));
    progress(`the environment is ready after ${((performance.now() - startedAt) / MS_PER_SECOND).toFixed(1)} s`);
    return python;
  } catch (error) {
    await rm(attempt, { recursive: true, force: true, maxRetries: 2 }).catch(() => {});
    throw error;
  }
}

/** Removes what killed servers have left. */
async function removeAttempts(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^[0-9a-f]{8}$/.test(name)) continue;
    // A program may still write to it; the next attempt removes it then.
    await rm(join(folder, name), { recursive: true, force: true }).catch(() => {});
  }
}

/** The lines of a program's output that tell how far it has come. */
const IS_PROGRESS = {
  conda: /[a-z]{3}/i,
  venv: /^\s*(?:Collecting|Downloading|Building|Built|Resolved|Prepared|Installing|Installed|Successfully)\b/,
};

type Command = readonly [file: string, ...args: string[]];

function commandsOf({ by, packages, content }: Recipe, prefix: string, list: string): Command[] {
  if (by.kind === "conda") {
    const { name, file } = by.tool;
    const verb = name === "micromamba" ? ["create", "--yes"] : ["env", "create"];
    return [[file, ...verb, "--prefix", prefix, "--file", list]];
  }
  const python = pythonIn(prefix, "venv");
  const { uv } = by;
  const base = by.python.found?.python;
  const isEmpty = packages.length === 0 && content.trim() === "";
  if (uv !== undefined) {
    const make: Command = [uv, "venv", "--python", base ?? by.python.version, prefix];
    return isEmpty ? [make] : [make, [uv, "pip", "install", "--python", python, "-r", list]];
  }
  const make: Command = [base!, "-m", "venv", prefix];
  const pip = [
    "-m",
    "pip",
    "install",
    "--no-input",
    "--disable-pip-version-check",
    "--progress-bar",
    "off",
    "-r",
    list,
  ];
  return isEmpty ? [make] : [make, [python, ...pip]];
}

/** Variables that would make these programs use another Python or another folder. */
const MISLEADING =
  /^(?:VIRTUAL_ENV|PYTHONPATH|PYTHONHOME|PYTHONSTARTUP|__PYVENV_LAUNCHER__|PIP_(?:USER|TARGET|PREFIX|REQUIREMENT)|SCOREFN_.*)$/;

/** Variables of pip, and those of uv that mean the same. */
const UV_WORDS: Readonly<Record<string, string>> = {
  PIP_INDEX_URL: "UV_DEFAULT_INDEX",
  PIP_EXTRA_INDEX_URL: "UV_INDEX",
  PIP_FIND_LINKS: "UV_FIND_LINKS",
  PIP_TRUSTED_HOST: "UV_INSECURE_HOST",
  PIP_CERT: "SSL_CERT_FILE",
};

function environmentFor(env: Environment): Environment {
  const own = Object.entries(env).filter(([name]) => !MISLEADING.test(name));
  const asPip = own.flatMap(([name, value]) =>
    UV_WORDS[name] === undefined ? [] : [[UV_WORDS[name], value] as const],
  );
  return {
    ...Object.fromEntries(asPip),
    // As pip does it: the version that the file asks for, from whichever index has it.
    UV_INDEX_STRATEGY: "unsafe-best-match",
    ...Object.fromEntries(own),
    // Nobody is there to answer questions.
    CONDA_ALWAYS_YES: "1",
    MAMBA_ALWAYS_YES: "1",
    NO_COLOR: "1",
    PYTHONUNBUFFERED: "1",
    UV_NO_PROGRESS: "1",
  };
}

function failure({ source, by }: Recipe, { cure }: MakeOptions, reason: string, cause?: unknown): ScoreError {
  const other = by.kind === "venv" && by.python.warning !== undefined ? ` (the file ${by.python.warning})` : "";
  const message = `the environment of ${source} could not be made: ${reason}${other}; ${cure}`;
  return new ScoreError("ERR_ENVIRONMENT", message, { cause });
}

function diskFailure(error: Error, recipe: Recipe, options: MakeOptions): ScoreError {
  return failure(recipe, options, `${options.cacheFolder}: ${error.message}`, error);
}
